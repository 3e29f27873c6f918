//! Reading the members of a JSON object into places of known types.
//!
//! In: a reader that is positioned before a value. Out: the value, if it has the expected type. If
//! not, the value is skipped and the first such error is remembered: a syntax error takes precedence,
//! and may follow at any place in the text.
//!
//! `null` is never an error; it means that the member was not given.

use std::borrow::Cow;

use bellwether_model::Timestamp;

use crate::datetime::parse_date_time;
use crate::json::read::{JsonReader, Kind, SyntaxError};

type Read<T> = Result<T, SyntaxError>;

/// Remembers the first value of a wrong type.
#[derive(Debug, Default)]
pub struct Decoder {
    pub error: Option<String>,
}

impl Decoder {
    pub fn string<'a>(
        &mut self,
        reader: &mut JsonReader<'a>,
        field: &str,
    ) -> Read<Option<Cow<'a, str>>> {
        if self.expect(reader, Kind::String, field, "string")? {
            return reader.string().map(Some);
        }
        Ok(None)
    }

    pub fn boolean(&mut self, reader: &mut JsonReader<'_>, field: &str) -> Read<Option<bool>> {
        if self.expect(reader, Kind::Boolean, field, "bool")? {
            return reader.boolean().map(Some);
        }
        Ok(None)
    }

    /// Sets `place` if there is a date-time; `null` clears nothing.
    pub fn date_time(
        &mut self,
        reader: &mut JsonReader<'_>,
        field: &str,
        place: &mut Option<Timestamp>,
    ) -> Read<()> {
        if let Some(text) = self.string(reader, field)? {
            match parse_date_time(&text) {
                Ok(at) => *place = Some(at),
                Err(reason) => drop(self.error.get_or_insert(reason)),
            }
        }
        Ok(())
    }

    /// Adds the members of an object of strings; `None` if it was `null`, which empties the map.
    pub fn string_map<'a>(
        &mut self,
        reader: &mut JsonReader<'a>,
        field: &str,
        pairs: &mut Vec<(Cow<'a, str>, Cow<'a, str>)>,
    ) -> Read<Option<()>> {
        if !self.expect(reader, Kind::Object, field, "models.LabelSet")? {
            pairs.clear();
            return Ok(None);
        }
        reader.open_object()?;
        let mut first = true;
        while let Some(name) = reader.next_key(&mut first)? {
            let value = if reader.kind()? == Kind::String {
                reader.string()?
            } else {
                self.string(reader, field)?.unwrap_or_default()
            };
            pairs.push((name, value));
        }
        Ok(Some(()))
    }

    /// Whether the value to come is of this kind; if not, it has been skipped.
    pub fn expect(
        &mut self,
        reader: &mut JsonReader<'_>,
        wanted: Kind,
        field: &str,
        type_name: &str,
    ) -> Read<bool> {
        let kind = reader.kind()?;
        if kind == wanted {
            return Ok(true);
        }
        reader.skip()?;
        if kind != Kind::Null {
            self.error.get_or_insert_with(|| {
                format!("{} into Go struct field {field} of type {type_name}", mistyped(kind))
            });
        }
        Ok(false)
    }
}

/// The beginning of an error about a value of this kind.
pub fn mistyped(kind: Kind) -> String {
    let name = match kind {
        Kind::Null => "null",
        Kind::Boolean => "bool",
        Kind::Number => "number",
        Kind::String => "string",
        Kind::Array => "array",
        Kind::Object => "object",
    };
    format!("json: cannot unmarshal {name}")
}
