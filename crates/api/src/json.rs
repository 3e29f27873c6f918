//! JSON as the Go programs around us read and write it, without a tree in between.
//!
//! [`read`] walks through a text value by value and lends out strings; [`write`] appends values to
//! one growing text. Both exist because clients can see the difference to a stricter library: lone
//! surrogates and stray bytes become U+FFFD, the words of a syntax error name the character, and
//! what is escaped in an answer depends on where in the answer it stands.

pub mod read;
mod word;
pub mod write;
