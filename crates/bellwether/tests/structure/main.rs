//! Checks of the repository as a whole: which crate uses which, what a pure crate may reach, how
//! the files of a crate import one another, how long functions are, and whether what the documents
//! name exists.
//!
//! Each check reads the sources as text or as a syntax tree; none runs product code.

mod crates;
mod cycles;
mod documents;
mod functions;
mod modules;
mod purity;
mod sources;
