//! Why a text is not a pattern, in the words that Go's `regexp` package uses.

use std::fmt;

/// Prints as Go's: ``error parsing regexp: missing closing ]: `[a` ``.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError {
    fault: Fault,
    /// The piece of the pattern that is at fault.
    part: Box<str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    ClassRange,
    Escape,
    NamedCapture,
    GroupSyntax,
    NestedRepeat,
    RepeatCount,
    MissingBracket,
    MissingParen,
    NothingToRepeat,
    TrailingBackslash,
    UnexpectedParen,
    NestsTooDeep,
    TooLarge,
    AllTooLarge,
}

impl PatternError {
    /// Several patterns are too large together, this one being the first beyond the limit.
    pub fn all_too_large(pattern: &str) -> Self {
        let end = pattern.floor_char_boundary(SHOWN_BYTES_MAX);
        PatternError::new(Fault::AllTooLarge, pattern.get(..end).unwrap_or_default())
    }

    pub(super) fn new(fault: Fault, part: &str) -> Self {
        PatternError { fault, part: part.into() }
    }
}

impl Fault {
    fn text(self) -> &'static str {
        match self {
            Fault::ClassRange => "invalid character class range",
            Fault::Escape => "invalid escape sequence",
            Fault::NamedCapture => "invalid named capture",
            Fault::GroupSyntax => "invalid or unsupported Perl syntax",
            Fault::NestedRepeat => "invalid nested repetition operator",
            Fault::RepeatCount => "invalid repeat count",
            Fault::MissingBracket => "missing closing ]",
            Fault::MissingParen => "missing closing )",
            Fault::NothingToRepeat => "missing argument to repetition operator",
            Fault::TrailingBackslash => "trailing backslash at end of expression",
            Fault::UnexpectedParen => "unexpected )",
            Fault::NestsTooDeep => "expression nests too deeply",
            Fault::TooLarge => "expression too large",
            Fault::AllTooLarge => "expressions of this request too large together",
        }
    }
}

impl std::error::Error for PatternError {}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error parsing regexp: {}: `{}`", self.fault.text(), self.part)
    }
}

/// Limit: how much is shown of a pattern that may be fine by itself.
const SHOWN_BYTES_MAX: usize = 200;
