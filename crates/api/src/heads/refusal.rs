//! Requests that Go's server refuses before anyone sees them.

use std::fmt;

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use http::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, StatusCode};
use hyper::ext::ReasonPhrase;

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    Malformed,
    MissingHost,
    MalformedHost,
    InvalidFieldName,
    UnknownExpectation,
    TooLarge,
    UnknownEncoding,
    UnknownVersion,
}

impl Refusal {
    const ALL: [Refusal; 8] = [
        Refusal::Malformed,
        Refusal::MissingHost,
        Refusal::MalformedHost,
        Refusal::InvalidFieldName,
        Refusal::UnknownExpectation,
        Refusal::TooLarge,
        Refusal::UnknownEncoding,
        Refusal::UnknownVersion,
    ];

    /// The refusal that such a request carries.
    fn of(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(FIELD)?;
        Self::ALL.into_iter().find(|refusal| refusal.to_string().as_bytes() == value.as_bytes())
    }

    /// Status, what follows its usual words in the first line, and the body.
    fn answer(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Refusal::Malformed => (StatusCode::BAD_REQUEST, "", "400 Bad Request"),
            Refusal::MissingHost => (
                StatusCode::BAD_REQUEST,
                ": missing required Host header",
                "400 Bad Request: missing required Host header",
            ),
            Refusal::MalformedHost => (
                StatusCode::BAD_REQUEST,
                ": malformed Host header",
                "400 Bad Request: malformed Host header",
            ),
            Refusal::InvalidFieldName => (
                StatusCode::BAD_REQUEST,
                ": invalid header name",
                "400 Bad Request: invalid header name",
            ),
            Refusal::UnknownExpectation => (StatusCode::EXPECTATION_FAILED, "", ""),
            Refusal::TooLarge => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "",
                "431 Request Header Fields Too Large",
            ),
            Refusal::UnknownEncoding => {
                (StatusCode::NOT_IMPLEMENTED, "", "Unsupported transfer encoding")
            }
            Refusal::UnknownVersion => (
                StatusCode::HTTP_VERSION_NOT_SUPPORTED,
                ": unsupported protocol version",
                "505 HTTP Version Not Supported: unsupported protocol version",
            ),
        }
    }

    fn into_response(self) -> Response {
        let (status, more, body) = self.answer();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        if !body.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        }
        let words = status.canonical_reason().unwrap_or_default();
        if let Ok(reason) = ReasonPhrase::try_from(format!("{words}{more}")) {
            response.extensions_mut().insert(reason);
        }
        response
    }
}

/// As it travels to [`answer_refusals`].
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// The head of a request that is answered with the refusal.
pub fn request(refusal: Refusal) -> Vec<u8> {
    let head =
        format!("GET / HTTP/1.1\r\nhost: x\r\n{FIELD}: {refusal}\r\nconnection: close\r\n\r\n");
    head.into_bytes()
}

/// Responds to requests that were refused; to be the outermost layer.
pub fn answer_refusals(app: axum::Router) -> axum::Router {
    app.layer(from_fn(async |request: Request, next: Next| match Refusal::of(request.headers()) {
        Some(refusal) => refusal.into_response(),
        None => next.run(request).await,
    }))
}

/// Names a refusal; a client cannot send it.
pub const FIELD: &str = "x-bellwether-refusal";
