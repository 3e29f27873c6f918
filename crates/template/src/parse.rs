//! What does the text of a template say?
//!
//! In comes a text with `{{ actions }}`, out go its definitions as trees: the text itself under
//! the name of the file, and one for each `define` and `block`. The parser knows the names of the
//! functions, since an unknown one is an error of the text and not of the data.
//!
//! Lines and columns are not kept in the tree: a node knows its offset, and the few nodes that
//! end up in an error count the lines then.

pub(crate) mod lex;
pub(crate) mod number;
pub(crate) mod parser;
pub(crate) mod quote;
mod show;
pub(crate) mod tree;

pub(crate) use self::parser::parse;
