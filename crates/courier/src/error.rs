//! Why a client cannot be built, and constructors for errors of requests.

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

pub(crate) fn denied(detail: impl Into<String>) -> RequestError {
    RequestError::Denied(detail.into())
}

/// The failure of what was a part of `step`.
pub(crate) fn within(step: &str, error: RequestError) -> RequestError {
    match error {
        RequestError::Transport(detail) => transport(format!("{step}: {detail}")),
        RequestError::Denied(detail) => denied(format!("{step}: {detail}")),
        other @ (RequestError::TimedOut(_)
        | RequestError::DeadlinePassed
        | RequestError::Unusable(_)) => other,
    }
}

pub(crate) fn unusable(detail: impl Into<String>) -> RequestError {
    RequestError::Unusable(detail.into())
}

/// Rejects a reference to a secret manager: there is none, nor has the Go Alertmanager one.
pub(crate) fn reject_secret_ref(field: &str, value: &str) -> Result<(), BuildError> {
    if value.is_empty() {
        return Ok(());
    }
    let reason = "cannot use secret ref without manager";
    Err(BuildError::Unsupported { field: field.to_owned(), reason })
}
