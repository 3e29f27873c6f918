//! Requests one after the other, as long as each is accepted.

use crate::exchange::{Exchange, Step};
use crate::http::{Request, RequestError, Response};
use crate::outcome::{check_response, delivered};

/// What is still to be sent.
pub struct Sequence(std::vec::IntoIter<Request>);

impl Sequence {
    pub fn new(requests: Vec<Request>) -> Self {
        Sequence(requests.into_iter())
    }

    fn next(&mut self) -> Step {
        self.0.next().map_or_else(|| Step::Done(delivered()), Step::Send)
    }
}

impl Exchange for Sequence {
    fn begin(&mut self) -> Step {
        self.next()
    }

    fn receive(&mut self, answer: Result<Response, RequestError>) -> Step {
        match check_response("opsgenie", answer) {
            Ok(_) => self.next(),
            Err(outcome) => Step::Done(outcome),
        }
    }
}
