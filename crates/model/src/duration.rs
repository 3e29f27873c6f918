//! Lengths of time as text, in the two forms that configurations and command lines use.
//!
//! Prometheus: `1d12h`, whole numbers, units from years to milliseconds, never negative.
//! Go: `1h30m`, `-1.5h`, fractions, units from hours to nanoseconds, no days.
//! Both print as the programs print them that users compare with, errors included.

mod go;
mod prometheus;

use std::fmt;

pub use go::{format_go, parse_go};
pub use prometheus::{format_prometheus, parse_prometheus};

/// Why a text is not a duration; prints as the Go programs' errors do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DurationError {
    message: Box<str>,
}

impl DurationError {
    fn new(message: impl Into<Box<str>>) -> Self {
        DurationError { message: message.into() }
    }
}

impl std::error::Error for DurationError {}

impl fmt::Display for DurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests;
