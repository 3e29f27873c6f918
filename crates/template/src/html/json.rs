//! How is a value written as JSON?
//!
//! As Go's encoding/json does: keys of maps sorted, fields of structs in their order, and `<`, `>`
//! and `&` escaped so that the text is safe in a page.

use crate::object::Body;
use crate::print::format_float;
use crate::value::{Value, to_utf8};

/// The value as JSON. An error is a value that JSON does not have.
pub fn to_json(value: &Value) -> Result<String, String> {
    let mut json = String::new();
    write(&mut json, value)?;
    Ok(json)
}

fn write(json: &mut String, value: &Value) -> Result<(), String> {
    match value {
        Value::Nil => json.push_str("null"),
        Value::Bool(value) => json.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) => json.push_str(&value.to_string()),
        Value::Uint(value) => json.push_str(&value.to_string()),
        Value::Byte(value) => json.push_str(&value.to_string()),
        Value::Float(value) => write_float(json, *value)?,
        Value::Text(text) | Value::Trusted(_, text) => write_text(json, text.as_bytes()),
        Value::List(list) => {
            json.push('[');
            for (position, item) in list.items.iter().enumerate() {
                separate(json, position);
                write(json, item)?;
            }
            json.push(']');
        }
        Value::Map(map) => {
            json.push('{');
            for (position, (key, item)) in map.iter().enumerate() {
                separate(json, position);
                write_text(json, key.as_bytes());
                json.push(':');
                write(json, item)?;
            }
            json.push('}');
        }
        Value::Object(object) => {
            if let Some(own) = object.json() {
                json.push_str(&own);
                return Ok(());
            }
            match object.body() {
                Body::Like(beneath) => write(json, &beneath)?,
                Body::Opaque => json.push_str("{}"),
                Body::Fields(fields) => {
                    json.push('{');
                    for (position, (name, field)) in fields.iter().enumerate() {
                        separate(json, position);
                        write_text(json, object.json_name(name).as_bytes());
                        json.push(':');
                        write(json, field)?;
                    }
                    json.push('}');
                }
            }
        }
        Value::Complex(..) | Value::Function(_) => {
            return Err(format!("json: unsupported type: {}", value.type_name()));
        }
    }
    Ok(())
}

fn separate(json: &mut String, position: usize) {
    if position > 0 {
        json.push(',');
    }
}

fn write_float(json: &mut String, value: f64) -> Result<(), String> {
    if !value.is_finite() {
        return Err(format!("json: unsupported value: {}", format_float(value, 'g', None)));
    }
    let size = value.abs();
    if value == 0.0 || (1e-6..1e21).contains(&size) {
        json.push_str(&format_float(value, 'f', None));
        return Ok(());
    }
    // Exponents below ten have no leading zero, unlike in Go's own print.
    json.push_str(&format_float(value, 'e', None).replace("e-0", "e-").replace("e+0", "e+"));
    Ok(())
}

fn write_text(json: &mut String, bytes: &[u8]) {
    json.push('"');
    for char in to_utf8(bytes).chars() {
        match char {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            '\u{8}' => json.push_str("\\b"),
            '\u{c}' => json.push_str("\\f"),
            '\0'..' ' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                json.push_str(&format!("\\u{:04x}", u32::from(char)));
            }
            _ => json.push(char),
        }
    }
    json.push('"');
}
