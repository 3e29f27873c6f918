//! What went wrong, where, and in whose words?
//!
//! The text is what Go's packages say for the same mistake, with template, line and column. What
//! Go does not have (limits) follows the same form.

use thiserror::Error;

/// A template that could not be parsed, escaped or rendered.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{text}")]
pub struct Error {
    pub kind: ErrorKind,
    /// The whole message, e.g. `template: a.tmpl:3:7: executing "x" at <.Y>: …`.
    pub text: String,
}

/// When it went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The text is not a template.
    Parse,
    /// The HTML around an action is ambiguous or broken.
    Escape,
    /// The template does not fit the data.
    Render,
    /// A limit was reached, at parsing or rendering.
    Limit,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }
}
