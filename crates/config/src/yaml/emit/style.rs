//! How a text has to be written so that it reads back as the same text.

use std::ops::RangeInclusive;

use crate::yaml::scalar::{Scalar, resolve_plain};

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Place {
    Block,
    Key,
    Flow,
}

pub(super) enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

impl Style {
    pub(super) fn of(text: &str, place: Place) -> Style {
        let special = text.chars().any(|c| c != '\n' && !is_printable(c)) || text.contains(" \n");
        if text.contains('\n') {
            let block_allowed = place == Place::Block && !special && !text.ends_with(' ');
            return if block_allowed { Style::Literal } else { Style::Double };
        }
        let means_something = resolve_plain(text) != Scalar::Text
            || text == "<<"
            || looks_like_date(text)
            || looks_like_base_60(text);
        if means_something || special {
            return Style::Double;
        }
        let outer_space = text.starts_with(' ') || text.ends_with(' ');
        if outer_space || has_indicator(text, place) { Style::Single } else { Style::Plain }
    }
}

/// Whether some character would be read as syntax.
fn has_indicator(text: &str, place: Place) -> bool {
    if text.starts_with("---") || text.starts_with("...") {
        return true;
    }
    let flow = place == Place::Flow;
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    let mut first = true;
    while let Some(c) = chars.next() {
        let before_space = chars.peek().is_none_or(|next| *next == ' ');
        let found = match c {
            '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%'
            | '@' | '`'
                if first =>
            {
                true
            }
            // Between brackets the parser takes a dash behind a space for the start of a text.
            '-' => (first && before_space) || (flow && before == ' '),
            '?' if first => flow || before_space,
            ':' => flow || before_space,
            '#' => before == ' ',
            ',' | '?' | '[' | ']' | '{' | '}' => flow,
            _ => false,
        };
        if found {
            return true;
        }
        first = false;
        before = c;
    }
    false
}

/// Compat: the Go server escapes all characters beyond U+FFFF, emoji among them.
fn is_printable(c: char) -> bool {
    match c {
        ' '..='~' => true,
        '\u{feff}' | '\u{fffe}' | '\u{ffff}' | '\u{2028}' | '\u{2029}' => false,
        _ => ('\u{a0}'..='\u{ffff}').contains(&c),
    }
}

pub(super) fn push_escaped(text: &mut String, c: char) {
    let short = match c {
        '\0' => '0',
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{b}' => 'v',
        '\u{c}' => 'f',
        '\r' => 'r',
        '\u{1b}' => 'e',
        '"' => '"',
        '\\' => '\\',
        '\u{85}' => 'N',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        _ if is_printable(c) => {
            text.push(c);
            return;
        }
        _ => {
            let code = u32::from(c);
            text.push_str(&match code {
                0..=0xff => format!("\\x{code:02X}"),
                0x100..=0xffff => format!("\\u{code:04X}"),
                _ => format!("\\U{code:08X}"),
            });
            return;
        }
    };
    text.push('\\');
    text.push(short);
}

/// `2024-01-31`, alone or with a time behind it.
fn looks_like_date(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let digits = |part: Option<&str>, lengths: RangeInclusive<usize>| {
        part.is_some_and(|part| {
            lengths.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    digits(parts.next(), 4..=4)
        && digits(parts.next(), 1..=2)
        && parts.next().is_some_and(|rest| {
            let day = rest.split(['T', 't', ' ']).next();
            digits(day, 1..=2)
        })
}

/// `1:30` was once ninety.
fn looks_like_base_60(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let whole = unsigned.split_once('.').map_or(unsigned, |(whole, _)| whole);
    let mut parts = whole.split(':');
    let first = parts.next().unwrap_or_default();
    let head_fits = first.starts_with(|c: char| c.is_ascii_digit())
        && first.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let mut rest = parts.peekable();
    head_fits
        && rest.peek().is_some()
        && rest.all(|part| part.len() <= 2 && part.parse::<u8>().is_ok_and(|number| number < 60))
}
