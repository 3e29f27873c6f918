//! Go's double-quoted string form (`strconv.Quote`), written and read. It is part of label-set texts and so of
//! group keys: two programs that quote differently would page twice.

mod unquote;

pub use unquote::unquoted;

/// Appends `text` in double quotes, escaped as Go's `strconv.Quote` does.
///
/// Printable characters stay as they are; `"` and `\` get a backslash; control characters become
/// `\a \b \f \n \r \t \v` or `\x..`; other unprintable ones `\u....` or `\U........`.
pub fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\') {
        out.push_str(text);
    } else {
        text.chars().for_each(|c| push_escaped(out, c));
    }
    out.push('"');
}

/// `text` as [`push_quoted`] writes it.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    push_quoted(&mut out, text);
    out
}

fn push_escaped(out: &mut String, c: char) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        ' '..='~' => out.push(c),
        '\u{07}' => out.push_str("\\a"),
        '\u{08}' => out.push_str("\\b"),
        '\u{0c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{0b}' => out.push_str("\\v"),
        c if (c as u32) < 0x80 => out.push_str(&format!("\\x{:02x}", c as u32)),
        c if is_printable(c) => out.push(c),
        c if (c as u32) < 0x1_0000 => out.push_str(&format!("\\u{:04x}", c as u32)),
        c => out.push_str(&format!("\\U{:08x}", c as u32)),
    }
}

/// Whether Go's `strconv.IsPrint` accepts `c` (letters, marks, numbers, punctuation, symbols and
/// the ASCII space; no other space, control, format, surrogate, private-use or unassigned one).
///
/// Compat: Go 1.26 knows Unicode 15.0, so later characters count as unassigned.
fn is_printable(c: char) -> bool {
    use std::sync::LazyLock;
    static PRINTABLE: LazyLock<regex::Regex> = LazyLock::new(|| {
        regex::Regex::new(r"^[[\p{L}\p{M}\p{N}\p{P}\p{S}]&&\p{age=15.0}]$")
            .expect("a fixed pattern")
    });
    let mut buffer = [0; 4];
    PRINTABLE.is_match(c.encode_utf8(&mut buffer))
}

#[cfg(test)]
mod tests {
    use super::{quoted, unquoted};

    #[test]
    fn quotes_as_go_does() {
        let cases = [
            ("plain", r#""plain""#),
            ("a\"b\\c", r#""a\"b\\c""#),
            ("tab\tline\nbell\u{07}", r#""tab\tline\nbell\a""#),
            ("\u{1}\u{7f}", r#""\x01\x7f""#),
            ("größe 日本", "\"größe 日本\""),
            ("\u{a0}\u{200b}\u{ad}", r#""\u00a0\u200b\u00ad""#),
            ("\u{e0001}", r#""\U000e0001""#),
            ("🐑", "\"🐑\""),
            // Unicode 16.
            ("\u{1fae9}", r#""\U0001fae9""#),
        ];
        for (input, expected) in cases {
            assert_eq!(quoted(input), expected);
            assert_eq!(unquoted(expected).as_deref(), Some(input));
        }
    }

    #[test]
    fn reads_what_only_other_writers_write() {
        let cases = [
            (r#""\x41\u00e9\U0001f411""#, Some("A\u{e9}🐑")),
            (r#""\101\b\f\v""#, Some("A\u{8}\u{c}\u{b}")),
            (r#""\xc3\xa9""#, Some("é")),
            ("\"raw\ttab\"", Some("raw\ttab")),
            (r#""\xff""#, None),
            (r#""\ud800""#, None),
            (r#""\U00110000""#, None),
            (r#""\400""#, None),
            (r#""\'""#, None),
            (r#""\q""#, None),
            (r#""\x4""#, None),
            (r#""a"b""#, None),
            ("\"a\nb\"", None),
            ("\"", None),
            ("", None),
        ];
        for (input, expected) in cases {
            assert_eq!(unquoted(input).as_deref(), expected, "{input}");
        }
    }
}
