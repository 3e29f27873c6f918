//! The webhook's conversation: one request, one answer.

use std::time::Duration;

use bellwether_model::{Outcome, Remembered};
use bytes::Bytes;

use crate::exchange::{Exchange, Step, accepted};
use crate::http::{Method, Request, RequestError, Response, UrlSource};

pub struct WebhookExchange {
    request: Request,
}

impl WebhookExchange {
    pub fn new(url: UrlSource, body: String, timeout: Option<Duration>) -> Self {
        let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        let body = Bytes::from(body);
        WebhookExchange { request: Request { method: Method::Post, url, headers, body, timeout } }
    }
}

impl Exchange for WebhookExchange {
    fn begin(&mut self) -> Step {
        Step::Send(self.request.clone())
    }

    fn receive(&mut self, answer: Result<Response, RequestError>) -> Step {
        Step::Done(match accepted("webhook", answer) {
            Ok(_) => Outcome::Delivered { remember: Remembered::default() },
            Err(outcome) => outcome,
        })
    }
}
