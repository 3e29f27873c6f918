//! Patterns as users write them for Go programs: RE2 syntax, compiled once, matched in linear time.
//!
//! In: the text of a Go regular expression. Out: a [`Pattern`] that says whether a text matches, or
//! the error that Go would print. What the syntax means is decided in [`dialect`]; the engine below
//! only ever sees what that translation writes.
//!
//! Most patterns in real configurations are `a|b|c` or `prefix.*`. These are matched by comparing
//! strings, and no engine is built for them: a server holds thousands of patterns, and an engine
//! takes some kilobytes each.

mod cost;
mod dialect;
mod error;
mod node;
mod replace;
mod shape;
mod unicode;

use std::fmt;
use std::sync::{Arc, OnceLock};

use regex_automata::meta;
use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::util::syntax;

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

/// A pattern that has been read, and is known to be valid, but not compiled.
pub struct PatternDraft<'a> {
    source: &'a str,
    tree: Node,
    shape: Option<Shape>,
}

#[derive(Clone)]
enum Program {
    Shape(Arc<Shape>),
    Engine(Arc<::regex::Regex>),
    /// Large ones take a program for one direction only.
    Lean(Arc<meta::Regex>),
    /// Empty until it is compiled; `None` if it is too large.
    Late(Arc<OnceLock<Option<Program>>>),
}

impl<'a> PatternDraft<'a> {
    /// See [`Pattern::anchored`].
    pub fn anchored(text: &'a str) -> Result<Self, PatternError> {
        let tree = dialect::parse(&format!("^(?:{text})$"))?;
        let shape = Shape::of_anchored(&tree);
        Ok(PatternDraft { source: text, tree, shape })
    }

    /// Whether nothing has to be compiled, because texts are only compared.
    pub fn is_plain(&self) -> bool {
        self.shape.is_some()
    }

    /// An estimate from above of the bytes that the compiled pattern takes, and a measure of the time
    /// that compiling takes.
    pub fn cost(&self) -> u64 {
        match &self.shape {
            Some(_) => self.source.len() as u64,
            None => self.tree.cost(),
        }
    }

    /// # Errors
    /// If it is too large.
    pub fn compile(self) -> Result<Pattern, PatternError> {
        let PatternDraft { source, tree, shape } = self;
        let program = match shape {
            Some(shape) => Program::Shape(Arc::new(shape)),
            None if tree.cost() > LEAN_BYTES_MIN => Program::Lean(Arc::new(lean(&tree, source)?)),
            None => Program::Engine(Arc::new(build_engine(&tree, source)?)),
        };
        Ok(Pattern { source: source.into(), program })
    }
}

impl Pattern {
    /// A pattern that must match a text from its start to its end: `^(?:text)$`.
    ///
    /// The text is joined with its anchors before it is read, as Go programs do: an error may quote
    /// them, and `a)|(?:b` is a valid pattern.
    pub fn anchored(text: &str) -> Result<Pattern, PatternError> {
        PatternDraft::anchored(text)?.compile()
    }

    /// The same, but only read: it is compiled by [`Pattern::compile`], for all its clones, or else
    /// when it is first matched.
    pub fn uncompiled(text: &str) -> Result<Pattern, PatternError> {
        let program = match PatternDraft::anchored(text)?.shape {
            Some(shape) => Program::Shape(Arc::new(shape)),
            None => Program::Late(Arc::default()),
        };
        Ok(Pattern { source: text.into(), program })
    }

    pub fn is_compiled(&self) -> bool {
        match &self.program {
            Program::Late(cell) => matches!(cell.get(), Some(Some(_))),
            Program::Shape(_) | Program::Engine(_) | Program::Lean(_) => true,
        }
    }

    /// # Errors
    /// If it is too large.
    pub fn compile(&self) -> Result<(), PatternError> {
        match &self.program {
            Program::Late(cell) => {
                let compiled = cell.get_or_init(|| compiled_late(&self.source));
                let too_large = || PatternError::new(Fault::TooLarge, &self.source);
                compiled.as_ref().map(|_| ()).ok_or_else(too_large)
            }
            Program::Shape(_) | Program::Engine(_) | Program::Lean(_) => Ok(()),
        }
    }

    /// [`PatternDraft::cost`] of an anchored pattern, compiled or not; 0 if nothing has to be
    /// compiled.
    pub fn cost(&self) -> u64 {
        match &self.program {
            Program::Shape(_) => 0,
            Program::Engine(_) | Program::Lean(_) | Program::Late(_) => {
                PatternDraft::anchored(&self.source).map_or(0, |draft| draft.cost())
            }
        }
    }

    /// The same pattern, uncompiled; for anchored ones.
    #[must_use]
    pub fn without_program(&self) -> Pattern {
        let program = match &self.program {
            Program::Shape(shape) => Program::Shape(Arc::clone(shape)),
            Program::Engine(_) | Program::Lean(_) | Program::Late(_) => {
                Program::Late(Arc::default())
            }
        };
        Pattern { source: Arc::clone(&self.source), program }
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
            Program::Lean(engine) => engine.is_match(text),
            Program::Late(cell) => match cell.get_or_init(|| compiled_late(&self.source)) {
                Some(Program::Engine(engine)) => engine.is_match(text),
                Some(Program::Lean(engine)) => engine.is_match(text),
                Some(Program::Shape(shape)) => shape.is_match(text),
                Some(Program::Late(_)) | None => false,
            },
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

/// Whether a pattern without anchors matches an empty text; an error if it is none.
pub fn matches_empty(text: &str) -> Result<bool, PatternError> {
    Ok(dialect::parse(text)?.matches_empty())
}

/// Whether a text is a pattern, apart from its size.
pub fn check(text: &str) -> Result<(), PatternError> {
    dialect::parse(text).map(|_| ())
}

fn compiled_late(source: &str) -> Option<Program> {
    let pattern = PatternDraft::anchored(source).ok()?.compile().ok()?;
    Some(pattern.program)
}

fn build_engine(tree: &Node, text: &str) -> Result<::regex::Regex, PatternError> {
    check_cost(tree, text)?;
    ::regex::RegexBuilder::new(&tree.to_engine_syntax())
        .size_limit(PROGRAM_BYTES_MAX)
        .dfa_size_limit(CACHE_BYTES_MAX)
        .nest_limit(dialect::NESTING_MAX * 8)
        .build()
        .map_err(|_| PatternError::new(Fault::TooLarge, text))
}

/// An engine that only says whether a text matches, and takes half the memory and time to build.
fn lean(tree: &Node, text: &str) -> Result<meta::Regex, PatternError> {
    check_cost(tree, text)?;
    let config = meta::Config::new()
        .nfa_size_limit(Some(PROGRAM_BYTES_MAX))
        .which_captures(WhichCaptures::None)
        .auto_prefilter(false)
        .hybrid(false)
        .onepass(false);
    let syntax = syntax::Config::new().nest_limit(dialect::NESTING_MAX * 8);
    meta::Builder::new()
        .configure(config)
        .syntax(syntax)
        .build(&tree.to_engine_syntax())
        .map_err(|_| PatternError::new(Fault::TooLarge, text))
}

/// Refuses what would be too large before it takes the time to find out.
fn check_cost(tree: &Node, text: &str) -> Result<(), PatternError> {
    if tree.cost() > COST_MAX {
        return Err(PatternError::new(Fault::TooLarge, text));
    }
    Ok(())
}

/// Limit: what one compiled program may take; Go allows 128 MiB, of a program of characters. Ten
/// thousand host names whose dots are not escaped take some 16 MiB.
const PROGRAM_BYTES_MAX: usize = 32 << 20;

/// Limit: [`PatternDraft::cost`] of one pattern.
const COST_MAX: u64 = 32 << 20;

/// Patterns whose estimate is above take a lean engine.
const LEAN_BYTES_MIN: u64 = 1 << 20;

/// Limit: what the engine may remember about texts that it has seen, per pattern and thread.
const CACHE_BYTES_MAX: usize = 128 << 10;

#[cfg(test)]
mod tests;
