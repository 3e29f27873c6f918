//! What an answer means: delivered, worth another try, or refused.
//!
//! In: a [`Response`] or [`RequestError`]. Out: the [`Outcome`] of the attempt, or of what kept it
//! from beginning ([`BeginError`]). The rules that most receivers share are here; what differs is
//! in [`ResponseRules`].

use bellwether_model::duration::format_go;
use bellwether_model::{FailureReason, Outcome, Remembered};

use crate::http::{RequestError, Response};

/// Why an attempt has not begun.
#[derive(Clone, Debug, PartialEq)]
pub enum BeginError {
    /// The caller is to read this file, hand it to the renderer, and begin again.
    NeedsFile(String),
    /// A file cannot be read. Compat: worth another try, since secrets are rotated by replacing
    /// files; see docs/compat.md#secret-files.
    File(String),
    /// A template failed without which nothing can be sent.
    Template(String),
    /// The attempt is over before it began: it was refused, or there was nothing to do.
    Ended(Outcome),
}

impl BeginError {
    /// The same request would be refused again; `detail` says why, for the log.
    pub fn refused(detail: impl Into<String>) -> Self {
        let reason = FailureReason::Other;
        BeginError::Ended(Outcome::Refused { reason, detail: detail.into() })
    }

    /// With the reasons `fileReadError` and `templateError`, where `other` is said of most receivers.
    #[must_use]
    pub fn classified(self) -> Self {
        match self {
            BeginError::File(detail) => retry(FailureReason::FileReadError, detail).into(),
            BeginError::Template(detail) => {
                Outcome::Refused { reason: FailureReason::TemplateError, detail }.into()
            }
            other @ (BeginError::NeedsFile(_) | BeginError::Ended(_)) => other,
        }
    }

    /// With this before the text of a failed template, or an unreadable file.
    #[must_use]
    pub fn said(self, before: &str) -> Self {
        match self {
            BeginError::File(detail) => BeginError::File(format!("{before}: {detail}")),
            BeginError::Template(detail) => BeginError::Template(format!("{before}: {detail}")),
            other @ (BeginError::NeedsFile(_) | BeginError::Ended(_)) => other,
        }
    }

    /// What the attempt came to.
    ///
    /// # Errors
    /// With the path of the file that is to be read instead.
    pub fn outcome(self) -> Result<Outcome, String> {
        match self {
            BeginError::NeedsFile(path) => Err(path),
            BeginError::File(detail) => Ok(retry(FailureReason::Other, detail)),
            BeginError::Template(detail) => {
                Ok(Outcome::Refused { reason: FailureReason::Other, detail })
            }
            BeginError::Ended(outcome) => Ok(outcome),
        }
    }
}

impl From<Outcome> for BeginError {
    fn from(outcome: Outcome) -> Self {
        BeginError::Ended(outcome)
    }
}

/// Delivered, with nothing to remember.
pub fn delivered() -> Outcome {
    Outcome::Delivered { remember: Remembered::default() }
}

/// The rule that most receivers share: 2xx is a success, everything else an outcome.
///
/// Server errors and failed transports are worth another try. `kind` names the integration in the
/// text about its own timeout.
///
/// Compat: `429` is retried too, after the time that the receiver names; see
/// docs/compat.md#rate-limit.
pub fn check_response(
    kind: &str,
    answer: Result<Response, RequestError>,
) -> Result<Response, Outcome> {
    check_response_with(kind, answer, &ResponseRules::default())
}

/// What is particular about a receiver's answers.
pub struct ResponseRules {
    /// Statuses that are worth another try, in addition to 429 and those of server errors.
    pub retry: &'static [u16],
    /// What a failure's answer says; empty if nothing.
    pub detail: fn(&Response) -> String,
}

impl Default for ResponseRules {
    fn default() -> Self {
        ResponseRules { retry: &[], detail: |response| body_excerpt(&response.body) }
    }
}

/// [`check_response`] for a receiver with rules of its own.
pub fn check_response_with(
    kind: &str,
    answer: Result<Response, RequestError>,
    rules: &ResponseRules,
) -> Result<Response, Outcome> {
    let error = match answer {
        Ok(response) if response.status / 100 == 2 => return Ok(response),
        Ok(response) => return Err(refusal(&response, rules)),
        Err(error) => error,
    };
    Err(match error {
        RequestError::Transport(detail) => retry(FailureReason::Other, detail),
        RequestError::TimedOut(after) => retry(
            FailureReason::Other,
            format!(
                "context deadline exceeded: configured {kind} timeout reached ({})",
                format_go(i64::try_from(after.as_nanos()).unwrap_or(i64::MAX))
            ),
        ),
        RequestError::DeadlinePassed => {
            let detail = "context deadline exceeded".to_owned();
            retry(FailureReason::ContextDeadlineExceeded, detail)
        }
        RequestError::Unusable(detail) => Outcome::Refused { reason: FailureReason::Other, detail },
        RequestError::Denied(detail) => {
            Outcome::Refused { reason: FailureReason::AddressDenied, detail }
        }
    })
}

/// The failure reason that a status stands for.
pub fn failure_reason(status: u16) -> FailureReason {
    match status {
        401 | 403 => FailureReason::AuthError,
        429 => FailureReason::RateLimited,
        400..=499 => FailureReason::ClientError,
        500..=599 => FailureReason::ServerError,
        _ => FailureReason::Other,
    }
}

fn refusal(response: &Response, rules: &ResponseRules) -> Outcome {
    let status = response.status;
    let reason = failure_reason(status);
    let detail = match (rules.detail)(response) {
        body if body.is_empty() => format!("unexpected status code {status}"),
        body => format!("unexpected status code {status}: {body}"),
    };
    match status {
        429 | 500..=599 => Outcome::Retry { after: response.retry_after, reason, detail },
        other if rules.retry.contains(&other) => {
            Outcome::Retry { after: response.retry_after, reason, detail }
        }
        _ => Outcome::Refused { reason, detail },
    }
}

fn retry(reason: FailureReason, detail: String) -> Outcome {
    Outcome::Retry { after: None, reason, detail }
}

/// The beginning of a body, as text.
pub fn body_excerpt(body: &[u8]) -> String {
    let kept = &body[..body.len().min(EXCERPT_BYTES_MAX)];
    let mut text = String::from_utf8_lossy(kept).into_owned();
    if kept.len() < body.len() {
        text.push('…');
    }
    text
}

/// Limit: what a failure's text shows of the answer's body; it ends in a log line.
pub const EXCERPT_BYTES_MAX: usize = 2048;

#[cfg(test)]
mod tests;
