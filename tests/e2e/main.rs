//! Whole processes on loopback, as a user runs them.
//!
//! One binary, so that it links once. Each module is one story about a running server; what they
//! have in common is in the crate's library.

mod prometheus;
