//! Why a client cannot be built, and how a failed request is told without telling secrets.

use std::error::Error;

use bellwether_integrations::http::RequestError;

/// Why a client cannot be built from its configuration; the configuration must be refused.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("unable to read {what} {path}: {source}")]
    Unreadable { what: &'static str, path: String, source: std::io::Error },
    /// The text is there, but is not what it should be.
    #[error("unable to use {what}: {reason}")]
    Unusable { what: String, reason: String },
    /// A field that is fine by itself, but asks for what this build cannot do.
    #[error("{field} is not possible here: {reason}")]
    Unsupported { field: String, reason: &'static str },
}

impl BuildError {
    pub(crate) fn unusable(what: impl Into<String>, reason: impl ToString) -> Self {
        BuildError::Unusable { what: what.into(), reason: reason.to_string() }
    }
}

pub(crate) fn transport(detail: impl Into<String>) -> RequestError {
    RequestError::Transport(detail.into())
}

pub(crate) fn unusable(detail: impl Into<String>) -> RequestError {
    RequestError::Unusable(detail.into())
}

/// The error and what caused it, in one line and without the URL.
///
/// Each cause's text is added only if the one before does not contain it already.
pub(crate) fn described(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}
