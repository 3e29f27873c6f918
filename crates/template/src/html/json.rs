//! How is a value written as JSON?
//!
//! As Go's `encoding/json` does: keys of maps sorted, fields of structs in their order.

use bellwether_encoding::json::{self, Escape, push_string};

use crate::print::format_float;
use crate::value::{Body, Value};

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
        Value::Float(value) if value.is_finite() => json::push_float(json, *value),
        Value::Float(value) => {
            return Err(format!("json: unsupported value: {}", format_float(*value, 'g', None)));
        }
        Value::Text(text) | Value::Trusted(_, text) => {
            push_string(json, &text.to_str(), Escape::Html)
        }
        Value::List(list) => {
            let mut array = json::List::begin(json);
            for item in list.items.iter() {
                write(array.value(), item)?;
            }
            array.end();
        }
        Value::Map(map) => {
            let mut members = json::Object::begin(json);
            for (key, item) in map.iter() {
                write(members.value(&key.to_str()), item)?;
            }
            members.end();
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
                    let mut members = json::Object::begin(json);
                    for (name, field) in fields {
                        write(members.value(object.json_name(name)), field)?;
                    }
                    members.end();
                }
            }
        }
        Value::Complex(..) | Value::Function(_) => {
            return Err(format!("json: unsupported type: {}", value.type_name()));
        }
    }
    Ok(())
}
