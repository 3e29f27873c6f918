//! JSON as the Go server reads it, without a tree in between.
//!
//! [`read`] walks through a text value by value and borrows its strings. It exists because clients can
//! see the difference to a stricter library: lone surrogates and invalid bytes become U+FFFD, and a
//! syntax error names the character. See `docs/decisions/2026-11-30-json-reading.md`.

pub mod read;
