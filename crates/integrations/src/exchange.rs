//! The conversation with a receiver, without a socket: what is asked, and what the answers mean.
//!
//! An [`Integration`] is one configured receiver; for each attempt to tell it about a group it
//! begins an [`Exchange`], which yields requests and takes their answers until it knows the
//! [`Outcome`]. Most receivers need one request; some search before they write, or fetch a token.
//!
//! An exchange decides nothing about time: whether and when to try again is the engine's question.
//! It only says whether another try makes sense.

use bellwether_model::duration::format_go;
use bellwether_model::{FailureReason, Notification, Outcome};

use crate::http::{Request, RequestError, Response};

/// One configured way of telling one receiver.
pub trait Integration: Send + Sync {
    /// Prepares one attempt; what is said is fixed here.
    fn begin(&self, notification: &Notification) -> Box<dyn Exchange>;
}

/// One attempt: [`Exchange::begin`] once, then [`Exchange::receive`] for every request sent.
pub trait Exchange: Send {
    fn begin(&mut self) -> Step;
    fn receive(&mut self, answer: Result<Response, RequestError>) -> Step;
}

/// What to do next.
#[derive(Debug)]
pub enum Step {
    Send(Request),
    Done(Outcome),
}

/// Why an integration cannot be built from its configuration; the configuration must be refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BuildError {
    /// The field's text contains template actions, or is templated as a whole.
    NeedsTemplates { field: &'static str },
}

/// The rule that most receivers share: 2xx is a success, everything else an outcome.
///
/// Server errors and failed transports are worth another try. `kind` names the integration in the
/// text about its own timeout.
///
/// Compat: `429` is retried too, after the time that the receiver names; see
/// docs/compat.md#rate-limit.
pub fn accepted(kind: &str, answer: Result<Response, RequestError>) -> Result<Response, Outcome> {
    let error = match answer {
        Ok(response) if response.status / 100 == 2 => return Ok(response),
        Ok(response) => return Err(refusal(&response)),
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
    })
}

/// The failure reason that a status stands for.
pub fn status_reason(status: u16) -> FailureReason {
    match status {
        401 | 403 => FailureReason::AuthError,
        429 => FailureReason::RateLimited,
        400..=499 => FailureReason::ClientError,
        500..=599 => FailureReason::ServerError,
        _ => FailureReason::Other,
    }
}

fn refusal(response: &Response) -> Outcome {
    let status = response.status;
    let reason = status_reason(status);
    let detail = match excerpt(&response.body) {
        body if body.is_empty() => format!("unexpected status code {status}"),
        body => format!("unexpected status code {status}: {body}"),
    };
    match status {
        429 | 500..=599 => Outcome::Retry { after: response.retry_after, reason, detail },
        _ => Outcome::Refused { reason, detail },
    }
}

fn retry(reason: FailureReason, detail: String) -> Outcome {
    Outcome::Retry { after: None, reason, detail }
}

/// The beginning of a body, as text.
fn excerpt(body: &[u8]) -> String {
    let kept = &body[..body.len().min(EXCERPT_BYTES_MAX)];
    let mut text = String::from_utf8_lossy(kept).into_owned();
    if kept.len() < body.len() {
        text.push('…');
    }
    text
}

/// Limit: what a failure's text shows of the answer's body; it ends in a log line.
pub const EXCERPT_BYTES_MAX: usize = 2048;

impl std::fmt::Display for BuildError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            BuildError::NeedsTemplates { field } => {
                write!(f, "{field} needs the template language, which this build does not have")
            }
        }
    }
}

impl std::error::Error for BuildError {}

#[cfg(test)]
mod tests;
