//! Escaping text for HTML, as Go's `html.EscapeString` does.

use std::borrow::Cow;

/// The text as HTML shows it, both between tags and inside a quoted attribute.
pub fn escape(text: &str) -> Cow<'_, str> {
    let Some(first) = text.bytes().position(|byte| reference(byte).is_some()) else {
        return Cow::Borrowed(text);
    };
    let mut out = String::with_capacity(text.len() + 16);
    let mut copied = 0;
    for (at, byte) in text.bytes().enumerate().skip(first) {
        if let Some(reference) = reference(byte) {
            out.push_str(&text[copied..at]);
            out.push_str(reference);
            copied = at + 1;
        }
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

/// What stands for a byte that has a meaning in HTML; `None` for all others.
///
/// These bytes are ASCII and never part of another character, so a text may be escaped byte by byte.
pub fn reference(byte: u8) -> Option<&'static str> {
    Some(match byte {
        b'&' => "&amp;",
        b'<' => "&lt;",
        b'>' => "&gt;",
        b'"' => "&#34;",
        b'\'' => "&#39;",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::escape;

    #[test]
    fn text_is_escaped_as_go_does() {
        let text = "<a href='x' title=\"é\">&amp;</a>日";
        let expected = "&lt;a href=&#39;x&#39; title=&#34;é&#34;&gt;&amp;amp;&lt;/a&gt;日";
        assert_eq!(escape(text), expected);
        assert_eq!(escape("x<"), "x&lt;");
    }

    #[test]
    fn text_without_special_characters_is_not_copied() {
        for text in ["", "plain, größe 日本"] {
            assert!(matches!(escape(text), Cow::Borrowed(same) if same == text));
        }
    }
}
