//! A value of any shape, for the few fields in which an operator may write whatever YAML can say.
//!
//! The webhook's `payload`, PagerDuty's `details`, Jira's `fields` and OAuth2's `claims` are such
//! fields: their shape belongs to the receiver, so it is carried through as it was written and
//! given meaning (templates in its texts, JSON on the wire) only where the message is made.

use std::collections::BTreeMap;

use bellwether_encoding::json::{Escape, List, Object, push_float, push_string};

/// Null, a scalar, a list or a map, nested at will.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    /// Only numbers that do not fit `Int`.
    Uint(u64),
    Float(f64),
    Text(String),
    List(Vec<Value>),
    /// In the order of the file; keys are distinct, and need not be texts.
    Map(Vec<(Value, Value)>),
}

impl Value {
    /// The value without the entries of maps whose keys are no texts: JSON has no place for them.
    #[must_use]
    pub fn with_text_keys(self) -> Self {
        match self {
            Value::List(items) => {
                Value::List(items.into_iter().map(Value::with_text_keys).collect())
            }
            Value::Map(entries) => {
                let texts = entries.into_iter().filter(|(key, _)| matches!(key, Value::Text(_)));
                Value::Map(texts.map(|(key, value)| (key, value.with_text_keys())).collect())
            }
            scalar => scalar,
        }
    }

    /// Appends the value as JSON: maps sorted by key, numbers as Go writes them.
    ///
    /// Entries whose keys are not texts are left out; numbers that JSON does not have become `null`.
    pub fn push_json(&self, out: &mut String) {
        match self {
            Value::Null => out.push_str("null"),
            Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Value::Int(value) => out.push_str(&value.to_string()),
            Value::Uint(value) => out.push_str(&value.to_string()),
            Value::Float(value) => push_float(out, *value),
            Value::Text(text) => push_string(out, text, Escape::Html),
            Value::List(items) => {
                let mut list = List::begin(out);
                for item in items {
                    item.push_json(list.value());
                }
                list.end();
            }
            Value::Map(entries) => {
                // Of equal keys the last one counts.
                let mut sorted = BTreeMap::new();
                for (key, value) in entries {
                    if let Value::Text(key) = key {
                        sorted.insert(key.as_str(), value);
                    }
                }
                let mut object = Object::begin(out);
                for (key, value) in sorted {
                    value.push_json(object.value(key));
                }
                object.end();
            }
        }
    }
}
