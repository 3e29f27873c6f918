//! The classic syntax: tolerant of values without quotes and of stray backslashes, but names are
//! ASCII.

use super::{ParseError, push_limited};
use crate::matcher::{Compile, Matcher, Op};

/// One matcher: `name op value`, the value perhaps in double quotes.
pub(super) fn parse_one(text: &str, compile: Compile<'_>) -> Result<Matcher, ParseError> {
    let parts = split(text);
    let (name, op, raw) =
        parts.ok_or_else(|| ParseError::new(format!("bad matcher format: {text}")))?;
    let value = unescape(raw).ok_or_else(|| {
        ParseError::new(format!("matcher value contains unescaped double quote: {raw}"))
    })?;
    Matcher::compiled_by(name, op, value, compile)
        .map_err(|error| ParseError::new(error.to_string()))
}

/// Any number of matchers between commas. Either brace may be missing.
pub(super) fn parse(text: &str, compile: Compile<'_>) -> Result<Vec<Matcher>, ParseError> {
    let text = text.strip_prefix('{').unwrap_or(text);
    let text = text.strip_suffix('}').unwrap_or(text);
    let mut matchers = Vec::new();
    let mut start = 0;
    let mut scan = QuoteScan::default();
    for (at, c) in text.char_indices() {
        if scan.is_separator(c) {
            push_limited(&mut matchers, parse_one(&text[start..at], compile)?)?;
            start = at + c.len_utf8();
        }
    }
    let last = text[start..].trim();
    if !last.is_empty() {
        push_limited(&mut matchers, parse_one(last, compile)?)?;
    }
    Ok(matchers)
}

/// Which commas of a list stand in quotes.
#[derive(Default)]
struct QuoteScan {
    inside: bool,
    escaped: bool,
}

impl QuoteScan {
    /// Takes the next character; whether it is a comma between matchers.
    fn is_separator(&mut self, c: char) -> bool {
        match c {
            // Compat: a backslash before a comma still escapes a quote behind it.
            ',' => return !self.inside,
            '"' if self.escaped => self.escaped = false,
            '"' => self.inside = !self.inside,
            '\\' => self.escaped = !self.escaped,
            _ => self.escaped = false,
        }
        false
    }
}

/// Name, operator and the value as written, without the spaces around them.
fn split(text: &str) -> Option<(&str, Op, &str)> {
    let text = text.trim_matches(is_space);
    let is_name = |c: char| matches!(c, '_' | ':') || c.is_ascii_alphanumeric();
    let name_end = text.find(|c| !is_name(c))?;
    let (name, rest) = text.split_at(name_end);
    if !name.starts_with(|c: char| !c.is_ascii_digit()) {
        return None;
    }
    let rest = rest.trim_start_matches(is_space);
    // The longer operators come first, or `=` would leave the `~` to the value.
    let operators = [Op::Matches, Op::Equal, Op::NotEqual, Op::NotMatches];
    let (op, value) =
        operators.into_iter().find_map(|op| Some((op, rest.strip_prefix(op.text())?)))?;
    Some((name, op, value.trim_start_matches(is_space)))
}

/// Takes off the quotes and resolves `\n`, `\"` and `\\`; any other backslash stands for itself.
///
/// `None` if a quote stands where none may: inside, or at one end only.
fn unescape(raw: &str) -> Option<String> {
    let (inner, is_quoted) = match raw.strip_prefix('"') {
        Some(inner) => (inner, true),
        None => (raw, false),
    };
    let mut value = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => value.push('\n'),
                Some(c @ ('"' | '\\')) => value.push(c),
                other => {
                    value.push('\\');
                    value.extend(other);
                }
            },
            '"' => return (is_quoted && chars.as_str().is_empty()).then_some(value),
            c => value.push(c),
        }
    }
    (!is_quoted).then_some(value)
}

fn is_space(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\u{c}' | '\r' | ' ')
}
