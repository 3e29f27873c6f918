//! HTTP as the integrations see it: what is configured, what is asked, and what came back.
//!
//! These are descriptions only. The courier turns [`HttpConfig`] into a client, reads the files
//! that it names at each use, and performs one [`Request`] at a time.

use std::time::Duration;

use bellwether_model::Secret;
use bytes::Bytes;

mod config;

pub use config::{
    Authorization, BasicAuth, Header, HttpConfig, OAuth2, ProxyConfig, TlsConfig, TlsVersion,
};

/// One request, complete but for what [`HttpConfig`] adds. `Debug` shows neither the values of
/// headers nor the body: most receivers want their credential in one of them.
#[derive(Clone)]
pub struct Request {
    pub method: Method,
    /// Where it goes. A receiver's URL is its credential, hence a secret.
    pub url: Secret,
    /// In order; names as they go on the wire.
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
    /// Beyond the delivery's own deadline: how long this one request may take.
    pub timeout: Option<Duration>,
}

impl Request {
    /// A POST of a JSON text.
    pub fn post_json(url: Secret, body: impl Into<Bytes>) -> Self {
        let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        Request { method: Method::Post, url, headers, body: body.into(), timeout: None }
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// With a limit of its own; zero means none beyond the delivery's deadline.
    #[must_use]
    pub fn timeout(self, limit: Duration) -> Self {
        Request { timeout: (!limit.is_zero()).then_some(limit), ..self }
    }
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Request { method, url, headers, body, timeout } = self;
        let headers: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Request")
            .field("method", method)
            .field("url", url)
            .field("headers", &headers)
            .field("body_bytes", &body.len())
            .field("timeout", timeout)
            .finish()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Put,
    Delete,
}

/// What a receiver answered.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub content_type: Option<String>,
    /// How long the receiver asked to wait (`Retry-After`).
    pub retry_after: Option<Duration>,
    /// At most [`RESPONSE_BODY_MAX_BYTES`]; the rest was not read.
    pub body: Bytes,
}

/// Why there is no [`Response`]. The texts do not contain secrets: URLs appear as `<redacted>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestError {
    /// Connection, TLS, proxy or protocol failed, no token was given, or a file with a credential
    /// or certificate could not be read: another try may fare better.
    Transport(String),
    /// The request's own timeout passed.
    TimedOut(Duration),
    /// The delivery's deadline passed.
    DeadlinePassed,
    /// There is no usable URL, or a header's text is invalid: nothing was sent, and nothing will be
    /// before an operator acts.
    Unusable(String),
    /// The operator does not allow connections to this address: nothing was sent.
    Denied(String),
}

/// Limit: what is kept of an answer; enough for any receiver's error text.
pub const RESPONSE_BODY_MAX_BYTES: usize = 64 * 1024;
