//! A value of any shape, for the few fields in which an operator may write whatever YAML can say.
//!
//! The webhook's `payload`, PagerDuty's `details`, Jira's `fields` and OAuth2's `claims` are such
//! fields: their shape belongs to the receiver, so it is carried through as it was written and
//! given meaning (templates in its texts, JSON on the wire) only where the message is made.

use std::collections::BTreeMap;

use bellwether_encoding::json::{Escape, List, Object, push_float, push_string};

/// Null, a scalar, a list or a map, nested at will.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum AnyValue {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    /// Only numbers that do not fit `Int`.
    Uint(u64),
    Float(f64),
    Text(String),
    List(Vec<AnyValue>),
    /// In the order of the file; keys are distinct, and need not be texts.
    Map(Vec<(AnyValue, AnyValue)>),
}

impl AnyValue {
    /// The value without the entries of maps whose keys are not texts: JSON has no place for them.
    #[must_use]
    pub fn with_text_keys(self) -> Self {
        match self {
            AnyValue::List(items) => {
                AnyValue::List(items.into_iter().map(AnyValue::with_text_keys).collect())
            }
            AnyValue::Map(entries) => {
                let texts = entries.into_iter().filter(|(key, _)| matches!(key, AnyValue::Text(_)));
                AnyValue::Map(texts.map(|(key, value)| (key, value.with_text_keys())).collect())
            }
            scalar => scalar,
        }
    }

    /// Appends the value as JSON: maps sorted by key, numbers as Go writes them.
    ///
    /// Entries whose keys are not texts are left out; numbers that JSON does not have become `null`.
    pub fn push_json(&self, out: &mut String) {
        match self {
            AnyValue::Null => out.push_str("null"),
            AnyValue::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            AnyValue::Int(value) => out.push_str(&value.to_string()),
            AnyValue::Uint(value) => out.push_str(&value.to_string()),
            AnyValue::Float(value) => push_float(out, *value),
            AnyValue::Text(text) => push_string(out, text, Escape::Html),
            AnyValue::List(items) => {
                let mut list = List::begin(out);
                for item in items {
                    item.push_json(list.value());
                }
                list.end();
            }
            AnyValue::Map(entries) => {
                // Of equal keys the last one counts.
                let mut sorted = BTreeMap::new();
                for (key, value) in entries {
                    if let AnyValue::Text(key) = key {
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
