//! How is a value written where it stands in an HTML page?
//!
//! The same value is dangerous in different ways in a text, an attribute, a URL, a script or a
//! style. The escaper reads the text between the actions as a browser would, knows for each action
//! in which context it stands, and gives it the `Escaper`s for that.
//!
//! This happens once, when a text is prepared (`escape`); at render time only the escapers run
//! (`write_escaped`). A definition that is used in several contexts exists once for each.
//!
//! A value of the host may be a [`Trust`]ed text: it is not escaped where its kind belongs.

mod attribute;
mod context;
mod escape;
mod json;
mod rewrite;
mod transition;
mod write;

pub(crate) use self::escape::escape;
pub use self::json::to_json;
pub(crate) use self::write::write_escaped;

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

/// One way to make a value harmless in one kind of place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Escaper {
    /// The text of an element.
    Html,
    /// The text of a title or a text area.
    Rcdata,
    /// A quoted attribute.
    Attribute,
    /// An attribute without quotes.
    Unquoted,
    /// The name of an attribute.
    HtmlName,
    /// A comment, which is dropped.
    Comment,
    /// The start of a URL: refuses schemes that run code.
    UrlFilter,
    /// The path of a URL.
    UrlNormalizer,
    /// A part of a query.
    UrlPart,
    Srcset,
    /// A value of JavaScript.
    JsValue,
    JsString,
    JsTemplate,
    JsRegexp,
    CssString,
    /// A value of CSS.
    CssValue,
    /// `html` and `urlquery`, as the template itself asked for them.
    PredefinedHtml,
    PredefinedQuery,
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

impl Escaper {
    /// Whether two escapers do the same as far as escaping twice is concerned.
    fn equals(self, other: Self) -> bool {
        self.family() == other.family()
    }

    /// Whether the other one would change nothing of what this one gives.
    fn makes_redundant(self, other: Self) -> bool {
        match self {
            Self::Comment => matches!(other, Self::Attribute | Self::Html),
            Self::CssString | Self::JsRegexp | Self::JsString | Self::JsTemplate => {
                other == Self::Attribute
            }
            Self::UrlPart => other == Self::UrlNormalizer,
            Self::Html
            | Self::Rcdata
            | Self::Attribute
            | Self::Unquoted
            | Self::HtmlName
            | Self::UrlFilter
            | Self::UrlNormalizer
            | Self::Srcset
            | Self::JsValue
            | Self::CssValue
            | Self::PredefinedHtml
            | Self::PredefinedQuery => false,
        }
    }

    fn family(self) -> Self {
        match self {
            Self::Attribute | Self::Html | Self::Rcdata => Self::PredefinedHtml,
            Self::UrlPart | Self::UrlNormalizer => Self::PredefinedQuery,
            Self::Unquoted
            | Self::HtmlName
            | Self::Comment
            | Self::UrlFilter
            | Self::Srcset
            | Self::JsValue
            | Self::JsString
            | Self::JsTemplate
            | Self::JsRegexp
            | Self::CssString
            | Self::CssValue
            | Self::PredefinedHtml
            | Self::PredefinedQuery => self,
        }
    }
}
