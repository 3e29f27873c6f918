//! Appending JSON to a text.
//!
//! In: names and values in the order in which they shall stand. Out: compact JSON, escaped as Go's
//! `encoding/json` escapes. Commas are the callers' business: they know which member is the first.
//!
//! Compat: clients compare bytes. Inside alerts and silences the characters `<`, `>` and `&` are
//! escaped, elsewhere they are not; [`Escape`] says which.

use std::fmt::Write;

use super::word::{self, repeated};

/// Whether `<`, `>` and `&` are written as `\u003c`, `\u003e` and `\u0026`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escape {
    Html,
    Plain,
}

/// Appends `text` as a JSON string.
pub fn push_string(out: &mut String, text: &str, escape: Escape) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = first_special(rest.as_bytes(), escape) {
        let (plain, special) = rest.split_at(at);
        out.push_str(plain);
        let mut characters = special.chars();
        if let Some(character) = characters.next() {
            push_special(out, character);
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

/// Appends an array of strings.
pub fn push_strings<T: AsRef<str>>(
    out: &mut String,
    items: impl IntoIterator<Item = T>,
    escape: Escape,
) {
    out.push('[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        push_string(out, item.as_ref(), escape);
    }
    out.push(']');
}

/// Appends an object whose values are strings, in the order given.
pub fn push_string_map<'a>(
    out: &mut String,
    pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    escape: Escape,
) {
    out.push('{');
    for (index, (name, value)) in pairs.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        push_string(out, name, escape);
        out.push(':');
        push_string(out, value, escape);
    }
    out.push('}');
}

/// Where the first byte stands that cannot be copied as it is.
#[inline]
fn first_special(bytes: &[u8], escape: Escape) -> Option<usize> {
    // Nearly all texts are plain, and this is how that is seen soonest.
    if is_plain(bytes) { None } else { first_special_of_many(bytes, escape) }
}

/// Whether no byte needs care in HTML. Looks at whole words, without a branch for any of them; the
/// last word reaches back into the one before it.
#[inline]
fn is_plain(bytes: &[u8]) -> bool {
    let special = if let Some(last) = bytes.last_chunk() {
        let words = bytes.as_chunks().0.iter().map(|word| special_in(u64::from_le_bytes(*word)));
        words.fold(special_in(u64::from_le_bytes(*last)), |sum, special| sum | special)
    } else {
        special_in(bytes.iter().fold(repeated(b' '), |word, byte| word << 8 | u64::from(*byte)))
    };
    special == 0
}

/// Marks the first byte of the word that needs care in HTML.
#[inline]
fn special_in(word: u64) -> u64 {
    // Pairs that differ in one bit.
    let brackets = word::equal(word | repeated(2), b'>');
    let quote_or_and = word::equal(word | repeated(4), b'&');
    let backslash = word::equal(word, b'\\');
    word::below(word, b' ') | backslash | word::equal(word, 0xe2) | brackets | quote_or_and
}

#[cold]
fn first_special_of_many(bytes: &[u8], escape: Escape) -> Option<usize> {
    let special = match escape {
        Escape::Html => &SPECIAL_IN_HTML,
        Escape::Plain => &SPECIAL,
    };
    bytes.iter().position(|byte| special[usize::from(*byte)])
}

static SPECIAL_IN_HTML: [bool; 256] = table(Escape::Html);
static SPECIAL: [bool; 256] = table(Escape::Plain);

const fn table(escape: Escape) -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = needs_care(byte as u8, escape);
        byte += 1;
    }
    table
}

/// 0xe2 begins U+2028 and U+2029, which are escaped everywhere, and harmless others.
const fn needs_care(byte: u8, escape: Escape) -> bool {
    match byte {
        0..0x20 | b'"' | b'\\' | 0xe2 => true,
        b'<' | b'>' | b'&' => matches!(escape, Escape::Html),
        _ => false,
    }
}

fn push_special(out: &mut String, character: char) {
    match character {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{08}' => out.push_str("\\b"),
        '\u{0c}' => out.push_str("\\f"),
        '<' => out.push_str("\\u003c"),
        '>' => out.push_str("\\u003e"),
        '&' => out.push_str("\\u0026"),
        '\0'..'\u{20}' | '\u{2028}' | '\u{2029}' => {
            write!(out, "\\u{:04x}", u32::from(character)).expect("a text takes all writes");
        }
        other => out.push(other),
    }
}

#[cfg(test)]
mod tests;
