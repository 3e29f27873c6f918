//! Protobuf's JSON: reading messages as Go's `protojson` does, with its errors.
//!
//! In: text from a client. Out: fields of a message, or the error that Go reports, with line and column.
//! Unknown members are skipped.

mod number;
mod tokens;
mod write;

pub(crate) use write::{Members, push_string};

use tokens::{Kind, Token, Tokens};

/// A message that can be read.
pub(crate) trait ReadJson: Default {
    const FIELDS: &'static [Field];

    /// Reads the value of the field with this index in [`Self::FIELDS`].
    fn read_field(&mut self, index: usize, value: Value<'_, '_>) -> Result<(), String>;
}

/// A field, by its two names; of the fields of one oneof, only one may be there.
pub(crate) struct Field {
    pub json: &'static str,
    pub text: &'static str,
    /// The full name of the oneof that it is a part of.
    pub oneof: Option<&'static str>,
}

/// The value of a field, to be read.
pub(crate) struct Value<'t, 'a> {
    tokens: &'t mut Tokens<'a>,
    field: &'static Field,
}

/// Reads a whole message.
pub(crate) fn read<M: ReadJson>(text: &[u8]) -> Result<M, String> {
    let mut tokens = Tokens::new(text);
    let message = read_message(&mut tokens)?;
    let behind = tokens.read()?;
    match behind.kind {
        Kind::End => Ok(message),
        _ => Err(tokens.unexpected(&behind)),
    }
}

fn read_message<M: ReadJson>(tokens: &mut Tokens<'_>) -> Result<M, String> {
    let open = tokens.read()?;
    if open.kind != Kind::ObjectOpen {
        return Err(tokens.unexpected(&open));
    }
    let mut message = M::default();
    let (mut seen, mut seen_oneofs) = (Vec::new(), Vec::new());
    loop {
        let name = tokens.read()?;
        match name.kind {
            Kind::ObjectClose => return Ok(message),
            Kind::Name => {}
            _ => return Err(tokens.unexpected(&name)),
        }
        let is_field = |field: &Field| field.json == name.text || field.text == name.text;
        let found = M::FIELDS.iter().position(is_field);
        let Some((index, field)) = found.and_then(|at| Some((at, M::FIELDS.get(at)?))) else {
            skip(tokens)?;
            continue;
        };
        if seen.contains(&index) {
            let raw = tokens.raw(&name);
            return Err(tokens.error(name.at, &format!("duplicate field {raw}")));
        }
        seen.push(index);
        if tokens.next_is_null() {
            tokens.read()?;
            continue;
        }
        if let Some(oneof) = field.oneof {
            if seen_oneofs.contains(&oneof) {
                let raw = tokens.raw(&name);
                let what = format!("error parsing {raw}, oneof {oneof} is already set");
                return Err(tokens.error(name.at, &what));
            }
            seen_oneofs.push(oneof);
        }
        message.read_field(index, Value { tokens, field })?;
    }
}

/// Skips one value.
fn skip(tokens: &mut Tokens<'_>) -> Result<(), String> {
    let mut open = 0_usize;
    loop {
        match tokens.read()?.kind {
            Kind::ObjectOpen | Kind::ArrayOpen => {
                open += 1;
                if open > DEPTH_MAX {
                    return Err("exceeded max recursion depth".into());
                }
            }
            Kind::ObjectClose | Kind::ArrayClose => open = open.saturating_sub(1),
            Kind::End => return Err("unexpected EOF".into()),
            Kind::Null | Kind::Bool | Kind::Number | Kind::String | Kind::Name | Kind::Comma => {}
        }
        if open == 0 {
            return Ok(());
        }
    }
}

impl Value<'_, '_> {
    pub fn string(self) -> Result<String, String> {
        let token = self.tokens.read()?;
        match token.kind {
            Kind::String => Ok(token.text),
            _ => Err(self.invalid("string", &token)),
        }
    }

    pub fn int32(self) -> Result<i32, String> {
        let token = self.tokens.read()?;
        let read = match token.kind {
            Kind::Number => number::integer(self.tokens.raw(&token).as_bytes()),
            Kind::String => number::quoted_integer(&token.text),
            _ => None,
        };
        read.ok_or_else(|| self.invalid("int32", &token))
    }

    pub fn message<M: ReadJson>(self) -> Result<M, String> {
        read_message(self.tokens)
    }

    fn invalid(&self, kind: &str, token: &Token) -> String {
        let (name, raw) = (self.field.json, self.tokens.raw(token));
        let what = format!("invalid value for {kind} field {name}: {raw}");
        self.tokens.error(token.at, &what)
    }
}

/// Limit: objects and lists within each other.
const DEPTH_MAX: usize = 9_999;
