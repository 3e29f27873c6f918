//! The few shapes that all answers have.
//!
//! Compat: upstream has two formats of errors. Its framework answers `{"code":…,"message":…}` without a
//! line end, and a code of 600 or more is sent as status 422. Its handlers answer with a bare JSON
//! string and a line end. Clients show either, so each error keeps its format.

use axum::body::Body;
use axum::response::Response;
use http::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{Method, StatusCode};

use bellwether_encoding::json::{Escape, push_string};

use crate::saved::Saved;

/// An error of an API request, in one of the two formats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiError {
    /// The request does not fit the interface: an HTTP status, or a validation code from 600 on.
    Framework { code: u16, message: String },
    /// The path is known, the method is not; these are.
    Method { method: Method, allowed: &'static str },
    /// The request fits, but cannot be done.
    Refused { status: StatusCode, message: String },
    /// The silence does not exist.
    NotFound,
}

impl ApiError {
    pub fn framework(code: u16, message: impl Into<String>) -> Self {
        ApiError::Framework { code, message: message.into() }
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        ApiError::Refused { status: StatusCode::BAD_REQUEST, message: message.into() }
    }

    pub fn internal(message: impl Into<String>) -> Self {
        ApiError::Refused { status: StatusCode::INTERNAL_SERVER_ERROR, message: message.into() }
    }

    pub fn into_response(self) -> Response {
        match self {
            ApiError::Framework { code, message } => framework(code, &message),
            ApiError::Method { method, allowed } => {
                let message = format!("method {method} is not allowed, but [{allowed}] are");
                let mut response = framework(405, &message);
                response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
                response
            }
            ApiError::Refused { status, message } => {
                let mut body = String::with_capacity(message.len() + 3);
                push_string(&mut body, &message, Escape::Plain);
                body.push('\n');
                json(status, body)
            }
            ApiError::NotFound => empty(StatusCode::NOT_FOUND),
        }
    }
}

fn framework(code: u16, message: &str) -> Response {
    let status = if code >= FIRST_VALIDATION_CODE {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    };
    let mut body = format!("{{\"code\":{code},\"message\":");
    push_string(&mut body, message, Escape::Html);
    body.push('}');
    json(status, body)
}

pub fn empty(status: StatusCode) -> Response {
    with_body(status, Body::empty())
}

pub fn json(status: StatusCode, body: String) -> Response {
    typed(status, JSON, body)
}

pub fn text(status: StatusCode, body: impl Into<Body>) -> Response {
    typed(status, "text/plain; charset=utf-8", body)
}

/// As Go's `http.Error` sends it.
pub fn text_error(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = text(status, body);
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

pub fn not_found() -> Response {
    text_error(StatusCode::NOT_FOUND, "404 page not found\n")
}

pub fn typed(status: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Response {
    with_header(with_body(status, body.into()), CONTENT_TYPE, content_type)
}

/// Says with a success how far it is saved, unless it is saved everywhere.
pub fn saved(mut response: Response, saved: Saved) -> Response {
    if !saved.is_complete()
        && let Ok(value) = HeaderValue::from_str(&saved.to_string())
    {
        response.headers_mut().insert(SAVED, value);
    }
    response
}

pub fn with_header(mut response: Response, name: HeaderName, value: &'static str) -> Response {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
    response
}

fn with_body(status: StatusCode, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}

pub const JSON: &str = "application/json";

const SAVED: HeaderName = HeaderName::from_static("x-bellwether-saved");

const FIRST_VALIDATION_CODE: u16 = 600;
