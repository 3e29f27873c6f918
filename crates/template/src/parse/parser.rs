//! Which tree do the words of a template make?
//!
//! A descent by hand over the tokens of [`Lexer`]. Each definition has its own scope of variables
//! and its own idea of being inside a loop, so `define` and `block` start afresh and give back
//! what was before.
//!
//! Errors carry the line of the word that was read last, which may be one beyond the culprit; Go
//! does so, and people have learnt to look there.

mod control;
mod pipeline;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::lex::{Keyword, Kind, Lexer, Token};
use super::quote::unquote;
use super::tree::{Form, List, Node, Source, Template};
use crate::error::{Error, ErrorKind};
use crate::limits::ParseLimits;
use crate::value::{Function, to_utf8};

/// The functions that a text may name.
pub(crate) type Known = BTreeMap<&'static str, (&'static Function, Form)>;

/// The definitions of a text, itself under its own name.
pub(crate) fn parse(
    name: &str,
    text: &str,
    functions: &Known,
    limits: ParseLimits,
) -> Result<Vec<Template>, Error> {
    if text.len() > limits.text_bytes {
        let reason = format!("template: {name}: text exceeds {} bytes", limits.text_bytes);
        return Err(Error::new(ErrorKind::Limit, reason));
    }
    let source = Arc::new(Source { name: name.to_owned(), text: text.to_owned() });
    let mut parser = Parser {
        source: source.clone(),
        lexer: Lexer::new(text),
        functions,
        nesting_max: limits.nesting,
        ahead: Vec::new(),
        last_at: 0,
        nesting: 0,
        scope: Scope::default(),
        definitions: Vec::new(),
    };
    let body = parser.file()?;
    parser.add(Template { name: name.into(), source, body })?;
    Ok(parser.definitions)
}

pub(super) struct Parser<'a> {
    source: Arc<Source>,
    lexer: Lexer<'a>,
    functions: &'a Known,
    nesting_max: usize,
    /// Tokens that were looked at but not taken, the next one last.
    ahead: Vec<Token<'a>>,
    /// Where the word begins that was read last.
    last_at: usize,
    nesting: usize,
    scope: Scope,
    definitions: Vec<Template>,
}

/// What belongs to one definition while it is read.
#[derive(Default)]
struct Scope {
    /// Variables other than `$`.
    variables: Vec<Arc<str>>,
    loops: usize,
    /// Where the action began that is being read.
    action: Option<usize>,
}

/// How a list of nodes ended.
enum Ending {
    End,
    Else,
}

type Parsed<T> = Result<T, Error>;

impl<'a> Parser<'a> {
    fn file(&mut self) -> Parsed<List> {
        let mut list = List { at: offset(self.peek().at), nodes: Vec::new() };
        loop {
            match self.peek().kind {
                Kind::End => return Ok(list),
                Kind::Open => {
                    let open = self.take();
                    let next = self.take_word();
                    if next.kind == Kind::Keyword(Keyword::Define) {
                        self.definition()?;
                        continue;
                    }
                    self.ahead.push(next);
                    self.ahead.push(open);
                }
                _ => {}
            }
            match self.node()? {
                Item::Node(node) => list.nodes.push(node),
                Item::Ending(ending) => {
                    return Err(self.error(format!("unexpected {}", ending.show())));
                }
            }
        }
    }

    fn definition(&mut self) -> Parsed<()> {
        const PLACE: &str = "define clause";
        let outer = std::mem::take(&mut self.scope);
        let token = self.take_word();
        let name = self.template_name(token, PLACE)?;
        self.expect_close(PLACE)?;
        let (body, ending) = self.list()?;
        if let Ending::Else = ending {
            return Err(self.error(format!("unexpected {} in {PLACE}", ending.show())));
        }
        self.add(Template { name: name.into(), source: self.source.clone(), body })?;
        self.scope = outer;
        Ok(())
    }

    /// Of two definitions with the same name in one text, only one may say anything.
    fn add(&mut self, template: Template) -> Parsed<()> {
        let same = self.definitions.iter().position(|other| other.name == template.name);
        let Some(other) = same.and_then(|position| self.definitions.get_mut(position)) else {
            self.definitions.push(template);
            return Ok(());
        };
        if other.body.is_empty() {
            *other = template;
            return Ok(());
        }
        if template.body.is_empty() {
            return Ok(());
        }
        let name = super::quote::quote(template.name.as_bytes());
        Err(self.error(format!("template: multiple definition of template {name}")))
    }

    /// Nodes up to an `else` or `end`, whose action has been read.
    fn list(&mut self) -> Parsed<(List, Ending)> {
        self.enter()?;
        let mut list = List { at: offset(self.peek_word().at), nodes: Vec::new() };
        loop {
            if self.peek_word().kind == Kind::End {
                return Err(self.error("unexpected EOF"));
            }
            match self.node()? {
                Item::Node(node) => list.nodes.push(node),
                Item::Ending(ending) => {
                    self.nesting -= 1;
                    return Ok((list, ending));
                }
            }
        }
    }

    fn node(&mut self) -> Parsed<Item> {
        let token = self.take_word();
        match token.kind {
            Kind::Text => {
                let text = token.text.as_bytes().into();
                Ok(Item::Node(Node::Text { text }))
            }
            Kind::Open => {
                self.scope.action = Some(token.at);
                let item = self.action()?;
                self.scope.action = None;
                Ok(item)
            }
            _ => Err(self.unexpected(&token, "input")),
        }
    }

    /// Counts one more level of blocks or parentheses; the caller leaves the level again.
    fn enter(&mut self) -> Parsed<()> {
        self.nesting += 1;
        if self.nesting > self.nesting_max {
            let mut error = self.error("max expression depth exceeded");
            error.kind = ErrorKind::Limit;
            return Err(error);
        }
        Ok(())
    }

    fn template_name(&mut self, token: Token<'a>, place: &str) -> Parsed<String> {
        match token.kind {
            Kind::String | Kind::RawString => {
                let name = unquote(token.text).ok_or_else(|| self.error("invalid syntax"))?;
                Ok(to_utf8(&name).into_owned())
            }
            _ => Err(self.unexpected(&token, place)),
        }
    }

    fn expect_close(&mut self, place: &str) -> Parsed<()> {
        let token = self.take_word();
        if token.kind == Kind::Close { Ok(()) } else { Err(self.unexpected(&token, place)) }
    }

    fn take(&mut self) -> Token<'a> {
        self.ahead.pop().unwrap_or_else(|| {
            let token = self.lexer.next_token();
            self.last_at = token.at;
            token
        })
    }

    fn take_word(&mut self) -> Token<'a> {
        loop {
            let token = self.take();
            if token.kind != Kind::Space {
                return token;
            }
        }
    }

    fn peek(&mut self) -> &Token<'a> {
        let token = self.take();
        self.ahead.push(token);
        self.ahead.last().expect("a token was just pushed")
    }

    /// The next token that is not a space; spaces before it are gone.
    fn peek_word(&mut self) -> &Token<'a> {
        let token = self.take_word();
        self.ahead.push(token);
        self.ahead.last().expect("a token was just pushed")
    }

    fn line_of(&self, at: usize) -> usize {
        self.source.line(offset(at))
    }

    fn error(&self, reason: impl std::fmt::Display) -> Error {
        let line = self.line_of(self.last_at);
        Error::new(ErrorKind::Parse, format!("template: {}:{line}: {reason}", self.source.name))
    }

    fn unexpected(&self, token: &Token<'_>, place: &str) -> Error {
        let Kind::Broken(reason) = &token.kind else {
            return self.error(format!("unexpected {} in {place}", show(token)));
        };
        let started = self.scope.action.map(|at| self.line_of(at));
        let Some(started) = started.filter(|line| *line != self.line_of(token.at)) else {
            return self.error(reason);
        };
        // "unclosed action" is not followed by another "in action".
        let between = if reason.ends_with(" action") { "" } else { " in action" };
        self.error(format!("{reason}{between} started at {}:{started}", self.source.name))
    }
}

/// What an action turns out to be.
enum Item {
    Node(Node),
    Ending(Ending),
}

impl Ending {
    fn show(&self) -> &'static str {
        match self {
            Self::End => "{{end}}",
            Self::Else => "{{else}}",
        }
    }
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// A token in an error: keywords in angle brackets, long words cut.
fn show(token: &Token<'_>) -> String {
    match &token.kind {
        Kind::End => "EOF".to_owned(),
        Kind::Broken(reason) => reason.clone(),
        Kind::Keyword(_) | Kind::Dot | Kind::Nil => format!("<{}>", token.text),
        _ => {
            let mut chars = token.text.chars();
            let head: String = chars.by_ref().take(10).collect();
            let dots = if token.text.len() > 10 { "..." } else { "" };
            format!("{}{dots}", super::quote::quote(head.as_bytes()))
        }
    }
}
