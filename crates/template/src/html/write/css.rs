//! Strings and values of a style.

use super::super::transition::{decode_css, is_css_space};
use super::FAILSAFE;
use crate::print::Sink;
use crate::value::Trust;

pub(super) fn string(sink: &mut Sink, bytes: &[u8]) {
    let mut start = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let escaped = match byte {
            b'\\' => "\\\\".to_owned(),
            b'\0' | b'\t' | b'\n' | b'\x0c' | b'\r' | b'"' | b'&' | b'\'' | b'(' | b')' | b'+'
            | b'/' | b':' | b';' | b'<' | b'>' | b'{' | b'}' => format!("\\{byte:x}"),
            _ => continue,
        };
        sink.push(bytes.get(start..at).unwrap_or_default());
        sink.push_str(&escaped);
        start = at + 1;
        // A digit behind the escape would become part of it.
        let joins =
            bytes.get(start).is_none_or(|next| next.is_ascii_hexdigit() || is_css_space(*next));
        if *byte != b'\\' && joins {
            sink.push_str(" ");
        }
    }
    sink.push(bytes.get(start..).unwrap_or_default());
}

/// Lets through what can only be a word, a number or a colour.
pub(super) fn value(sink: &mut Sink, bytes: &[u8], trust: Option<Trust>) {
    if trust == Some(Trust::Css) {
        return sink.push(bytes);
    }
    let decoded = decode_css(bytes);
    let mut word = String::new();
    let mut previous = 0;
    for byte in &decoded {
        let harmful = match byte {
            b'\0' | b'"' | b'\'' | b'(' | b')' | b'/' | b';' | b'@' | b'[' | b'\\' | b']'
            | b'`' | b'{' | b'}' | b'<' | b'>' => true,
            b'-' => previous == b'-',
            _ => false,
        };
        if harmful {
            return sink.push_str(FAILSAFE);
        }
        if byte.is_ascii_alphanumeric() || *byte == b'_' {
            word.push(char::from(byte.to_ascii_lowercase()));
        }
        previous = *byte;
    }
    if word.contains("expression") || word.contains("mozbinding") {
        return sink.push_str(FAILSAFE);
    }
    sink.push(&decoded);
}
