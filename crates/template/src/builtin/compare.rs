//! Are two values equal, and which is less?
//!
//! Only values of the same kind can be compared, and integers with or without a sign. Everything
//! else is an error that names both types, unless one of them is nil.

use std::cmp::Ordering;

use crate::print::{print_text, sprintf};
use crate::value::{Body, Call, Text, Value};

pub(super) fn eq(call: &Call<'_>) -> Result<Value, String> {
    let Some((first, others)) = call.arguments().split_first() else {
        return Err(MISSING.to_owned());
    };
    if others.is_empty() {
        return Err(MISSING.to_owned());
    }
    for other in others {
        if equal(first, other)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

pub(super) fn ne(call: &Call<'_>) -> Result<Value, String> {
    Ok(Value::Bool(!equal(call.argument(0), call.argument(1))?))
}

pub(super) fn lt(call: &Call<'_>) -> Result<Value, String> {
    Ok(Value::Bool(less(call.argument(0), call.argument(1))?))
}

pub(super) fn le(call: &Call<'_>) -> Result<Value, String> {
    Ok(Value::Bool(at_most(call.argument(0), call.argument(1))?))
}

pub(super) fn gt(call: &Call<'_>) -> Result<Value, String> {
    Ok(Value::Bool(!at_most(call.argument(0), call.argument(1))?))
}

pub(super) fn ge(call: &Call<'_>) -> Result<Value, String> {
    Ok(Value::Bool(!less(call.argument(0), call.argument(1))?))
}

/// What a value is when it is compared.
enum Basic {
    Bool(bool),
    /// Signed or not: they are compared by value. A negative or positive whole number.
    Int(i128),
    Float(f64),
    Complex(f64, f64),
    Text(Text),
    /// Not something with an order.
    Other,
}

fn basic(value: &Value) -> Basic {
    match value {
        Value::Bool(value) => Basic::Bool(*value),
        Value::Int(value) => Basic::Int((*value).into()),
        Value::Uint(value) => Basic::Int((*value).into()),
        Value::Byte(value) => Basic::Int((*value).into()),
        Value::Float(value) => Basic::Float(*value),
        Value::Complex(real, imaginary) => Basic::Complex(*real, *imaginary),
        Value::Text(text) | Value::Trusted(_, text) => Basic::Text(text.clone()),
        Value::Object(object) => match object.body() {
            Body::Like(beneath) => basic(&beneath),
            Body::Fields(_) | Body::Opaque => Basic::Other,
        },
        Value::Nil | Value::List(_) | Value::Map(_) | Value::Function(_) => Basic::Other,
    }
}

fn equal(first: &Value, second: &Value) -> Result<bool, String> {
    match (basic(first), basic(second)) {
        (Basic::Bool(a), Basic::Bool(b)) => Ok(a == b),
        (Basic::Int(a), Basic::Int(b)) => Ok(a == b),
        (Basic::Float(a), Basic::Float(b)) => Ok(a == b),
        (Basic::Complex(a, b), Basic::Complex(c, d)) => Ok(a == c && b == d),
        (Basic::Text(a), Basic::Text(b)) => Ok(a == b),
        (Basic::Other, Basic::Other) => equal_others(first, second),
        _ if matches!(first, Value::Nil) || matches!(second, Value::Nil) => Ok(false),
        _ => Err(incompatible(first, second)),
    }
}

fn equal_others(first: &Value, second: &Value) -> Result<bool, String> {
    let shown = |value: &Value| sprintf("%s", std::slice::from_ref(value));
    match (first, second) {
        (Value::Nil, Value::Nil) => Ok(true),
        (Value::Nil, _) | (_, Value::Nil) => Ok(false),
        (Value::Object(a), Value::Object(b)) => {
            if a.type_name() != b.type_name() {
                return Ok(false);
            }
            a.equals(&**b).ok_or_else(|| {
                format!("non-comparable type {}: {}", shown(second), second.type_name())
            })
        }
        _ if same_kind(first, second) => {
            Err(format!("non-comparable type {}: {}", shown(second), second.type_name()))
        }
        _ => Err(format!(
            "non-comparable types {}: {}, {}: {}",
            shown(first),
            first.type_name(),
            second.type_name(),
            print_text(second)
        )),
    }
}

fn same_kind(first: &Value, second: &Value) -> bool {
    std::mem::discriminant(&*first.beneath()) == std::mem::discriminant(&*second.beneath())
}

fn order(first: &Value, second: &Value) -> Result<Option<Ordering>, String> {
    match (basic(first), basic(second)) {
        (Basic::Other, _) | (_, Basic::Other) => Err(BAD_TYPE.to_owned()),
        (Basic::Int(a), Basic::Int(b)) => Ok(Some(a.cmp(&b))),
        (Basic::Float(a), Basic::Float(b)) => Ok(a.partial_cmp(&b)),
        (Basic::Text(a), Basic::Text(b)) => Ok(Some(a.cmp(&b))),
        (Basic::Bool(_), Basic::Bool(_)) | (Basic::Complex(..), Basic::Complex(..)) => {
            Err(BAD_TYPE.to_owned())
        }
        _ => Err(incompatible(first, second)),
    }
}

fn less(first: &Value, second: &Value) -> Result<bool, String> {
    Ok(order(first, second)? == Some(Ordering::Less))
}

fn at_most(first: &Value, second: &Value) -> Result<bool, String> {
    Ok(order(first, second)?.is_some_and(Ordering::is_le))
}

fn incompatible(first: &Value, second: &Value) -> String {
    let (first, second) = (first.type_name(), second.type_name());
    format!("incompatible types for comparison: {first} and {second}")
}

const MISSING: &str = "missing argument for comparison";
const BAD_TYPE: &str = "invalid type for comparison";
