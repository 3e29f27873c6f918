//! Walks a document into values, and remembers every mistake with its place.

use std::fmt::Display;

use bellwether_model::matcher::MatcherMode;

use super::{Block, FieldValue, Problem, Show, Visitor};
use crate::Error;
use crate::yaml::{Document, Kind, Node, NodeId, Scalar, resolve};

pub(crate) struct BlockReader<'d> {
    document: &'d Document,
    mode: MatcherMode,
    /// Of the value being read.
    path: String,
    errors: Vec<Error>,
    warnings: Vec<String>,
    /// Values read so far, and how many of them through an alias.
    reads: usize,
    reads_by_alias: usize,
    alias_depth: usize,
    stopped: bool,
}

impl<'d> BlockReader<'d> {
    pub(crate) fn new(document: &'d Document, mode: MatcherMode) -> Self {
        BlockReader {
            document,
            mode,
            path: String::new(),
            errors: Vec::new(),
            warnings: Vec::new(),
            reads: 0,
            reads_by_alias: 0,
            alias_depth: 0,
            stopped: false,
        }
    }

    pub(crate) fn mode(&self) -> MatcherMode {
        self.mode
    }

    pub(crate) fn finish(self) -> (Vec<Error>, Vec<String>) {
        (self.errors, self.warnings)
    }

    /// Reads the node into the value; null empties it.
    pub(crate) fn fill(&mut self, value: &mut dyn FieldValue, node: NodeId) {
        if self.stopped {
            return;
        }
        let target = self.document.resolve_alias(node);
        let aliased = usize::from(target != node);
        self.alias_depth += aliased;
        if self.count_reads(1, usize::from(self.alias_depth > 0), node) {
            if self.document.is_null(target) {
                value.clear();
            } else {
                value.decode(self, target);
            }
        }
        self.alias_depth -= aliased;
    }

    /// Reads the node into the value; null is an error with this message.
    pub(crate) fn fill_required(
        &mut self,
        value: &mut dyn FieldValue,
        node: NodeId,
        message: &str,
    ) {
        if self.is_null(node) {
            self.error(node, message);
        } else {
            self.fill(value, node);
        }
    }

    /// The entries of a mapping into the fields with their names.
    pub(crate) fn decode_fields<T: Block>(&mut self, node: NodeId, block: &mut T) {
        let Kind::Mapping(entries) = &self.document.node(node).kind else {
            self.wrong_type(node, "a block of fields");
            return;
        };
        let mut seen: Vec<&str> = Vec::new();
        for (key, value) in entries {
            if self.stopped {
                return;
            }
            if self.document.is_merge(*key) {
                self.alias_depth += 1;
                for source in self.merge_sources(*value) {
                    self.decode_fields(source, block);
                }
                self.alias_depth -= 1;
                continue;
            }
            let Some(name) = self.scalar_text(*key) else {
                self.wrong_type(*key, "a field name");
                continue;
            };
            let mut seek = Seek {
                reader: self,
                name,
                value: *value,
                key: *key,
                known: false,
                again: seen.contains(&name),
            };
            block.fields(&mut seek);
            if !seek.known {
                self.error_in(name, *key, &format!("field {name} not found"));
            }
            seen.push(name);
        }
    }

    /// The entries of a mapping with free keys, merged ones among them.
    pub(crate) fn entries(&mut self, node: NodeId) -> Option<Vec<(NodeId, NodeId)>> {
        let Kind::Mapping(entries) = &self.document.node(node).kind else {
            self.wrong_type(node, "a map");
            return None;
        };
        let mut flat = Vec::new();
        for (key, value) in entries {
            if self.document.is_merge(*key) {
                for source in self.merge_sources(*value) {
                    let merged = self.entries(source)?;
                    if !self.count_reads(merged.len(), merged.len(), node) {
                        return None;
                    }
                    flat.extend(merged);
                }
            } else {
                flat.push((*key, *value));
            }
        }
        Some(flat)
    }

    pub(crate) fn items(&mut self, node: NodeId) -> Option<&'d [NodeId]> {
        match &self.document.node(node).kind {
            Kind::Sequence(items) => Some(items),
            Kind::Scalar { .. } | Kind::Mapping(_) | Kind::Alias(_) => {
                self.wrong_type(node, "a list");
                None
            }
        }
    }

    /// The elements of what is known to be a list; none if it is not.
    pub(crate) fn items_or_none(&self, node: NodeId) -> &'d [NodeId] {
        match &self.document.node(node).kind {
            Kind::Sequence(items) => items,
            Kind::Scalar { .. } | Kind::Mapping(_) | Kind::Alias(_) => &[],
        }
    }

    /// The mappings that a merge key names, in the order of reading: of a list the first wins, so
    /// it comes last. Each counts as read through an alias.
    fn merge_sources(&mut self, value: NodeId) -> Vec<NodeId> {
        let document = self.document;
        let is_mapping = |id: &NodeId| matches!(document.node(*id).kind, Kind::Mapping(_));
        let target = document.resolve_alias(value);
        let sources: Vec<NodeId> = match &document.node(target).kind {
            Kind::Mapping(_) => vec![target],
            Kind::Sequence(items) if target == value => {
                items.iter().rev().map(|item| document.resolve_alias(*item)).collect()
            }
            Kind::Sequence(_) | Kind::Scalar { .. } | Kind::Alias(_) => vec![target],
        };
        if !sources.iter().all(is_mapping) {
            self.error(value, "map merge requires map or sequence of maps as the value");
            return Vec::new();
        }
        if self.count_reads(sources.len(), sources.len(), value) { sources } else { Vec::new() }
    }

    /// False if reading must stop, which is then an error already.
    fn count_reads(&mut self, reads: usize, by_alias: usize, node: NodeId) -> bool {
        self.reads += reads;
        self.reads_by_alias += by_alias;
        if !self.stopped && self.is_aliased_too_much() {
            self.error(node, "document contains excessive aliasing");
            self.stopped = true;
        }
        !self.stopped
    }

    pub(crate) fn node(&self, node: NodeId) -> &'d Node {
        self.document.node(node)
    }

    pub(crate) fn is_null(&self, node: NodeId) -> bool {
        self.document.is_null(node)
    }

    /// The text of a scalar as it was written; `None` if the node is not a scalar.
    pub(crate) fn scalar_text(&self, node: NodeId) -> Option<&'d str> {
        match &self.document.node(self.document.resolve_alias(node)).kind {
            Kind::Scalar { text, .. } => Some(text),
            Kind::Sequence(_) | Kind::Mapping(_) | Kind::Alias(_) => None,
        }
    }

    /// What a scalar means and how it was written. A node that is not a scalar is an error, and so
    /// is a scalar that makes no sense.
    pub(crate) fn scalar(&mut self, node: NodeId, wanted: &str) -> Option<(Scalar, &'d str)> {
        let Node { kind: Kind::Scalar { text, plain }, tag, .. } = self.document.node(node) else {
            self.wrong_type(node, wanted);
            return None;
        };
        match resolve(text, *plain, tag.as_deref()) {
            Ok(scalar) => Some((scalar, text)),
            Err(message) => {
                self.error(node, &message);
                None
            }
        }
    }

    /// The text of a scalar, as `parse` understands it. A text that it refuses is an error.
    pub(crate) fn parsed<T, E: Display>(
        &mut self,
        node: NodeId,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let errors_before = self.errors.len();
        let mut text = String::new();
        text.decode(self, node);
        if self.errors.len() > errors_before {
            return None;
        }
        parse(&text).map_err(|error| self.error(node, &error.to_string())).ok()
    }

    /// The value that goes by the scalar's text. A text that is not among `names` is an error, and
    /// so is, after the one about its type, a node that is not a text: it counts as an empty name.
    pub(crate) fn one_of<T: Copy>(
        &mut self,
        node: NodeId,
        names: &[(&str, T)],
        unknown: impl FnOnce(&str) -> String,
    ) -> Option<T> {
        let mut text = String::new();
        text.decode(self, node);
        let found = names.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        if found.is_none() {
            self.error(node, &unknown(&text));
        }
        found
    }

    /// Runs with the path extended by this.
    pub(crate) fn within<R>(&mut self, step: &str, run: impl FnOnce(&mut Self) -> R) -> R {
        let length = self.path.len();
        push_step(&mut self.path, step);
        let result = run(self);
        self.path.truncate(length);
        result
    }

    pub(crate) fn error(&mut self, node: NodeId, message: &str) {
        let line = Some(self.document.node(node).line);
        self.push(Error { line, field: self.path.clone(), message: message.to_owned() });
    }

    fn error_in(&mut self, step: &str, node: NodeId, message: &str) {
        self.within(step, |reader| reader.error(node, message));
    }

    pub(crate) fn refuse(&mut self, problem: Problem) {
        let mut field = self.path.clone();
        push_step(&mut field, problem.field);
        let line = self.document.line_of(&field);
        self.push(Error { line, field, message: problem.message });
    }

    /// "cannot unmarshal !!str `abc` into bool"
    pub(crate) fn wrong_type(&mut self, node: NodeId, wanted: &str) {
        let Node { kind, tag, .. } = self.document.node(node);
        let found = match kind {
            Kind::Sequence(_) => "!!seq".to_owned(),
            Kind::Mapping(_) | Kind::Alias(_) => "!!map".to_owned(),
            Kind::Scalar { text, plain } => {
                let scalar = resolve(text, *plain, tag.as_deref());
                let short = scalar.map_or("!!str", |scalar| scalar.tag());
                let mut excerpt: String = text.chars().take(10).collect();
                if excerpt.len() < text.len() {
                    excerpt = text.chars().take(7).chain("...".chars()).collect();
                }
                format!("{short} `{excerpt}`")
            }
        };
        self.error(node, &format!("cannot unmarshal {found} into {wanted}"));
    }

    pub(crate) fn warn(&mut self, node: NodeId, message: &str) {
        let line = self.document.node(node).line;
        self.warnings.push(format!("line {line}: {}: {message}", self.path));
    }

    /// Puts a text before the messages of all errors behind the first `count`.
    pub(crate) fn introduce_errors(&mut self, count: usize, text: &str) {
        for error in self.errors.iter_mut().skip(count) {
            error.message.insert_str(0, &format!("{text}: "));
        }
    }

    pub(crate) fn errors_len(&self) -> usize {
        self.errors.len()
    }

    fn push(&mut self, error: Error) {
        if self.errors.len() < ERRORS_MAX {
            self.errors.push(error);
        } else {
            self.stopped = true;
        }
    }

    /// Files that consist mostly of aliases are refused once they are large: a few lines can stand
    /// for billions of values.
    fn is_aliased_too_much(&self) -> bool {
        let share = self.reads_by_alias as f64 / self.reads as f64;
        let span = (READS_LARGE - READS_SMALL) as f64;
        let size = self.reads.clamp(READS_SMALL, READS_LARGE) - READS_SMALL;
        let allowed = 0.99 - 0.89 * (size as f64 / span);
        self.reads_by_alias > 100 && self.reads > 1000 && share > allowed
    }
}

fn push_step(path: &mut String, step: &str) {
    if !path.is_empty() && !step.is_empty() && !step.starts_with('[') {
        path.push('.');
    }
    path.push_str(step);
}

/// Fills the field that has this name.
struct Seek<'r, 'd> {
    reader: &'r mut BlockReader<'d>,
    name: &'d str,
    key: NodeId,
    value: NodeId,
    known: bool,
    again: bool,
}

impl Visitor for Seek<'_, '_> {
    fn visit(&mut self, name: &'static str, value: &mut dyn FieldValue, _: Show) {
        if name != self.name {
            return;
        }
        self.known = true;
        if self.again {
            let message = format!("field {name} already set");
            self.reader.error_in(name, self.key, &message);
        } else {
            self.reader.within(name, |reader| reader.fill(value, self.value));
        }
    }
}

/// Limit: more mistakes than this are not listed.
const ERRORS_MAX: usize = 100;
/// Limits: up to the first number 99 of 100 reads may come from aliases, from the second on 10.
const READS_SMALL: usize = 400_000;
const READS_LARGE: usize = 4_000_000;
