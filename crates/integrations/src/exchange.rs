//! The requests of one attempt and the answers to them, without a socket.
//!
//! An [`Integration`] is one configured receiver; for each attempt to notify it about a group it
//! begins an [`Exchange`], which yields requests and takes their answers until it knows the
//! [`Outcome`]. Most receivers need one request ([`OneRequest`]); some search before they write, or
//! fetch a token.
//!
//! An exchange decides nothing about time: whether and when to retry is up to the engine. It only
//! says whether a retry makes sense.

use bellwether_model::Outcome;

use crate::aws::AwsCall;
use crate::http::{Request, RequestError, Response};
use crate::mail::Mail;
use crate::outcome::BeginError;
use crate::renderer::Renderer;

/// One configured way to notify one receiver.
pub trait Integration: Send + Sync {
    /// Prepares one attempt with the texts that `renderer` renders; the content is fixed here.
    ///
    /// May be called again for the same attempt, after [`BeginError::NeedsFile`].
    ///
    /// # Errors
    /// If there is nothing to send: see [`BeginError`]. The renderer's methods return it, `?` passes it on.
    fn begin(&self, renderer: &mut Renderer<'_>) -> Result<Box<dyn Exchange>, BeginError>;
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

/// The exchange of receivers that need one request: a plain function judges the answer.
pub struct OneRequest {
    request: Request,
    judge: fn(Result<Response, RequestError>) -> Outcome,
}

/// Why an integration cannot be built from its configuration; the configuration must be refused.
///
/// An invalid template is not such a reason: see [`Templates`](crate::templates::Templates).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildError {
    pub field: &'static str,
    pub reason: String,
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

impl std::fmt::Display for BuildError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.field, self.reason)
    }
}

impl std::error::Error for BuildError {}

#[cfg(test)]
mod tests {
    use super::BuildError;

    #[test]
    fn build_error_names_its_field() {
        let error = BuildError { field: "url", reason: "no host".into() };
        assert_eq!(error.to_string(), "url: no host");
    }
}
