//! Appending JSON to a text.
//!
//! In: names and values in the order in which they shall stand. Out: compact JSON, escaped as Go's
//! `encoding/json` escapes. Commas are the callers' business: they know which member is the first.
//!
//! Compat: clients compare bytes. Inside alerts and silences the characters `<`, `>` and `&` are
//! escaped, elsewhere they are not; [`Escape`] says which.

use std::fmt::Write;

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

/// Looks at whole blocks, without a branch inside; the last one reaches back into the one before it.
#[inline]
fn is_plain(bytes: &[u8]) -> bool {
    if let Some(last) = bytes.last_chunk::<BLOCK>() {
        let mut special = special_in(last);
        for block in bytes.as_chunks::<BLOCK>().0 {
            let in_block = special_in(block);
            for (sum, one) in special.iter_mut().zip(in_block) {
                *sum |= one;
            }
        }
        return special == [0; BLOCK];
    }
    match (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (Some(first), Some(last)) => {
            let mut block = [0; BLOCK];
            block[..8].copy_from_slice(first);
            block[8..].copy_from_slice(last);
            special_in(&block) == [0; BLOCK]
        }
        _ => !bytes.iter().any(|byte| SPECIAL_IN_HTML[usize::from(*byte)]),
    }
}

/// Not zero where a byte needs care in HTML.
#[inline]
fn special_in(block: &[u8; BLOCK]) -> [u8; BLOCK] {
    block.map(|byte| u8::from(needs_care(byte, Escape::Html)))
}

#[cold]
fn first_special_of_many(bytes: &[u8], escape: Escape) -> Option<usize> {
    let special = match escape {
        Escape::Html => &SPECIAL_IN_HTML,
        Escape::Plain => &SPECIAL,
    };
    bytes.iter().position(|byte| special[usize::from(*byte)])
}

const BLOCK: usize = 16;

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
    let always = (byte < 0x20) | (byte == b'\\') | (byte == 0xe2);
    // Pairs that differ in one bit.
    let brackets = (byte | 2) == b'>';
    let quote_or_and = (byte | 4) == b'&';
    match escape {
        Escape::Html => always | brackets | quote_or_and,
        Escape::Plain => always | (byte == b'"'),
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
