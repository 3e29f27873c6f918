//! The fields of a mail's header: encoded words and folding.
//!
//! In: a name and a text of any characters. Out: one field, in ASCII, whose lines keep to what mail
//! servers accept. A text with anything but printable ASCII becomes encoded words (RFC 2047, the
//! `Q` form) as the Go Alertmanager makes them, so no line end in a label's value can begin a field
//! of its own.

/// Limit of RFC 5322: characters of a line, without its end.
const LINE_CHARS_MAX: usize = 998;
/// Limit of RFC 2047, 75 characters, without a word's frame.
const WORD_CONTENT_MAX: usize = 75 - WORD_BEGINS.len() - WORD_ENDS.len();
const WORD_BEGINS: &str = "=?utf-8?q?";
const WORD_ENDS: &str = "?=";

/// Appends a field. `name` is ASCII without white space and colons.
///
/// Compat: lines that are too long for mail servers are folded; see docs/compat.md#email-lines.
pub fn push_field(out: &mut String, name: &str, text: &str) {
    let lead = name.len() + 2;
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t'));
    let folded = if is_plain { folded(lead, text) } else { None };
    // Encoded words are short, so there is always a place to fold between them.
    let folded = folded.or_else(|| self::folded(lead, &encoded_words(text))).unwrap_or_default();
    out.push_str(name);
    out.push_str(": ");
    out.push_str(&folded);
    out.push_str("\r\n");
}

/// `text` in lines of which the first begins at column `lead`; `None` if one word is too long.
fn folded(lead: usize, text: &str) -> Option<String> {
    if lead + text.len() <= LINE_CHARS_MAX {
        return Some(text.to_owned());
    }
    let mut out = String::with_capacity(text.len() + 16);
    let (mut width, mut rest) = (LINE_CHARS_MAX - lead, text.trim_end());
    while rest.len() > width {
        let blank = rest[..=width].rfind(' ').filter(|&at| !rest[..at].trim().is_empty())?;
        out.push_str(&rest[..blank]);
        out.push_str("\r\n");
        (width, rest) = (LINE_CHARS_MAX, &rest[blank..]);
    }
    out.push_str(rest);
    Some(out)
}

/// Encoded words with blanks between them; no character is torn.
fn encoded_words(text: &str) -> String {
    let mut out = String::from(WORD_BEGINS);
    let mut used = 0;
    for c in text.chars() {
        let as_is = matches!(c, ' '..='~') && !matches!(c, '=' | '?' | '_');
        let width = if as_is { 1 } else { 3 * c.len_utf8() };
        if used + width > WORD_CONTENT_MAX {
            out.push_str(WORD_ENDS);
            out.push(' ');
            out.push_str(WORD_BEGINS);
            used = 0;
        }
        used += width;
        match c {
            ' ' => out.push('_'),
            c if as_is => out.push(c),
            c => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    out.push_str(&format!("={byte:02X}"));
                }
            }
        }
    }
    out.push_str(WORD_ENDS);
    out
}

#[cfg(test)]
mod tests {
    use super::push_field;

    fn field(name: &str, text: &str) -> String {
        let mut out = String::new();
        push_field(&mut out, name, text);
        out
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(field("X", text), format!("X: {expected}\r\n"), "{text:?}");
    }

    // The expectations are those of Go's mime.QEncoding.
    #[test]
    fn text_beyond_printable_ascii_becomes_encoded_words() {
        check("", "");
        check("[FIRING:1] a=b?_\t~ ", "[FIRING:1] a=b?_\t~ ");
        check("für a=b?_ ", "=?utf-8?q?f=C3=BCr_a=3Db=3F=5F_?=");
        check("a\r\nBcc: b@c", "=?utf-8?q?a=0D=0ABcc:_b@c?=");
        check("a\tü", "=?utf-8?q?a=09=C3=BC?=");
    }

    #[test]
    fn words_end_before_a_character_that_does_not_fit() {
        let a63 = "a".repeat(63);
        check(&format!("{a63}ü"), &format!("=?utf-8?q?{a63}?= =?utf-8?q?=C3=BC?="));
        let a57 = &a63[6..];
        check(&format!("{a57}üb"), &format!("=?utf-8?q?{a57}=C3=BC?= =?utf-8?q?b?="));
        let a58 = &a63[5..];
        check(&format!("{a58}üb"), &format!("=?utf-8?q?{a58}?= =?utf-8?q?=C3=BCb?="));
    }

    #[test]
    fn only_lines_over_the_smtp_limit_are_folded() {
        let fits = format!("a {}", "b".repeat(993));
        check(&fits, &fits);
        let long = format!("{} {}", "a".repeat(500), "b".repeat(500));
        check(&long, &format!("{}\r\n {}", "a".repeat(500), "b".repeat(500)));
        for text in ["a".repeat(3000), " ".repeat(3000), "ab ".repeat(1000), "ü".repeat(1000)] {
            let field = field("Subject", &text);
            assert!(field.lines().all(|line| line.len() <= 998), "{field}");
            assert!(field.lines().skip(1).all(|line| line.starts_with(' ') && line.trim() != ""));
        }
    }

    #[test]
    fn folding_loses_nothing() {
        let text = "Ann <ann@b.example>, ".repeat(100) + "x@y";
        assert_eq!(field("To", &text).replace("\r\n ", " "), format!("To: {text}\r\n"));
    }
}
