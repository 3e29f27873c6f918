//! JSON as Go's `encoding/json` writes it, straight into one string.
//!
//! In: names and values, in the order in which they shall appear. Out: compact JSON whose bytes
//! equal those of the Go encoder with its default HTML escaping: receivers that sign or compare
//! bodies see no difference.
//!
//! Notifications of thousands of alerts pass through here, so nothing is built in between: no tree,
//! no map, one copy of every run of plain characters.

use std::collections::BTreeMap;

use crate::value::Value;

/// An object under construction; [`Object::end`] closes it.
#[must_use]
pub struct Object<'a> {
    out: &'a mut String,
    first: bool,
}

/// A list under construction; [`List::end`] closes it.
#[must_use]
pub struct List<'a> {
    out: &'a mut String,
    first: bool,
}

impl<'a> Object<'a> {
    pub fn begin(out: &'a mut String) -> Self {
        out.push('{');
        Object { out, first: true }
    }

    /// Writes the name and hands out the place where its value goes, exactly one.
    pub fn value(&mut self, name: &str) -> &mut String {
        push_comma(self.out, &mut self.first);
        push_string(self.out, name);
        self.out.push(':');
        self.out
    }

    pub fn string(&mut self, name: &str, text: &str) {
        push_string(self.value(name), text);
    }

    /// Leaves the member out if the text is empty.
    pub fn some(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.string(name, text);
        }
    }

    pub fn flag(&mut self, name: &str, flag: bool) {
        self.value(name).push_str(if flag { "true" } else { "false" });
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
        List { out, first: true }
    }

    /// Hands out the place where the next value goes, exactly one.
    pub fn value(&mut self) -> &mut String {
        push_comma(self.out, &mut self.first);
        self.out
    }

    pub fn end(self) {
        self.out.push(']');
    }
}

/// Appends `text` in quotes.
///
/// Beyond what JSON demands, `<`, `>`, `&`, U+2028 and U+2029 are escaped, as Go does to keep the
/// text harmless inside HTML.
pub fn push_string(out: &mut String, text: &str) {
    out.reserve(text.len() + 2);
    out.push('"');
    let mut copied = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match ESCAPES[usize::from(byte)] {
            Escape::No => continue,
            Escape::Short(letter) => Escaped::Short(letter),
            Escape::Code => Escaped::Code(byte),
            Escape::Separator => match &text.as_bytes()[at..] {
                [_, 0x80, last @ (0xa8 | 0xa9), ..] => Escaped::Separator(*last),
                _ => continue,
            },
        };
        out.push_str(&text[copied..at]);
        copied = at + escape.replaced();
        escape.push(out);
    }
    out.push_str(&text[copied..]);
    out.push('"');
}

/// How many bytes [`push_string`] writes for a character.
pub fn escaped_len(c: char) -> usize {
    match c {
        '\u{2028}' | '\u{2029}' => 6,
        c if c.is_ascii() => match ESCAPES[c as usize] {
            Escape::No | Escape::Separator => 1,
            Escape::Short(_) => 2,
            Escape::Code => 6,
        },
        c => c.len_utf8(),
    }
}

/// Appends a value of any shape: maps sorted by key, numbers as Go writes them.
///
/// Entries whose keys are no texts are left out, as are numbers that are none (JSON has no NaN):
/// these become `null`.
pub fn push_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) => out.push_str(&value.to_string()),
        Value::Uint(value) => out.push_str(&value.to_string()),
        Value::Float(value) => push_float(out, *value),
        Value::Text(text) => push_string(out, text),
        Value::List(items) => {
            let mut list = List::begin(out);
            for item in items {
                push_value(list.value(), item);
            }
            list.end();
        }
        Value::Map(entries) => {
            // Of equal keys the last one counts.
            let mut sorted = BTreeMap::new();
            for (key, value) in entries {
                if let Value::Text(key) = key {
                    sorted.insert(key.as_str(), value);
                }
            }
            let mut object = Object::begin(out);
            for (key, value) in sorted {
                push_value(object.value(key), value);
            }
            object.end();
        }
    }
}

fn push_float(out: &mut String, value: f64) {
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

fn push_comma(out: &mut String, first: &mut bool) {
    if !std::mem::replace(first, false) {
        out.push(',');
    }
}

/// What a byte may need, as far as the byte alone tells.
#[derive(Clone, Copy)]
enum Escape {
    No,
    /// A backslash and this letter.
    Short(u8),
    /// `\u00..`
    Code,
    /// The first byte of U+2028 and U+2029, among others.
    Separator,
}

/// What replaces the characters at one place.
enum Escaped {
    Short(u8),
    Code(u8),
    /// U+2028 or U+2029, by the last of its three bytes.
    Separator(u8),
}

impl Escaped {
    /// How many bytes of the text it stands for.
    fn replaced(&self) -> usize {
        match self {
            Escaped::Short(_) | Escaped::Code(_) => 1,
            Escaped::Separator(_) => 3,
        }
    }

    fn push(self, out: &mut String) {
        match self {
            Escaped::Short(letter) => {
                out.push('\\');
                out.push(char::from(letter));
            }
            Escaped::Code(byte) => {
                out.push_str("\\u00");
                out.push(char::from(HEX[usize::from(byte >> 4)]));
                out.push(char::from(HEX[usize::from(byte & 0xf)]));
            }
            Escaped::Separator(last) => {
                out.push_str(if last == 0xa8 { "\\u2028" } else { "\\u2029" });
            }
        }
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

const ESCAPES: [Escape; 256] = {
    let mut table = [Escape::No; 256];
    let mut control = 0;
    while control < 0x20 {
        table[control] = Escape::Code;
        control += 1;
    }
    table[0x08] = Escape::Short(b'b');
    table[0x0c] = Escape::Short(b'f');
    table[b'\n' as usize] = Escape::Short(b'n');
    table[b'\r' as usize] = Escape::Short(b'r');
    table[b'\t' as usize] = Escape::Short(b't');
    table[b'"' as usize] = Escape::Short(b'"');
    table[b'\\' as usize] = Escape::Short(b'\\');
    table[b'<' as usize] = Escape::Code;
    table[b'>' as usize] = Escape::Code;
    table[b'&' as usize] = Escape::Code;
    table[0xe2] = Escape::Separator;
    table
};

#[cfg(test)]
mod tests {
    use super::{List, Object, escaped_len, push_string};

    fn check(text: &str, expected: &str) {
        let mut out = String::new();
        push_string(&mut out, text);
        assert_eq!(out, expected);
        let read: String = serde_json::from_str(&out).expect("what is written is JSON");
        assert_eq!(read, text);
    }

    #[test]
    fn strings_are_escaped_as_go_does() {
        check("", r#""""#);
        check("plain größe 日本 🐑", r#""plain größe 日本 🐑""#);
        check("a\"b\\c/d", r#""a\"b\\c/d""#);
        check("\u{8}\u{c}\n\r\t", r#""\b\f\n\r\t""#);
        check("\u{0}\u{1f}\u{7f}", "\"\\u0000\\u001f\u{7f}\"");
        check("<a href='x'>&amp;</a>", r#""\u003ca href='x'\u003e\u0026amp;\u003c/a\u003e""#);
        check("a\u{2028}b\u{2029}", r#""a\u2028b\u2029""#);
        check("\u{2027}\u{202a}â€", "\"\u{2027}\u{202a}â€\"");
    }

    #[test]
    fn every_character_survives() {
        for c in (0..=0x2100).chain([0xffff, 0x1_f411, 0x10_ffff]).filter_map(char::from_u32) {
            let text = format!("x{c}y");
            let mut out = String::new();
            push_string(&mut out, &text);
            assert_eq!(out.len(), "\"xy\"".len() + escaped_len(c), "{out}");
            let read: String = serde_json::from_str(&out).expect("what is written is JSON");
            assert_eq!(read, text);
        }
    }

    #[test]
    fn objects_and_lists_nest() {
        let mut out = String::new();
        let mut object = Object::begin(&mut out);
        object.string("a<", "b");
        object.number("n", u64::MAX);
        let mut list = List::begin(object.value("list"));
        list.value().push('1');
        Object::begin(list.value()).end();
        list.end();
        object.end();
        assert_eq!(out, r#"{"a\u003c":"b","n":18446744073709551615,"list":[1,{}]}"#);
    }
}
