//! What does a function get for the word that stands there?
//!
//! Words are values of their own or constants without a type; a parameter has a type. What does
//! not fit is an error that names the word.

use super::{Here, Machine, Rendered, Slot};
use crate::Type;
use crate::parse::tree::{Form, Word, WordKind};
use crate::value::Value;

impl<'a> Machine<'a> {
    /// The value of a word for a parameter of this type.
    pub(super) fn argument(
        &mut self,
        dot: &Slot,
        parameter: Type,
        word: &'a Word,
    ) -> Rendered<Value> {
        self.here = Here { at: word.at, node: word };
        match &word.kind {
            WordKind::Dot => self.validate(dot.clone(), parameter),
            WordKind::Nil if parameter.takes_nil() => Ok(Value::Nil),
            WordKind::Nil => Err(self.error(format!("cannot assign nil to {parameter}"))),
            WordKind::Field(_)
            | WordKind::Variable(..)
            | WordKind::Chain(..)
            | WordKind::Pipe(_)
            | WordKind::Function { .. } => {
                let slot = self.operand(dot, word)?;
                self.validate(slot, parameter)
            }
            WordKind::Bool(_) | WordKind::Number(_) | WordKind::Text { .. } => {
                self.typed_constant(parameter, word)
            }
        }
    }

    /// A word whose value is asked for as it is.
    pub(super) fn operand(&mut self, dot: &Slot, word: &'a Word) -> Rendered<Slot> {
        match &word.kind {
            WordKind::Dot => Ok(dot.clone()),
            WordKind::Field(_) | WordKind::Variable(..) | WordKind::Chain(..) => {
                self.enter()?;
                let slot = self.fields(dot, word, &[], None)?;
                self.depth -= 1;
                Ok(slot)
            }
            WordKind::Pipe(pipe) => self.nested(dot, pipe),
            WordKind::Function { function, form } => {
                self.here = Here { at: word.at, node: word };
                self.call(dot, function, *form, self.here, &[], None)
            }
            WordKind::Nil | WordKind::Bool(_) | WordKind::Number(_) | WordKind::Text { .. } => {
                self.constant(word)
            }
        }
    }

    /// Whether a value can stand for a parameter of this type.
    pub(super) fn validate(&self, slot: Slot, parameter: Type) -> Rendered<Value> {
        match slot.value {
            Value::Nil if !slot.wrapped => {
                if parameter.takes_nil() {
                    Ok(Value::Nil)
                } else {
                    Err(self.error(format!("invalid value; expected {parameter}")))
                }
            }
            value if parameter.takes(&value) && !matches!(value, Value::Nil) => Ok(value),
            Value::Nil => match parameter {
                Type::Any | Type::Reflected => Ok(Value::Nil),
                _ => Err(self.error(format!(
                    "wrong type for value; expected {parameter}; got interface {{}}"
                ))),
            },
            value => {
                let given = value.type_name();
                Err(self.error(format!("wrong type for value; expected {parameter}; got {given}")))
            }
        }
    }

    fn typed_constant(&mut self, parameter: Type, word: &'a Word) -> Rendered<Value> {
        let expected = |what: &str| self.error(format!("expected {what}; found {word}"));
        match (parameter, &word.kind) {
            (Type::Any | Type::Reflected, _) => self.constant(word).map(|slot| slot.value),
            (Type::Bool, WordKind::Bool(value)) => Ok(Value::Bool(*value)),
            (Type::Bool, _) => Err(expected("bool")),
            (Type::Text, WordKind::Text { text, .. }) => Ok(Value::Text(text.clone())),
            (Type::Trusted(trust), WordKind::Text { text, .. }) => {
                Ok(Value::Trusted(trust, text.clone()))
            }
            (Type::Text | Type::Trusted(_), _) => Err(expected("string")),
            (Type::Int, WordKind::Number(number)) => {
                number.int.map(Value::Int).ok_or_else(|| expected("integer"))
            }
            (Type::Int, _) => Err(expected("integer")),
            (Type::Uint, WordKind::Number(number)) => {
                number.uint.map(Value::Uint).ok_or_else(|| expected("unsigned integer"))
            }
            (Type::Uint, _) => Err(expected("unsigned integer")),
            (Type::Float, WordKind::Number(number)) => {
                number.float.map(Value::Float).ok_or_else(|| expected("float"))
            }
            (Type::Float, _) => Err(expected("float")),
            (Type::List(_) | Type::Map(_) | Type::Object(_), _) => {
                Err(self.error(format!("can't handle {word} for arg of type {parameter}")))
            }
        }
    }
}

impl Form {
    /// The truth at which `and` and `or` stop.
    pub(super) fn stops_at(self) -> Option<bool> {
        match self {
            Self::And => Some(false),
            Self::Or => Some(true),
            Self::Plain | Self::Call | Self::Html | Self::UrlQuery => None,
        }
    }
}
