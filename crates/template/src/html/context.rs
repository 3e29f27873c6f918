//! Where in a page does a text end?
//!
//! A [`Context`] says what a browser would make of the next character. Two branches of a template
//! must agree on it; where they nearly do, [`Context::join`] finds what both can live with.
//!
//! The names of states and parts are shown in errors as Go shows them, which is why they are
//! spelt out there.

use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct Context {
    pub state: State,
    pub delimiter: Delimiter,
    pub url: UrlPart,
    pub slash: Slash,
    /// For each template literal around: open braces in its expression.
    pub braces: Vec<u32>,
    pub attribute: Attribute,
    pub element: Element,
    pub fault: Option<Box<Fault>>,
}

/// Why a page cannot be escaped.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct Fault {
    /// `name:line:column`, if a node is to blame.
    pub location: Option<String>,
    /// 0 if it is not known.
    pub line: usize,
    pub description: String,
    /// Whether it was a limit of ours.
    pub is_limit: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[expect(clippy::upper_case_acronyms, reason = "errors show these names as Go does")]
pub(super) enum State {
    #[default]
    Text,
    Tag,
    AttrName,
    AfterName,
    BeforeValue,
    HTMLCmt,
    RCDATA,
    Attr,
    URL,
    Srcset,
    JS,
    JSDqStr,
    JSSqStr,
    JSTmplLit,
    JSRegexp,
    JSBlockCmt,
    JSLineCmt,
    JSHTMLOpenCmt,
    JSHTMLCloseCmt,
    CSS,
    CSSDqStr,
    CSSSqStr,
    CSSDqURL,
    CSSSqURL,
    CSSURL,
    CSSBlockCmt,
    CSSLineCmt,
    Error,
    MetaContent,
    MetaContentURL,
    /// Behind a jump out of a loop: nothing gets here.
    Dead,
}

/// What ends the value of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Delimiter {
    #[default]
    None,
    DoubleQuote,
    SingleQuote,
    SpaceOrTagEnd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum UrlPart {
    #[default]
    None,
    PreQuery,
    QueryOrFrag,
    Unknown,
}

/// What a slash would mean in a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Slash {
    #[default]
    Regexp,
    DivOp,
    Unknown,
}

/// Elements with a content of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Element {
    #[default]
    None,
    Script,
    Style,
    Textarea,
    Title,
    Meta,
}

/// Attributes with a content of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[expect(clippy::upper_case_acronyms, reason = "errors show these names as Go does")]
pub(super) enum Attribute {
    #[default]
    None,
    Script,
    ScriptType,
    Style,
    URL,
    Srcset,
    MetaContent,
}

impl Context {
    pub fn in_state(state: State) -> Self {
        Self { state, ..Self::default() }
    }

    pub fn failed(description: impl Into<String>) -> Self {
        let fault = Fault { description: description.into(), ..Fault::default() };
        Self::faulty(fault)
    }

    pub fn faulty(fault: Fault) -> Self {
        Self { state: State::Error, fault: Some(Box::new(fault)), ..Self::default() }
    }

    /// Inside a tag, behind a value.
    pub fn in_tag(element: Element) -> Self {
        Self { state: State::Tag, element, ..Self::default() }
    }

    /// The context when something is about to be written: a value begins, or a name.
    pub fn nudged(mut self) -> Self {
        match self.state {
            State::Tag => self.state = State::AttrName,
            State::BeforeValue => {
                self.state = self.attribute.start();
                self.delimiter = Delimiter::SpaceOrTagEnd;
                self.attribute = Attribute::None;
            }
            State::AfterName => {
                self.state = State::AttrName;
                self.attribute = Attribute::None;
            }
            _ => {}
        }
        self
    }

    /// What is true after either of two branches; `None` if they do not agree.
    pub fn join(self, other: Self) -> Option<Self> {
        if self.state == State::Error || other.state == State::Dead {
            return Some(self);
        }
        if other.state == State::Error || self.state == State::Dead || self == other {
            return Some(other);
        }
        if (Self { url: other.url, ..self.clone() }) == other {
            return Some(Self { url: UrlPart::Unknown, ..self });
        }
        if (Self { slash: other.slash, ..self.clone() }) == other {
            return Some(Self { slash: Slash::Unknown, ..self });
        }
        // Something may still follow that makes them agree, such as the start of a value.
        let (first, second) = (self.clone().nudged(), other.clone().nudged());
        if first == self && second == other {
            return None;
        }
        first.join(second).filter(|joined| joined.state != State::Error)
    }

    /// The name of a definition that starts in this context.
    pub fn mangle(&self, name: &str) -> String {
        if self.state == State::Text {
            return name.to_owned();
        }
        let mut mangled = format!("{name}$htmltemplate_{}", self.state);
        if self.delimiter != Delimiter::None {
            mangled.push_str(&format!("_{}", self.delimiter));
        }
        if self.url != UrlPart::None {
            mangled.push_str(&format!("_{}", self.url));
        }
        if self.slash != Slash::Regexp {
            mangled.push_str(&format!("_{}", self.slash));
        }
        if !self.braces.is_empty() {
            mangled.push_str(&format!("_jsBraceDepth({})", Braces(&self.braces)));
        }
        if self.attribute != Attribute::None {
            mangled.push_str(&format!("_{}", self.attribute));
        }
        if self.element != Element::None {
            mangled.push_str(&format!("_{}", self.element));
        }
        mangled
    }
}

impl Fault {
    /// Says in front in which part of a loop it was found, and on which line that is.
    pub fn explain(&mut self, part: &str, line: usize) {
        if !self.is_limit {
            self.description = format!("{part}: {}", self.description);
            self.line = line;
        }
    }
}

impl State {
    pub fn is_comment(self) -> bool {
        matches!(
            self,
            Self::HTMLCmt
                | Self::JSBlockCmt
                | Self::JSLineCmt
                | Self::JSHTMLOpenCmt
                | Self::JSHTMLCloseCmt
                | Self::CSSBlockCmt
                | Self::CSSLineCmt
        )
    }

    pub fn is_in_tag(self) -> bool {
        matches!(
            self,
            Self::Tag | Self::AttrName | Self::AfterName | Self::BeforeValue | Self::Attr
        )
    }

    pub fn is_script_literal(self) -> bool {
        matches!(self, Self::JSDqStr | Self::JSSqStr | Self::JSTmplLit | Self::JSRegexp)
    }
}

impl Attribute {
    /// The state at the start of a value.
    pub fn start(self) -> State {
        match self {
            Self::None | Self::ScriptType => State::Attr,
            Self::Script => State::JS,
            Self::Style => State::CSS,
            Self::URL => State::URL,
            Self::Srcset => State::Srcset,
            Self::MetaContent => State::MetaContent,
        }
    }
}

impl Delimiter {
    /// The bytes that end the value.
    pub fn ends(self) -> &'static [u8] {
        match self {
            Self::None => b"",
            Self::DoubleQuote => b"\"",
            Self::SingleQuote => b"'",
            Self::SpaceOrTagEnd => b" \t\n\x0c\r>",
        }
    }
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { state, delimiter, url, slash, braces, attribute, element, fault } = self;
        let braces = Braces(braces);
        write!(f, "{{{state} {delimiter} {url} {slash} {braces} {attribute} {element} ")?;
        match fault {
            Some(fault) => write!(f, "{}}}", fault.description),
            None => f.write_str("<nil>}"),
        }
    }
}

struct Braces<'a>(&'a [u32]);

impl fmt::Display for Braces<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.0.iter().map(u32::to_string).collect();
        write!(f, "[{}]", numbers.join(" "))
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "state{self:?}")
    }
}

impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "delim{self:?}")
    }
}

impl fmt::Display for UrlPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "urlPart{self:?}")
    }
}

impl fmt::Display for Slash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "jsCtx{self:?}")
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "element{self:?}")
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "attr{self:?}")
    }
}
