//! Pipelines: commands, their words, and the variables that they set.

use std::sync::Arc;

use super::{Parsed, Parser, offset};
use crate::parse::lex::{Kind, Token};
use crate::parse::number::Number;
use crate::parse::quote::unquote;
use crate::parse::tree::{Command, Pipe, Word, WordKind};

impl<'a> Parser<'a> {
    /// A pipeline up to its end, which is taken.
    pub(super) fn pipeline(&mut self, place: &str, end: Kind) -> Parsed<Pipe> {
        let at = offset(self.peek_word().at);
        let mut pipe = Pipe { at, variables: Vec::new(), assigns: false, commands: Vec::new() };
        self.declarations(&mut pipe, place)?;
        loop {
            let token = self.take_word();
            match token.kind {
                _ if token.kind == end => break,
                Kind::Bool
                | Kind::Char
                | Kind::Complex
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::String
                | Kind::Variable
                | Kind::LeftParen => {
                    self.ahead.push(token);
                    let command = self.command()?;
                    pipe.commands.push(command);
                }
                _ => return Err(self.unexpected(&token, place)),
            }
        }
        self.check(&pipe, place)?;
        Ok(pipe)
    }

    /// `$x :=`, `$x =`, and in a loop also `$i, $x :=`.
    fn declarations(&mut self, pipe: &mut Pipe, place: &str) -> Parsed<()> {
        loop {
            if self.peek_word().kind != Kind::Variable {
                return Ok(());
            }
            let variable = self.take();
            let after = self.peek().clone();
            let next = self.peek_word().clone();
            let comma = next.kind == Kind::Sign && next.text == ",";
            if !comma && !matches!(next.kind, Kind::Assign | Kind::Declare) {
                // It is the first word of a command. The space behind it counts.
                if after.kind == Kind::Space {
                    self.ahead.push(after);
                }
                self.ahead.push(variable);
                return Ok(());
            }
            self.take();
            let name: Arc<str> = variable.text.into();
            self.scope.variables.push(name.clone());
            pipe.variables.push(name);
            if !comma {
                pipe.assigns = next.kind == Kind::Assign;
                return Ok(());
            }
            if place != "range" || pipe.variables.len() >= 2 {
                return Err(self.error(format!("too many declarations in {place}")));
            }
            match self.peek_word().kind {
                Kind::Variable | Kind::Close | Kind::RightParen => {}
                _ => return Err(self.error("range can only initialize variables")),
            }
        }
    }

    /// Constants can begin a pipeline but not go on with one.
    fn check(&self, pipe: &Pipe, place: &str) -> Parsed<()> {
        if pipe.commands.is_empty() {
            return Err(self.error(format!("missing value for {place}")));
        }
        for (position, command) in pipe.commands.iter().enumerate().skip(1) {
            let constant = command.words.first().is_some_and(|word| match word.kind {
                WordKind::Bool(_)
                | WordKind::Dot
                | WordKind::Nil
                | WordKind::Number(_)
                | WordKind::Text { .. } => true,
                WordKind::Function { .. }
                | WordKind::Field(_)
                | WordKind::Variable(..)
                | WordKind::Pipe(_)
                | WordKind::Chain(..) => false,
            });
            if constant {
                let stage = position + 1;
                return Err(self.error(format!("non executable command in pipeline stage {stage}")));
            }
        }
        Ok(())
    }

    fn command(&mut self) -> Parsed<Command> {
        let mut words = Vec::new();
        loop {
            self.peek_word();
            if let Some(word) = self.operand()? {
                words.push(word);
            }
            let token = self.take();
            match token.kind {
                Kind::Space => {}
                Kind::Close | Kind::RightParen => {
                    self.ahead.push(token);
                    break;
                }
                Kind::Pipe => break,
                _ => return Err(self.unexpected(&token, "operand")),
            }
        }
        if words.is_empty() {
            return Err(self.error("empty command"));
        }
        Ok(Command { words })
    }

    /// A term and the fields that hang on it.
    fn operand(&mut self) -> Parsed<Option<Word>> {
        let Some(word) = self.term()? else { return Ok(None) };
        if self.peek().kind != Kind::Field {
            return Ok(Some(word));
        }
        let at = offset(self.peek().at);
        let mut fields: Vec<Arc<str>> = Vec::new();
        while self.peek().kind == Kind::Field {
            fields.push(field_name(&self.take()));
        }
        let kind = match word.kind {
            WordKind::Field(names) => {
                WordKind::Field(names.iter().cloned().chain(fields).collect())
            }
            WordKind::Variable(name, names) => {
                WordKind::Variable(name, names.iter().cloned().chain(fields).collect())
            }
            WordKind::Bool(_)
            | WordKind::Text { .. }
            | WordKind::Number(_)
            | WordKind::Nil
            | WordKind::Dot => {
                let shown = crate::parse::quote::quote(word.to_string().as_bytes());
                return Err(self.error(format!("unexpected . after term {shown}")));
            }
            WordKind::Function { .. } | WordKind::Pipe(_) | WordKind::Chain(..) => {
                WordKind::Chain(Box::new(word), fields.into())
            }
        };
        Ok(Some(Word { at, kind }))
    }

    fn term(&mut self) -> Parsed<Option<Word>> {
        let token = self.take_word();
        let number = |parsed: Result<Number, String>| {
            parsed.map(WordKind::Number).map_err(|reason| self.error(reason))
        };
        let kind = match token.kind {
            Kind::Identifier => match self.functions.get(token.text) {
                Some(&(function, form)) => WordKind::Function { function, form },
                None => {
                    let name = crate::parse::quote::quote(token.text.as_bytes());
                    return Err(self.error(format!("function {name} not defined")));
                }
            },
            Kind::Dot => WordKind::Dot,
            Kind::Nil => WordKind::Nil,
            Kind::Variable => self.variable(&token)?,
            Kind::Field => WordKind::Field([field_name(&token)].into()),
            Kind::Bool => WordKind::Bool(token.text == "true"),
            Kind::Char => number(Number::parse_char(token.text))?,
            Kind::Complex => number(Number::parse_complex(token.text))?,
            Kind::Number => number(Number::parse(token.text))?,
            Kind::LeftParen => {
                self.enter()?;
                let pipe = self.pipeline("parenthesized pipeline", Kind::RightParen)?;
                self.nesting -= 1;
                return Ok(Some(Word { at: pipe.at, kind: WordKind::Pipe(Box::new(pipe)) }));
            }
            Kind::String | Kind::RawString => {
                let text = unquote(token.text).ok_or_else(|| self.error("invalid syntax"))?;
                WordKind::Text { quoted: token.text.into(), text: text.into() }
            }
            _ => {
                self.ahead.push(token);
                return Ok(None);
            }
        };
        Ok(Some(Word { at: offset(token.at), kind }))
    }

    fn variable(&self, token: &Token<'a>) -> Parsed<WordKind> {
        let known = token.text == "$"
            || self.scope.variables.iter().any(|variable| **variable == *token.text);
        if !known {
            let name = crate::parse::quote::quote(token.text.as_bytes());
            return Err(self.error(format!("undefined variable {name}")));
        }
        Ok(WordKind::Variable(token.text.into(), [].into()))
    }
}

fn field_name(token: &Token<'_>) -> Arc<str> {
    token.text.strip_prefix('.').unwrap_or(token.text).into()
}
