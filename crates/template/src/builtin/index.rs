//! Elements, parts and lengths of texts, lists and maps.

use std::sync::Arc;

use crate::value::{Body, Call, List, Value};

pub(super) fn len(call: &Call<'_>) -> Result<Value, String> {
    let value = call.argument(0);
    let length = match &*value.beneath() {
        Value::Text(text) | Value::Trusted(_, text) => text.len(),
        Value::List(list) => list.items.len(),
        Value::Map(map) => map.len(),
        Value::Nil => return Err("len of nil pointer".to_owned()),
        _ => return Err(format!("len of type {}", pointed_type(value))),
    };
    Ok(Value::Int(i64::try_from(length).unwrap_or(i64::MAX)))
}

pub(super) fn index(call: &Call<'_>) -> Result<Value, String> {
    let (first, indexes) = call.arguments().split_first().ok_or("index of untyped nil")?;
    if let Value::Nil = first {
        return Err("index of untyped nil".to_owned());
    }
    let mut item = first.clone();
    for index in indexes {
        item = element(&item, index)?;
    }
    Ok(item)
}

fn element(item: &Value, index: &Value) -> Result<Value, String> {
    match &*item.beneath() {
        Value::Nil => Err("index of nil pointer".to_owned()),
        Value::Text(text) | Value::Trusted(_, text) => {
            let position = position(index, text.len())?;
            text.as_bytes()
                .get(position)
                .copied()
                .map(Value::Byte)
                .ok_or_else(|| "reflect: string index out of range".to_owned())
        }
        Value::List(list) => {
            let position = position(index, list.items.len())?;
            list.items
                .get(position)
                .cloned()
                .ok_or_else(|| "reflect: slice index out of range".to_owned())
        }
        Value::Map(map) => match index {
            Value::Text(key) => {
                Ok(map.lookup(key.as_bytes()).cloned().unwrap_or_else(|| map.of.zero()))
            }
            Value::Nil => Err("value is nil; should be of type string".to_owned()),
            _ => Err(format!("value has type {}; should be string", index.type_name())),
        },
        _ => Err(format!("can't index item of type {}", pointed_type(item))),
    }
}

pub(super) fn slice(call: &Call<'_>) -> Result<Value, String> {
    let (item, indexes) = call.arguments().split_first().ok_or("slice of untyped nil")?;
    let beneath = item.beneath();
    if let Value::Nil = item {
        return Err("slice of untyped nil".to_owned());
    }
    if indexes.len() > 3 {
        return Err(format!("too many slice indexes: {}", indexes.len()));
    }
    let length = match &*beneath {
        Value::Text(_) | Value::Trusted(..) if indexes.len() == 3 => {
            return Err("cannot 3-index slice a string".to_owned());
        }
        Value::Text(text) | Value::Trusted(_, text) => text.len(),
        Value::List(list) => list.items.len(),
        _ => return Err(format!("can't slice item of type {}", pointed_type(item))),
    };
    let mut bounds = [0, length, length];
    for (bound, index) in bounds.iter_mut().zip(indexes) {
        *bound = position(index, length)?;
    }
    let [from, to, capacity] = bounds;
    if from > to {
        return Err(format!("invalid slice index: {from} > {to}"));
    }
    if to > capacity {
        return Err(format!("invalid slice index: {to} > {capacity}"));
    }
    Ok(match &*beneath {
        Value::Text(text) => Value::text(text.as_bytes().get(from..to).unwrap_or_default()),
        Value::Trusted(trust, text) => {
            let part = text.as_bytes().get(from..to).unwrap_or_default();
            Value::Trusted(*trust, part.into())
        }
        Value::List(list) => {
            let items = list.items.get(from..to).unwrap_or_default().to_vec();
            Value::List(Arc::new(List::new(list.of, items)))
        }
        _ => Value::Nil,
    })
}

/// An index from 0 up to and including the length.
fn position(index: &Value, length: usize) -> Result<usize, String> {
    let position = match &*index.beneath() {
        Value::Int(value) => i128::from(*value),
        Value::Uint(value) => i128::from(*value),
        Value::Byte(value) => i128::from(*value),
        Value::Nil => return Err("cannot index slice/array with nil".to_owned()),
        _ => {
            return Err(format!("cannot index slice/array with type {}", index.type_name()));
        }
    };
    match usize::try_from(position) {
        Ok(position) if position <= length => Ok(position),
        _ => Err(format!("index out of range: {position}")),
    }
}

/// The name of a type, without the `*` of a pointer to it.
fn pointed_type(value: &Value) -> String {
    let name = value.type_name();
    match value {
        Value::Object(object) if matches!(object.body(), Body::Fields(_)) => {
            name.trim_start_matches('*').to_owned()
        }
        _ => name.into_owned(),
    }
}
