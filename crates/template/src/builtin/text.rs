//! Printing, and the escaping that a template asks for by name.

use bellwether_encoding::{html, url};

use crate::parse::quote::is_printable;
use crate::print::{Sink, write_formatted, write_print, write_println};
use crate::value::{Call, Text, Value, first_char};

pub(super) fn print(call: &Call<'_>) -> Result<Value, String> {
    build(call, |sink| write_print(sink, call.arguments()))
}

pub(super) fn println(call: &Call<'_>) -> Result<Value, String> {
    build(call, |sink| write_println(sink, call.arguments()))
}

pub(super) fn printf(call: &Call<'_>) -> Result<Value, String> {
    let (format, values) = match call.arguments().split_first() {
        Some((Value::Text(format), values)) => (format.clone(), values),
        _ => (Text::default(), call.arguments()),
    };
    build(call, |sink| write_formatted(sink, format.as_bytes(), values))
}

pub(super) fn html(call: &Call<'_>) -> Result<Value, String> {
    let text = joined(call)?;
    build(call, |sink| write_html(sink, text.as_bytes()))
}

pub(super) fn js(call: &Call<'_>) -> Result<Value, String> {
    let text = joined(call)?;
    build(call, |sink| write_js(sink, text.as_bytes()))
}

pub(super) fn urlquery(call: &Call<'_>) -> Result<Value, String> {
    let text = joined(call)?;
    build(call, |sink| url_query(sink, text.as_bytes()))
}

/// Escapes for HTML without looking at where it stands.
pub(crate) fn write_html(sink: &mut Sink, bytes: &[u8]) {
    for byte in bytes {
        match html_reference(*byte) {
            Some(reference) => sink.push_str(reference),
            None => sink.push(&[*byte]),
        }
    }
}

/// What stands for a byte in HTML, if it cannot stay; Go's templates also replace NUL.
pub(crate) fn html_reference(byte: u8) -> Option<&'static str> {
    if byte == 0 { Some("\u{fffd}") } else { html::reference(byte) }
}

/// Escapes for a part of a query: a space is a plus.
pub(crate) fn url_query(sink: &mut Sink, bytes: &[u8]) {
    url::query_pieces(bytes).for_each(|piece| sink.push_str(piece));
}

/// Escapes for a string of JavaScript.
fn write_js(sink: &mut Sink, bytes: &[u8]) {
    let mut rest = bytes;
    while let Some((char, length)) = first_char(rest) {
        let (taken, tail) = rest.split_at(length);
        match char {
            '\\' => sink.push_str("\\\\"),
            '\'' => sink.push_str("\\'"),
            '"' => sink.push_str("\\\""),
            '<' | '>' | '&' | '=' => sink.push_str(&format!("\\u{:04X}", u32::from(char))),
            '\0'..' ' => sink.push_str(&format!("\\u00{:02X}", u32::from(char))),
            ' '..='\u{7f}' => sink.push(taken),
            _ if is_printable(char) => sink.push(taken),
            _ => sink.push_str(&format!("\\u{:04X}", u32::from(char))),
        }
        rest = tail;
    }
}

/// The arguments printed one after the other; nothing is `<no value>`.
fn joined(call: &Call<'_>) -> Result<Text, String> {
    if let [Value::Text(text)] = call.arguments() {
        return Ok(text.clone());
    }
    let shown: Vec<Value> = call
        .arguments()
        .iter()
        .map(|value| match value {
            Value::Nil => Value::from("<no value>"),
            _ => value.clone(),
        })
        .collect();
    match build(call, |sink| write_print(sink, &shown))? {
        Value::Text(text) => Ok(text),
        _ => Ok(Text::default()),
    }
}

/// What `print` makes of each item, with a separator between them.
///
/// # Errors
/// None; the result is what functions have in common.
pub fn join(call: &Call<'_>, items: &[Value], separator: &str) -> Result<Value, String> {
    build(call, |sink| {
        for (position, item) in items.iter().enumerate() {
            if position > 0 {
                sink.push_str(separator);
            }
            write_print(sink, std::slice::from_ref(item));
        }
    })
}

fn build(call: &Call<'_>, write: impl FnOnce(&mut Sink)) -> Result<Value, String> {
    let mut sink = Sink::new(call.text_bytes_max);
    write(&mut sink);
    if sink.is_full() {
        call.too_long.set(true);
    }
    Ok(Value::text(sink.bytes))
}
