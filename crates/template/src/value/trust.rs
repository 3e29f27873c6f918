//! Texts that HTML escaping need not escape where their kind belongs.

/// As what a text is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    Css,
    Html,
    HtmlAttribute,
    Js,
    JsString,
    Url,
    Srcset,
}

impl Trust {
    /// The type as Go names it.
    pub(crate) fn type_name(self) -> &'static str {
        match self {
            Self::Css => "template.CSS",
            Self::Html => "template.HTML",
            Self::HtmlAttribute => "template.HTMLAttr",
            Self::Js => "template.JS",
            Self::JsString => "template.JSStr",
            Self::Url => "template.URL",
            Self::Srcset => "template.Srcset",
        }
    }
}
