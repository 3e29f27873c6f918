//! How is a node shown in an error?
//!
//! As its source, with spaces and comments left out: `executing "x" at <.Labels.team>`.

use std::fmt::{Display, Formatter, Result};
use std::sync::Arc;

use super::quote::quote;
use super::tree::{Command, List, Node, Pipe, Word, WordKind};

impl Display for Node {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Text { text } => f.write_str(&String::from_utf8_lossy(text)),
            Self::Action { pipe, .. } => write!(f, "{{{{{pipe}}}}}"),
            Self::If(branch) => show_branch(f, "if", branch),
            Self::With(branch) => show_branch(f, "with", branch),
            Self::Range(branch) => show_branch(f, "range", branch),
            Self::Template { name, pipe, .. } => {
                write!(f, "{{{{template {}", quote(name.as_bytes()))?;
                if let Some(pipe) = pipe {
                    write!(f, " {pipe}")?;
                }
                f.write_str("}}")
            }
            Self::Break { .. } => f.write_str("{{break}}"),
            Self::Continue { .. } => f.write_str("{{continue}}"),
        }
    }
}

impl Display for List {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.nodes.iter().try_for_each(|node| node.fmt(f))
    }
}

impl Display for Pipe {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if !self.variables.is_empty() {
            f.write_str(&self.variables.join(", "))?;
            f.write_str(if self.assigns { " = " } else { " := " })?;
        }
        for (position, command) in self.commands.iter().enumerate() {
            if position > 0 {
                f.write_str(" | ")?;
            }
            command.fmt(f)?;
        }
        Ok(())
    }
}

impl Display for Command {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for (position, word) in self.words.iter().enumerate() {
            if position > 0 {
                f.write_str(" ")?;
            }
            show_operand(f, word)?;
        }
        Ok(())
    }
}

impl Display for Word {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match &self.kind {
            WordKind::Dot => f.write_str("."),
            WordKind::Nil => f.write_str("nil"),
            WordKind::Bool(value) => value.fmt(f),
            WordKind::Number(number) => f.write_str(&number.text),
            WordKind::Text { quoted, .. } => f.write_str(quoted),
            WordKind::Function { function, .. } => f.write_str(function.name),
            WordKind::Field(names) => show_fields(f, names),
            WordKind::Variable(name, fields) => {
                f.write_str(name)?;
                show_fields(f, fields)
            }
            WordKind::Pipe(pipe) => pipe.fmt(f),
            WordKind::Chain(word, fields) => {
                show_operand(f, word)?;
                show_fields(f, fields)
            }
        }
    }
}

fn show_operand(f: &mut Formatter<'_>, word: &Word) -> Result {
    match word.kind {
        WordKind::Pipe(_) => write!(f, "({word})"),
        _ => word.fmt(f),
    }
}

fn show_fields(f: &mut Formatter<'_>, names: &[Arc<str>]) -> Result {
    names.iter().try_for_each(|name| write!(f, ".{name}"))
}

fn show_branch(f: &mut Formatter<'_>, name: &str, branch: &super::tree::Branch) -> Result {
    write!(f, "{{{{{name} {}}}}}{}", branch.pipe, branch.then)?;
    if let Some(otherwise) = &branch.otherwise {
        write!(f, "{{{{else}}}}{otherwise}")?;
    }
    f.write_str("{{end}}")
}
