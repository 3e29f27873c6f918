//! The conversation with a receiver, without a socket: what is asked, and what the answers mean.
//!
//! An [`Integration`] is one configured receiver; for each attempt to tell it about a group it
//! begins an [`Exchange`], which yields requests and takes their answers until it knows the
//! [`Outcome`]. Most receivers need one request ([`OneRequest`]); some search before they write, or
//! fetch a token.
//!
//! An exchange decides nothing about time: whether and when to try again is the engine's question.
//! It only says whether another try makes sense.

use bellwether_model::duration::format_go;
use bellwether_model::{FailureReason, Outcome, Remembered};

use crate::aws::AwsCall;
use crate::http::{Request, RequestError, Response};
use crate::mail::Mail;
use crate::renderer::Renderer;

/// One configured way of telling one receiver.
pub trait Integration: Send + Sync {
    /// Prepares one attempt with the texts that `renderer` renders; what is said is fixed here.
    ///
    /// May be called again for the same attempt, after [`BeginError::NeedsFile`].
    ///
    /// # Errors
    /// If there is nothing to send: see [`BeginError`]. The renderer's methods return it, `?` passes it on.
    fn begin(&self, renderer: &mut Renderer<'_>) -> Result<Box<dyn Exchange>, BeginError>;
}

/// Why an attempt has not begun.
#[derive(Clone, Debug, PartialEq)]
pub enum BeginError {
    /// The caller is to read this file, hand it to the renderer, and begin again.
    NeedsFile(String),
    /// The attempt is over before it began: it was refused, or there was nothing to do.
    Ended(Outcome),
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
    /// The answer is the mail server's last reply.
    Mail(Box<Mail>),
    Aws(Box<AwsCall>),
    Done(Outcome),
}

/// The exchange of receivers that need one request: what the answer means says a plain function.
pub struct OneRequest {
    request: Request,
    judge: fn(Result<Response, RequestError>) -> Outcome,
}

/// Why an integration cannot be built from its configuration; the configuration must be refused.
///
/// A text that is no template is no such reason: see [`Templates`](crate::templates::Templates).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildError {
    pub field: &'static str,
    pub reason: String,
}

impl BeginError {
    /// The same request would be refused again; `detail` says why, for the log.
    pub fn refused(detail: impl Into<String>) -> Self {
        let reason = FailureReason::Other;
        BeginError::Ended(Outcome::Refused { reason, detail: detail.into() })
    }
}

impl From<Outcome> for BeginError {
    fn from(outcome: Outcome) -> Self {
        BeginError::Ended(outcome)
    }
}

impl OneRequest {
    pub fn exchange(
        request: Request,
        judge: fn(Result<Response, RequestError>) -> Outcome,
    ) -> Box<dyn Exchange> {
        Box::new(OneRequest { request, judge })
    }
}

impl Exchange for OneRequest {
    fn begin(&mut self) -> Step {
        Step::Send(self.request.clone())
    }

    fn receive(&mut self, answer: Result<Response, RequestError>) -> Step {
        Step::Done((self.judge)(answer))
    }
}

/// The outcome of having told, with nothing to remember.
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
    /// Statuses that are worth another try, beside 429 and those of server errors.
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

impl std::fmt::Display for BuildError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.field, self.reason)
    }
}

impl std::error::Error for BuildError {}

#[cfg(test)]
mod tests;
