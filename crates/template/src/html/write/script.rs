//! Values, strings, template literals and regular expressions of a script.

use super::super::json::to_json;
use crate::print::Sink;
use crate::value::{Trust, Value, first_char};

/// A value as an expression: trusted code as it is, everything else as JSON.
pub(super) fn value(sink: &mut Sink, value: &Value) {
    let json = match value {
        Value::Trusted(Trust::Js, text) => return sink.push(text.as_bytes()),
        Value::Trusted(Trust::JsString, text) => {
            sink.push(b"\"");
            sink.push(text.as_bytes());
            return sink.push(b"\"");
        }
        Value::Object(object) if object.json().is_none() => match object.text() {
            Some(text) => to_json(&Value::from(text)),
            None => to_json(value),
        },
        _ => to_json(value),
    };
    match json {
        Err(reason) => {
            let harmless = reason.replace("*/", "* /").replace('<', "\\x3C");
            sink.push_str(&format!(" /* {harmless} */null "));
        }
        Ok(json) => {
            // A word must not grow together with what stands around it.
            let is_word = |char: char| char.is_ascii_alphanumeric() || matches!(char, '$' | '_');
            let pad = json.starts_with(is_word) || json.ends_with(is_word);
            sink.push_str(if pad { " " } else { "" });
            sink.push_str(&json);
            sink.push_str(if pad { " " } else { "" });
        }
    }
}

pub(super) fn string(sink: &mut Sink, bytes: &[u8], trust: Option<Trust>) {
    let escaped = trust == Some(Trust::JsString);
    replace(sink, bytes, |char| common(char).or((char == '\\' && !escaped).then_some("\\\\")));
}

pub(super) fn template(sink: &mut Sink, bytes: &[u8]) {
    replace(sink, bytes, |char| {
        common(char).or(match char {
            '\\' => Some("\\\\"),
            '$' => Some("\\u0024"),
            '{' => Some("\\u007b"),
            '}' => Some("\\u007d"),
            _ => None,
        })
    });
}

pub(super) fn regexp(sink: &mut Sink, bytes: &[u8]) {
    if bytes.is_empty() {
        // An empty regular expression would be a comment.
        return sink.push_str("(?:)");
    }
    replace(sink, bytes, |char| match char {
        '`' => None,
        '$' => Some("\\$"),
        '(' => Some("\\("),
        ')' => Some("\\)"),
        '*' => Some("\\*"),
        '-' => Some("\\-"),
        '.' => Some("\\."),
        '?' => Some("\\?"),
        '[' => Some("\\["),
        '\\' => Some("\\\\"),
        ']' => Some("\\]"),
        '^' => Some("\\^"),
        '{' => Some("\\{"),
        '|' => Some("\\|"),
        '}' => Some("\\}"),
        _ => common(char),
    });
}

/// What is replaced in every literal.
fn common(char: char) -> Option<&'static str> {
    Some(match char {
        '"' => "\\u0022",
        '`' => "\\u0060",
        '&' => "\\u0026",
        '\'' => "\\u0027",
        '+' => "\\u002b",
        '/' => "\\/",
        '<' => "\\u003c",
        '>' => "\\u003e",
        '\u{2028}' => "\\u2028",
        '\u{2029}' => "\\u2029",
        _ => return None,
    })
}

fn replace(sink: &mut Sink, bytes: &[u8], replacement: impl Fn(char) -> Option<&'static str>) {
    let mut rest = bytes;
    while let Some((char, length)) = first_char(rest) {
        let (taken, tail) = rest.split_at(length);
        match char {
            '\t' => sink.push_str("\\t"),
            '\n' => sink.push_str("\\n"),
            '\u{c}' => sink.push_str("\\f"),
            '\r' => sink.push_str("\\r"),
            '\0'..' ' => sink.push_str(&format!("\\u{:04x}", u32::from(char))),
            _ => match replacement(char) {
                Some(new) => sink.push_str(new),
                None => sink.push(taken),
            },
        }
        rest = tail;
    }
}
