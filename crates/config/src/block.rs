//! One list of fields per block, from which everything follows.
//!
//! A block (`global`, a route, a receiver's integration) names its fields once, in the order in
//! which they are printed, by showing them to a [`Visitor`]. Reading looks for the field that has a
//! key's name, printing collects those that are to be shown, and a null empties them all; hence
//! no field can be known to one of them and forgotten by another.
//!
//! The habits of the format that live here: a key that no field has, or that appears twice, is an
//! error; a null empties the field whatever its default was, and the block's own rules are not
//! asked; a merge key puts another mapping's entries where it stands, so that what comes later
//! wins; rules of a block are checked only if all its fields could be read.

mod reader;

use crate::yaml::{NodeId, Tree};

pub(crate) use reader::BlockReader;

/// A mapping with a fixed set of keys. `Default` gives what holds where a key is absent.
pub(crate) trait Block: Default {
    fn fields(&mut self, visitor: &mut dyn Visitor);

    /// The rules between the fields, and what they derive from each other.
    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        Ok(())
    }
}

/// Is shown each field of a block, in the block's order.
pub(crate) trait Visitor {
    fn visit(&mut self, name: &'static str, value: &mut dyn FieldValue, show: Show);
}

impl dyn Visitor + '_ {
    /// A field that is printed unless it is empty.
    pub(crate) fn field(&mut self, name: &'static str, value: &mut dyn FieldValue) {
        self.visit(name, value, Show::UnlessEmpty);
    }

    /// A field that is always printed.
    pub(crate) fn shown(&mut self, name: &'static str, value: &mut dyn FieldValue) {
        self.visit(name, value, Show::Always);
    }

    /// A field that is read but never printed, since it is turned into another.
    pub(crate) fn taken(&mut self, name: &'static str, value: &mut dyn FieldValue) {
        self.visit(name, value, Show::Never);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Show {
    Always,
    UnlessEmpty,
    Never,
}

/// What can stand behind a key.
pub(crate) trait FieldValue {
    /// The node is neither null nor an alias. Mistakes are reported to the reader.
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId);
    /// Becomes what null means.
    fn clear(&mut self);
    fn is_empty(&mut self) -> bool;
    /// How it is printed.
    fn tree(&mut self) -> Tree;
}

/// A rule of a block that does not hold.
pub(crate) struct Problem {
    /// Within the block; empty for the block as a whole.
    pub field: &'static str,
    pub message: String,
}

impl Problem {
    pub(crate) fn at(field: &'static str, message: impl Into<String>) -> Self {
        Problem { field, message: message.into() }
    }

    pub(crate) fn here(message: impl Into<String>) -> Self {
        Problem::at("", message)
    }
}

/// Refuses if the condition holds.
pub(crate) fn refuse_if(
    condition: bool,
    field: &'static str,
    message: &str,
) -> Result<(), Problem> {
    if condition { Err(Problem::at(field, message)) } else { Ok(()) }
}

impl<T: Block> FieldValue for T {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
        *self = T::default();
        let errors_before = reader.errors_len();
        reader.decode_fields(node, self);
        if reader.errors_len() == errors_before
            && let Err(problem) = self.check(reader)
        {
            reader.refuse(problem);
        }
    }

    fn clear(&mut self) {
        self.fields(&mut Clear);
    }

    fn is_empty(&mut self) -> bool {
        let mut probe = Probe { empty: true };
        self.fields(&mut probe);
        probe.empty
    }

    fn tree(&mut self) -> Tree {
        let mut print = Print { entries: Vec::new() };
        self.fields(&mut print);
        Tree::Map(print.entries)
    }
}

struct Clear;

impl Visitor for Clear {
    fn visit(&mut self, _: &'static str, value: &mut dyn FieldValue, _: Show) {
        value.clear();
    }
}

struct Probe {
    empty: bool,
}

impl Visitor for Probe {
    fn visit(&mut self, _: &'static str, value: &mut dyn FieldValue, _: Show) {
        self.empty &= value.is_empty();
    }
}

struct Print {
    entries: Vec<(Tree, Tree)>,
}

impl Visitor for Print {
    fn visit(&mut self, name: &'static str, value: &mut dyn FieldValue, show: Show) {
        let shown = match show {
            Show::Always => true,
            Show::UnlessEmpty => !value.is_empty(),
            Show::Never => false,
        };
        if shown {
            self.entries.push((Tree::text(name), value.tree()));
        }
    }
}
