//! The tree of a template: what the parser makes, the escaper annotates and the renderer walks.
//!
//! A node keeps the offset at which Go would report it, and enough of its source to be shown in an
//! error as Go would show it (see `show`).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::number::Number;
use crate::escaper::Escaper;
use crate::value::{Function, Text};

/// One definition.
#[derive(Clone)]
pub(crate) struct Template {
    pub name: Arc<str>,
    pub source: Arc<Source>,
    pub body: List,
}

/// Definitions by name.
pub(crate) type Definitions = BTreeMap<Arc<str>, Arc<Template>>;

/// The text that a definition was parsed from.
pub(crate) struct Source {
    /// The name of the file; an inline text has none.
    pub name: String,
    pub text: String,
}

/// Nodes one after the other.
#[derive(Clone)]
pub(crate) struct List {
    pub at: u32,
    pub nodes: Vec<Node>,
}

#[derive(Clone)]
pub(crate) enum Node {
    Text { text: Box<[u8]> },
    Action { pipe: Pipe, escapers: Vec<Escaper> },
    If(Branch),
    With(Branch),
    Range(Branch),
    Template { at: u32, name: Arc<str>, pipe: Option<Pipe> },
    Break { at: u32 },
    Continue { at: u32 },
}

/// A condition and what hangs on it.
#[derive(Clone)]
pub(crate) struct Branch {
    pub pipe: Pipe,
    pub then: List,
    pub otherwise: Option<List>,
}

#[derive(Clone)]
pub(crate) struct Pipe {
    pub at: u32,
    pub variables: Vec<Arc<str>>,
    /// Whether the variables are set (`=`) or made (`:=`).
    pub assigns: bool,
    pub commands: Vec<Command>,
}

#[derive(Clone)]
pub(crate) struct Command {
    /// Invariant: at least one.
    pub words: Vec<Word>,
}

#[derive(Clone)]
pub(crate) struct Word {
    pub at: u32,
    pub kind: WordKind,
}

#[derive(Clone)]
pub(crate) enum WordKind {
    Dot,
    Nil,
    Bool(bool),
    Number(Number),
    Text {
        quoted: Box<str>,
        text: Text,
    },
    Function {
        function: &'static Function,
        form: Form,
    },
    Field(Box<[Arc<str>]>),
    /// The name with its `$`, and fields after it.
    Variable(Arc<str>, Box<[Arc<str>]>),
    Pipe(Box<Pipe>),
    /// Fields of something in parentheses, or of what a function gives.
    Chain(Box<Word>, Box<[Arc<str>]>),
}

/// Functions that the renderer treats by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Plain,
    /// Stops at the first argument that is not true.
    And,
    /// Stops at the first argument that is true.
    Or,
    /// Calls its first argument.
    Call,
    /// Escapes for HTML; the HTML escaper does not do it again.
    Html,
    /// Escapes for a query; the HTML escaper does not do it again.
    UrlQuery,
}

impl List {
    /// Whether there is nothing but spaces; such a definition never replaces another.
    pub fn is_empty(&self) -> bool {
        self.nodes.iter().all(|node| match node {
            Node::Text { text } => text.trim_ascii().is_empty(),
            Node::Action { .. }
            | Node::If(_)
            | Node::With(_)
            | Node::Range(_)
            | Node::Template { .. }
            | Node::Break { .. }
            | Node::Continue { .. } => false,
        })
    }
}

impl Source {
    /// `name:line:column`, the column counted in bytes from 0.
    pub fn location(&self, at: u32) -> String {
        let before = self.before(at);
        let column = before.len() - before.rfind('\n').map_or(0, |newline| newline + 1);
        format!("{}:{}:{column}", self.name, self.line(at))
    }

    /// The line of an offset, counted from 1.
    pub fn line(&self, at: u32) -> usize {
        1 + self.before(at).bytes().filter(|byte| *byte == b'\n').count()
    }

    fn before(&self, at: u32) -> &str {
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        self.text.get(..at).unwrap_or(&self.text)
    }
}
