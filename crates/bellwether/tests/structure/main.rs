//! Checks of the repository as a whole: which crate uses which, what a pure crate may reach, how
//! the files of a crate import one another, and how long functions are.
//!
//! Each check reads the sources as text or as a syntax tree; none runs product code.

mod crates;
mod cycles;
mod functions;
mod modules;
mod purity;
mod sources;
