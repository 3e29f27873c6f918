//! What is the value of a pipeline, a command, a field?

use std::sync::Arc;

use super::{Here, Machine, Rendered, Slot};
use crate::Type;
use crate::parse::number::Number;
use crate::parse::tree::{Command, Pipe, Word, WordKind};
use crate::value::{Body, Value};

impl<'a> Machine<'a> {
    pub(super) fn pipe(&mut self, dot: &Slot, pipe: &'a Pipe) -> Rendered<Slot> {
        self.here = Here { at: pipe.at, node: pipe };
        let mut last: Option<Slot> = None;
        for command in &pipe.commands {
            let mut slot = self.command(dot, command, last)?;
            slot.wrapped = false;
            last = Some(slot);
        }
        let slot = last.unwrap_or_else(|| Slot::plain(Value::Nil));
        for name in &pipe.variables {
            if pipe.assigns {
                self.assign(name, slot.clone())?;
            } else {
                self.variables.push((name, slot.clone()));
            }
        }
        Ok(slot)
    }

    /// A command; the value of the one before it is its last argument.
    fn command(&mut self, dot: &Slot, command: &'a Command, last: Option<Slot>) -> Rendered<Slot> {
        self.spend(1)?;
        let Some((first, arguments)) = command.words.split_first() else {
            return Ok(Slot::plain(Value::Nil));
        };
        match &first.kind {
            WordKind::Field(_) | WordKind::Variable(..) | WordKind::Chain(..) => {
                self.fields(dot, first, arguments, last)
            }
            WordKind::Function { function, form } => {
                self.here = Here { at: first.at, node: first };
                let node = Here { at: first.at, node: command };
                self.call(dot, function, *form, node, arguments, last)
            }
            WordKind::Pipe(pipe) => {
                self.refuse_arguments(first, arguments, last.as_ref())?;
                self.nested(dot, pipe)
            }
            WordKind::Dot
            | WordKind::Nil
            | WordKind::Bool(_)
            | WordKind::Number(_)
            | WordKind::Text { .. } => {
                self.here = Here { at: first.at, node: first };
                self.refuse_arguments(first, arguments, last.as_ref())?;
                match &first.kind {
                    WordKind::Dot => Ok(dot.clone()),
                    WordKind::Nil => Err(self.error("nil is not a command")),
                    _ => self.constant(first),
                }
            }
        }
    }

    /// A pipeline in parentheses.
    pub(super) fn nested(&mut self, dot: &Slot, pipe: &'a Pipe) -> Rendered<Slot> {
        self.enter()?;
        let slot = self.pipe(dot, pipe)?;
        self.depth -= 1;
        Ok(slot)
    }

    /// A constant where no type is asked for.
    pub(super) fn constant(&mut self, word: &'a Word) -> Rendered<Slot> {
        self.here = Here { at: word.at, node: word };
        let value = match &word.kind {
            WordKind::Bool(value) => Value::Bool(*value),
            WordKind::Text { text, .. } => Value::Text(text.clone()),
            WordKind::Number(number) => return self.number(number),
            WordKind::Dot
            | WordKind::Nil
            | WordKind::Function { .. }
            | WordKind::Field(_)
            | WordKind::Variable(..)
            | WordKind::Pipe(_)
            | WordKind::Chain(..) => Value::Nil,
        };
        Ok(Slot::plain(value))
    }

    fn number(&self, number: &Number) -> Rendered<Slot> {
        if let Some((real, imaginary)) = number.complex {
            return Ok(Slot::plain(Value::Complex(real, imaginary)));
        }
        let text = &number.text;
        let hex = text.starts_with("0x") || text.starts_with("0X");
        let written_as_float = (!hex || text.contains(['p', 'P']))
            && !text.starts_with('\'')
            && text.contains(['.', 'e', 'E', 'p', 'P']);
        match (number.float, number.int) {
            (Some(value), _) if written_as_float => Ok(Slot::plain(Value::Float(value))),
            (_, Some(value)) => Ok(Slot::plain(Value::Int(value))),
            _ => Err(self.error(format!("{text} overflows int"))),
        }
    }

    /// Fields of the dot, of a variable, or of what stands in parentheses.
    pub(super) fn fields(
        &mut self,
        dot: &Slot,
        word: &'a Word,
        arguments: &'a [Word],
        last: Option<Slot>,
    ) -> Rendered<Slot> {
        self.here = Here { at: word.at, node: word };
        match &word.kind {
            WordKind::Field(names) => self.chain(dot, dot, names, word, arguments, last),
            WordKind::Variable(name, names) => {
                let variable = self.variables.iter().rev().find(|(known, _)| **known == **name);
                let Some((_, slot)) = variable else {
                    return Err(self.error(format!("undefined variable: {name}")));
                };
                let slot = slot.clone();
                if names.is_empty() {
                    self.refuse_arguments(word, arguments, last.as_ref())?;
                    return Ok(slot);
                }
                self.chain(dot, &slot, names, word, arguments, last)
            }
            WordKind::Chain(operand, names) => {
                if let WordKind::Nil = operand.kind {
                    return Err(self.error(format!("indirection through explicit nil in {word}")));
                }
                let slot = self.operand(dot, operand)?;
                self.chain(dot, &slot, names, word, arguments, last)
            }
            WordKind::Dot
            | WordKind::Nil
            | WordKind::Bool(_)
            | WordKind::Number(_)
            | WordKind::Text { .. }
            | WordKind::Function { .. }
            | WordKind::Pipe(_) => self.operand(dot, word),
        }
    }

    fn chain(
        &mut self,
        dot: &Slot,
        receiver: &Slot,
        names: &'a [Arc<str>],
        word: &'a Word,
        arguments: &'a [Word],
        last: Option<Slot>,
    ) -> Rendered<Slot> {
        let Some((name, before)) = names.split_last() else { return Ok(receiver.clone()) };
        let mut inner: Option<Slot> = None;
        for name in before {
            let slot =
                self.field(dot, inner.as_ref().unwrap_or(receiver), name, word, &[], None)?;
            inner = Some(slot);
        }
        self.field(dot, inner.as_ref().unwrap_or(receiver), name, word, arguments, last)
    }

    fn field(
        &mut self,
        dot: &Slot,
        receiver: &Slot,
        name: &str,
        word: &'a Word,
        arguments: &'a [Word],
        last: Option<Slot>,
    ) -> Rendered<Slot> {
        let has_arguments = !arguments.is_empty() || last.is_some();
        match &receiver.value {
            Value::Nil if receiver.wrapped => {
                Err(self.error(format!("nil pointer evaluating interface {{}}.{name}")))
            }
            Value::Nil => Ok(Slot::plain(Value::Nil)),
            Value::Map(_) => self.key(receiver, &receiver.value, name, has_arguments),
            Value::Object(object) => {
                if let Some(method) = object.methods().iter().find(|method| method.name == name) {
                    let node = Here { at: word.at, node: word };
                    return self.call_method(dot, object, method, node, arguments, last);
                }
                match object.body() {
                    Body::Fields(fields) => {
                        let field = fields.iter().find(|(field, _)| *field == name);
                        let Some((_, value)) = field else {
                            return Err(self.no_field(receiver, name));
                        };
                        if has_arguments {
                            return Err(self.error(format!(
                                "{name} has arguments but cannot be invoked as function"
                            )));
                        }
                        let wrapped = matches!(value, Value::Nil);
                        Ok(Slot { value: value.clone(), wrapped })
                    }
                    Body::Like(beneath @ Value::Map(_)) => {
                        self.key(receiver, &beneath, name, has_arguments)
                    }
                    Body::Like(_) | Body::Opaque => Err(self.no_field(receiver, name)),
                }
            }
            Value::Bool(_)
            | Value::Int(_)
            | Value::Uint(_)
            | Value::Byte(_)
            | Value::Float(_)
            | Value::Complex(..)
            | Value::Text(_)
            | Value::Trusted(..)
            | Value::List(_)
            | Value::Function(_) => Err(self.no_field(receiver, name)),
        }
    }

    /// A key of a map; one that is missing gives what an empty element would be.
    fn key(
        &self,
        receiver: &Slot,
        beneath: &Value,
        name: &str,
        has_arguments: bool,
    ) -> Rendered<Slot> {
        let Value::Map(map) = beneath else { return Err(self.no_field(receiver, name)) };
        if has_arguments {
            return Err(self.error(format!("{name} is not a method but has arguments")));
        }
        let value = map.lookup(name.as_bytes()).cloned().unwrap_or_else(|| map.of.zero());
        Ok(Slot { value, wrapped: map.of == Type::Any })
    }

    fn no_field(&self, receiver: &Slot, name: &str) -> crate::Error {
        let type_name = match receiver.wrapped {
            true => "interface {}".into(),
            false => receiver.value.type_name(),
        };
        self.error(format!("can't evaluate field {name} in type {type_name}"))
    }

    fn refuse_arguments(
        &self,
        first: &Word,
        arguments: &[Word],
        last: Option<&Slot>,
    ) -> Rendered<()> {
        if arguments.is_empty() && last.is_none() {
            return Ok(());
        }
        Err(self.error(format!("can't give argument to non-function {first}")))
    }
}
