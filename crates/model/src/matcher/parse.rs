//! From text to matchers, in the syntax that the server's mode says.
//!
//! Two syntaxes live side by side while the world moves from one to the other. In the fallback mode
//! a text is read in both: what only the classic syntax accepts still works, and where both accept
//! but differ the classic reading stays, so that no silence changes its meaning on an upgrade.
//! Either case is worth a warning, which is returned with the value; nothing here logs.

use std::fmt;

use super::{Compile, Matcher, MatcherMode, Matchers};
use crate::regex::Pattern;

mod classic;
mod utf8;

pub(super) use utf8::is_reserved;

/// What was read, and what the user should know about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed<T> {
    pub value: T,
    /// The text is not valid in the UTF-8 syntax, or means something else there.
    pub warning: Option<String>,
}

/// Prints as the Go Alertmanager's errors do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    message: Box<str>,
}

/// Reads exactly one matcher: what API filters and command lines hold.
///
/// Outside of the classic mode braces around it are refused.
pub fn parse_matcher(text: &str, mode: MatcherMode) -> Result<Parsed<Matcher>, ParseError> {
    parse_matcher_by(text, mode, &mut Pattern::anchored)
}

/// As [`parse_matcher`], with a pattern made by `compile`. Where two syntaxes are tried, it is asked
/// twice.
pub fn parse_matcher_by(
    text: &str,
    mode: MatcherMode,
    compile: Compile<'_>,
) -> Result<Parsed<Matcher>, ParseError> {
    check_length(text)?;
    if mode != MatcherMode::Classic && (text.starts_with('{') || text.ends_with('}')) {
        return Err(ParseError::new(format!("unexpected open or close brace: {text}")));
    }
    let suggest = |matcher: &Matcher| matcher.to_string();
    in_mode(text, mode, utf8::parse_one, classic::parse_one, suggest, compile)
}

/// Reads any number of matchers, in braces or not, in the order in which they are written.
pub fn parse_matchers(text: &str, mode: MatcherMode) -> Result<Parsed<Vec<Matcher>>, ParseError> {
    check_length(text)?;
    let suggest = |matchers: &Vec<Matcher>| {
        let texts: Vec<String> = matchers.iter().map(ToString::to_string).collect();
        texts.join(",")
    };
    in_mode(text, mode, utf8::parse, classic::parse, suggest, &mut Pattern::anchored)
}

/// Whether labels may have this name: any text but the empty one, or in the classic mode
/// `[a-zA-Z_][a-zA-Z0-9_]*`.
pub fn valid_label_name(name: &str, mode: MatcherMode) -> bool {
    match mode {
        MatcherMode::Fallback | MatcherMode::Utf8 => !name.is_empty(),
        MatcherMode::Classic => valid_classic_label_name(name),
    }
}

/// `[a-zA-Z_][a-zA-Z0-9_]*`
pub fn valid_classic_label_name(name: &str) -> bool {
    let is_inner = |byte: u8| byte == b'_' || byte.is_ascii_alphanumeric();
    name.starts_with(|c: char| !c.is_ascii_digit()) && name.bytes().all(is_inner)
}

type Parser<T> = fn(&str, Compile<'_>) -> Result<T, ParseError>;

fn in_mode<T: PartialEq>(
    text: &str,
    mode: MatcherMode,
    utf8: Parser<T>,
    classic: Parser<T>,
    suggest: impl Fn(&T) -> String,
    compile: Compile<'_>,
) -> Result<Parsed<T>, ParseError> {
    let plain = |value| Parsed { value, warning: None };
    match mode {
        MatcherMode::Utf8 => utf8(text, compile).map(plain),
        MatcherMode::Classic => classic(text, compile).map(plain),
        MatcherMode::Fallback => match (utf8(text, compile), classic(text, compile)) {
            (Ok(value), Err(_)) => Ok(plain(value)),
            (Ok(value), Ok(classic)) if value == classic => Ok(plain(value)),
            (Ok(_), Ok(value)) => Ok(Parsed {
                value,
                warning: Some(
                    "matchers mean something else in the UTF-8 syntax; the classic reading is used"
                        .into(),
                ),
            }),
            (Err(error), Ok(value)) => {
                let warning = format!(
                    "matchers are valid in the classic syntax only ({error}); write them as {}",
                    suggest(&value)
                );
                Ok(Parsed { value, warning: Some(warning) })
            }
            (Err(_), Err(error)) => Err(error),
        },
    }
}

fn check_length(text: &str) -> Result<(), ParseError> {
    if text.len() > TEXT_BYTES_MAX {
        let message = format!("matchers are longer than {TEXT_BYTES_MAX} bytes: {}", text.len());
        return Err(ParseError::new(message));
    }
    Ok(())
}

/// Adds a matcher to a list that is being read, or says that there are too many.
fn push_limited(matchers: &mut Vec<Matcher>, matcher: Matcher) -> Result<(), ParseError> {
    if matchers.len() == MATCHERS_MAX {
        return Err(ParseError::new(format!("more than {MATCHERS_MAX} matchers")));
    }
    matchers.push(matcher);
    Ok(())
}

impl ParseError {
    fn new(message: String) -> Self {
        ParseError { message: message.into() }
    }
}

impl std::error::Error for ParseError {}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Parsed<Vec<Matcher>> {
    /// The same as a sorted set.
    pub fn into_set(self) -> Parsed<Matchers> {
        Parsed { value: Matchers::new(self.value), warning: self.warning }
    }
}

/// Limit: bytes of text in one filter, or one entry of a list of matchers.
pub const TEXT_BYTES_MAX: usize = 1 << 20;

/// Limit: matchers in one such text.
pub const MATCHERS_MAX: usize = 1000;
