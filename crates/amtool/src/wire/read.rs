//! Members of JSON objects as values; names are compared as Go does, without regard to case.

use bellwether_model::Timestamp;
use serde_json::{Map, Value};

use super::{Labels, Read};
use crate::date_time::parse_date_time;

/// The members of an object.
pub struct Fields<'a> {
    members: Option<&'a Map<String, Value>>,
    /// As errors call it.
    type_name: &'static str,
}

impl<'a> Fields<'a> {
    /// `null` has no members.
    pub fn of(value: &'a Value, type_name: &'static str) -> Result<Self, String> {
        match value {
            Value::Object(members) => Ok(Fields { members: Some(members), type_name }),
            Value::Null => Ok(Fields { members: None, type_name }),
            other => Err(mismatch(other, &format!("Go value of type {type_name}"))),
        }
    }

    fn mismatch(&self, name: &str, found: &Value, expected: &str) -> String {
        let type_name = self.type_name.rsplit('.').next().unwrap_or_default();
        mismatch(found, &format!("Go struct field {type_name}.{name} of type {expected}"))
    }

    /// The member, unless it is missing or `null`.
    pub fn member(&self, name: &str) -> Option<&'a Value> {
        let members = self.members?;
        let found = members.get(name).or_else(|| {
            let mut others = members.iter();
            others.find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        });
        found.filter(|value| !value.is_null())
    }

    pub fn text(&self, name: &str) -> Result<Option<String>, String> {
        match self.member(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(self.mismatch(name, other, "string")),
        }
    }

    pub fn bool(&self, name: &str) -> Result<Option<bool>, String> {
        match self.member(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(other) => Err(self.mismatch(name, other, "bool")),
        }
    }

    pub fn time(&self, name: &str) -> Result<Option<Timestamp>, String> {
        self.text(name)?.map(|text| parse_date_time(&text)).transpose()
    }

    pub fn labels(&self, name: &str) -> Result<Option<Labels>, String> {
        let members = match self.member(name) {
            None => return Ok(None),
            Some(Value::Object(members)) => members,
            Some(other) => return Err(self.mismatch(name, other, "models.LabelSet")),
        };
        let pair = |(name, value): (&String, &Value)| match value {
            Value::String(text) => Ok((name.clone(), text.clone())),
            Value::Null => Ok((name.clone(), String::new())),
            other => Err(self.mismatch(name, other, "string")),
        };
        members.iter().map(pair).collect::<Result<_, _>>().map(Some)
    }

    pub fn inner<T: Read>(&self, name: &str) -> Result<Option<T>, String> {
        self.member(name).map(T::read).transpose()
    }

    pub fn list<T: Read>(&self, name: &str) -> Result<Option<Vec<T>>, String> {
        self.member(name).map_or(Ok(None), <Option<Vec<T>>>::read)
    }

    pub fn texts(&self, name: &str) -> Result<Option<Vec<String>>, String> {
        let items = match self.member(name) {
            None => return Ok(None),
            Some(Value::Array(items)) => items,
            Some(other) => return Err(self.mismatch(name, other, "[]string")),
        };
        let text = |item: &Value| match item {
            Value::String(text) => Ok(text.clone()),
            other => Err(self.mismatch(name, other, "string")),
        };
        items.iter().map(text).collect::<Result<_, _>>().map(Some)
    }
}

/// Why a value is not what is expected: `Go value of type string`.
pub fn mismatch(found: &Value, expected: &str) -> String {
    let kind = match found {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    format!("json: cannot unmarshal {kind} into {expected}")
}

/// The first value of a text.
///
/// # Errors
/// As Go's reader says what is wrong, as far as the character where it ends shows it.
pub fn parse(text: &str) -> Result<Value, String> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    match values.next() {
        None => Err("EOF".to_owned()),
        Some(Ok(value)) => Ok(value),
        Some(Err(error)) => Err(described(text, &error)),
    }
}

/// The error of a text that is not JSON, in Go's words where they are known.
pub fn described(text: &str, error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "unexpected EOF".to_owned();
    }
    let line = error.line().saturating_sub(1);
    let behind = text.split('\n').nth(line).unwrap_or_default();
    let at = behind.as_bytes().get(error.column().saturating_sub(1)).map(|byte| char::from(*byte));
    let Some(c) = at else { return format!("invalid JSON: {error}") };
    let words = error.to_string();
    let place = match words.split(" at line").next().unwrap_or_default() {
        "expected value" => "looking for beginning of value",
        "expected `,` or `]`" => "after array element",
        "expected `,` or `}`" => "after object key:value pair",
        "expected `:`" => "after object key",
        "key must be a string" | "trailing comma" => "looking for beginning of object key string",
        "expected ident" => &literal(behind, error.column().saturating_sub(1)),
        _ => return format!("invalid JSON: {error}"),
    };
    format!("invalid character {} {place}", quoted_char(c))
}

/// `in literal null (expecting 'u')`: about the word that ends with the byte at `at`.
fn literal(line: &str, at: usize) -> String {
    let before = line.get(..at).unwrap_or_default();
    let begin = before.len() - before.bytes().rev().take_while(u8::is_ascii_alphabetic).count();
    let word = match before.as_bytes().get(begin) {
        Some(b'n') => "null",
        Some(b't') => "true",
        _ => "false",
    };
    let expected = word.as_bytes().get(at - begin).map_or('?', |byte| char::from(*byte));
    format!("in literal {word} (expecting {})", quoted_char(expected))
}

fn quoted_char(c: char) -> String {
    match c {
        '\'' => "'\\''".to_owned(),
        '"' => "'\"'".to_owned(),
        c => format!("'{c}'"),
    }
}
