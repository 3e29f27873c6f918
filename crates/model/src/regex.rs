//! Patterns as users write them for Go programs: RE2 syntax, compiled once, matched in linear time.
//!
//! In: the text of a Go regular expression. Out: a [`Pattern`] that says whether a text matches, or
//! the error that Go would print. What the syntax means is decided in [`dialect`]; the engine below
//! only ever sees what that translation writes.
//!
//! Most patterns in real configurations are `a|b|c` or `prefix.*`. These are matched by comparing
//! strings, and no engine is built for them: a server holds thousands of patterns, and an engine
//! takes some kilobytes each.

mod dialect;
mod error;
mod node;
mod replace;
mod shape;
mod unicode;

use std::fmt;
use std::sync::Arc;

pub use error::PatternError;
pub use replace::Replacer;

use error::Fault;
use node::Node;
use shape::Shape;

/// A compiled regular expression, cheap to clone; two are equal if they are written alike.
#[derive(Clone)]
pub struct Pattern {
    source: Arc<str>,
    program: Program,
}

#[derive(Clone)]
enum Program {
    Shape(Arc<Shape>),
    Engine(Arc<::regex::Regex>),
}

impl Pattern {
    /// A pattern that must match a text from its start to its end: `^(?:text)$`.
    ///
    /// The text is joined with its anchors before it is read, as Go programs do: an error may quote
    /// them, and `a)|(?:b` is a valid pattern.
    pub fn anchored(text: &str) -> Result<Pattern, PatternError> {
        let tree = dialect::parse(&format!("^(?:{text})$"))?;
        let program = match Shape::of_anchored(&tree) {
            Some(shape) => Program::Shape(Arc::new(shape)),
            None => Program::Engine(Arc::new(build_engine(&tree, text)?)),
        };
        Ok(Pattern { source: text.into(), program })
    }

    /// A pattern that may match anywhere in a text.
    pub fn unanchored(text: &str) -> Result<Pattern, PatternError> {
        let tree = dialect::parse(text)?;
        let program = Program::Engine(Arc::new(build_engine(&tree, text)?));
        Ok(Pattern { source: text.into(), program })
    }

    pub fn is_match(&self, text: &str) -> bool {
        match &self.program {
            Program::Shape(shape) => shape.is_match(text),
            Program::Engine(engine) => engine.is_match(text),
        }
    }

    /// The pattern as written, without anchors that [`Pattern::anchored`] adds.
    pub fn as_str(&self) -> &str {
        &self.source
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Pattern {}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.source, f)
    }
}

fn build_engine(tree: &Node, text: &str) -> Result<::regex::Regex, PatternError> {
    ::regex::RegexBuilder::new(&tree.to_engine_syntax())
        .size_limit(PROGRAM_BYTES_MAX)
        .dfa_size_limit(CACHE_BYTES_MAX)
        .nest_limit(dialect::NESTING_MAX * 8)
        .build()
        .map_err(|_| PatternError::new(Fault::TooLarge, text))
}

/// Limit: what one compiled program may take; Go allows 128 MiB.
const PROGRAM_BYTES_MAX: usize = 8 << 20;

/// Limit: what the engine may remember about texts that it has seen, per pattern and thread.
const CACHE_BYTES_MAX: usize = 128 << 10;

#[cfg(test)]
mod tests;
