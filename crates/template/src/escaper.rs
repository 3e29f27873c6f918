//! The ways to make a value harmless in HTML; the parser's tree names them, `html` performs them.

/// One way to make a value harmless in one kind of place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escaper {
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

impl Escaper {
    /// Whether two escapers do the same as far as escaping twice is concerned.
    pub fn equals(self, other: Self) -> bool {
        self.family() == other.family()
    }

    /// Whether the other one would change nothing of what this one gives.
    pub fn makes_redundant(self, other: Self) -> bool {
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
