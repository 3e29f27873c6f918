//! Writing JSON straight into one string, as Go's `encoding/json` does.
//!
//! In: names and values, in the order in which they shall appear. Out: compact JSON whose bytes
//! equal those of the Go encoder.
//!
//! Lists of many thousand alerts pass through here, so nothing is built in between: no tree, no
//! map, one copy of every run of plain characters.

use crate::word::{self, repeated};

/// Whether `<`, `>` and `&` are written as `\u003c`, `\u003e` and `\u0026`.
///
/// Go escapes them unless configured otherwise (`SetEscapeHTML`). U+2028 and U+2029 are escaped always.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escape {
    Html,
    Plain,
}

/// An object under construction, with [`Escape::Html`]; [`Object::end`] closes it.
#[must_use]
pub struct Object<'a> {
    out: &'a mut String,
    is_empty: bool,
}

/// A list under construction, with [`Escape::Html`]; [`List::end`] closes it.
#[must_use]
pub struct List<'a> {
    out: &'a mut String,
    is_empty: bool,
}

impl<'a> Object<'a> {
    pub fn begin(out: &'a mut String) -> Self {
        out.push('{');
        Object { out, is_empty: true }
    }

    /// Writes the name and returns the place where its value goes, exactly one.
    pub fn value(&mut self, name: &str) -> &mut String {
        push_comma(self.out, &mut self.is_empty);
        push_string(self.out, name, Escape::Html);
        self.out.push(':');
        self.out
    }

    pub fn string(&mut self, name: &str, text: &str) {
        push_string(self.value(name), text, Escape::Html);
    }

    /// Leaves the member out if the text is empty.
    pub fn non_empty(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.string(name, text);
        }
    }

    pub fn bool(&mut self, name: &str, value: bool) {
        self.value(name).push_str(if value { "true" } else { "false" });
    }

    pub fn number(&mut self, name: &str, number: u64) {
        self.value(name).push_str(&number.to_string());
    }

    pub fn end(self) {
        self.out.push('}');
    }
}

impl<'a> List<'a> {
    pub fn begin(out: &'a mut String) -> Self {
        out.push('[');
        List { out, is_empty: true }
    }

    /// Returns the place where the next value goes, exactly one.
    pub fn value(&mut self) -> &mut String {
        push_comma(self.out, &mut self.is_empty);
        self.out
    }

    pub fn end(self) {
        self.out.push(']');
    }
}

fn push_comma(out: &mut String, is_empty: &mut bool) {
    if !std::mem::replace(is_empty, false) {
        out.push(',');
    }
}

/// Appends `text` in quotes.
#[inline]
pub fn push_string(out: &mut String, text: &str, escape: Escape) {
    out.push('"');
    // Nearly all texts are plain, and this is the fastest way to find that out.
    if is_plain(text.as_bytes()) {
        out.push_str(text);
    } else {
        push_escaped(out, text, escape);
    }
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

/// Appends a number as Go does; `null` for those that JSON does not have.
pub fn push_float(out: &mut String, value: f64) {
    if !value.is_finite() {
        out.push_str("null");
    } else if value == 0.0 || (1e-6..1e21).contains(&value.abs()) {
        out.push_str(&value.to_string());
    } else {
        // The shortest digits with an exponent, whose sign is always written.
        let text = format!("{value:e}");
        out.push_str(&if text.contains("e-") { text } else { text.replace('e', "e+") });
    }
}

/// How many bytes [`push_string`] writes for a character with [`Escape::Html`].
pub fn escaped_len(c: char) -> usize {
    match c {
        '\u{2028}' | '\u{2029}' => 6,
        c if c.is_ascii() => match IN_HTML[c as usize] {
            Special::No | Special::Separator => 1,
            Special::Letter(_) => 2,
            Special::Code => 6,
        },
        c => c.len_utf8(),
    }
}

/// Whether no byte needs care with [`Escape::Html`]. Looks at whole words, without a branch for any
/// of them; the last word overlaps the one before it.
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

/// Marks the first byte of the word that needs care with [`Escape::Html`].
#[inline]
fn special_in(word: u64) -> u64 {
    // Pairs that differ in one bit.
    let brackets = word::equal(word | repeated(2), b'>');
    let quote_or_and = word::equal(word | repeated(4), b'&');
    let backslash = word::equal(word, b'\\');
    word::below(word, b' ') | backslash | word::equal(word, 0xe2) | brackets | quote_or_and
}

#[inline(never)]
fn push_escaped(out: &mut String, text: &str, escape: Escape) {
    let table = match escape {
        Escape::Html => &IN_HTML,
        Escape::Plain => &IN_PLAIN,
    };
    out.reserve(text.len() + 16);
    let mut copied = 0;
    for (at, byte) in text.bytes().enumerate() {
        let special = table[usize::from(byte)];
        let length = match special {
            Special::No => continue,
            Special::Letter(_) | Special::Code => 1,
            Special::Separator => match text.as_bytes()[at..] {
                [_, 0x80, 0xa8 | 0xa9, ..] => 3,
                _ => continue,
            },
        };
        out.push_str(&text[copied..at]);
        push_special(out, special, &text.as_bytes()[at..at + length]);
        copied = at + length;
    }
    out.push_str(&text[copied..]);
}

fn push_special(out: &mut String, special: Special, bytes: &[u8]) {
    match (special, bytes) {
        (Special::Letter(letter), _) => {
            out.push('\\');
            out.push(char::from(letter));
        }
        (Special::Code, [byte]) => {
            out.push_str("\\u00");
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 0xf)]));
        }
        (_, [.., 0xa8]) => out.push_str("\\u2028"),
        _ => out.push_str("\\u2029"),
    }
}

/// What a byte may need, as far as the byte alone shows.
#[derive(Clone, Copy)]
enum Special {
    No,
    /// A backslash and this letter.
    Letter(u8),
    /// `\u00..`
    Code,
    /// The first byte of U+2028 and U+2029, among others.
    Separator,
}

static IN_HTML: [Special; 256] = table(Escape::Html);
static IN_PLAIN: [Special; 256] = table(Escape::Plain);

const HEX: &[u8; 16] = b"0123456789abcdef";

const fn table(escape: Escape) -> [Special; 256] {
    let mut table = [Special::No; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            0x08 => Special::Letter(b'b'),
            0x0c => Special::Letter(b'f'),
            b'\n' => Special::Letter(b'n'),
            b'\r' => Special::Letter(b'r'),
            b'\t' => Special::Letter(b't'),
            b'"' => Special::Letter(b'"'),
            b'\\' => Special::Letter(b'\\'),
            0..0x20 => Special::Code,
            b'<' | b'>' | b'&' if matches!(escape, Escape::Html) => Special::Code,
            0xe2 => Special::Separator,
            _ => Special::No,
        };
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests;
