//! The command line: which commands and flags there are, what was given, and what is printed about
//! them.
//!
//! In: arguments, and defaults from configuration files. Out: an [`Invocation`](elements::Invocation)
//! and [`Options`], or a text to print: help, manual page, completions. All of it follows from one
//! [`table`], as the Go program's library does it; scripts depend on its messages and order of checks.

pub mod completion;
mod defaults;
pub mod doc_text;
pub mod elements;
pub mod help_texts;
pub mod manual;
pub mod options;
pub mod table;
pub mod usage;
mod values;
pub mod wrap;

pub use defaults::Defaults;
pub use elements::{Element, Invocation};
pub use options::Options;
pub use values::{set_all, set_defaults};
