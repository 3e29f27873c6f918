//! Which web pages of other origins may use the API from a browser: all, to read and to post.
//!
//! In: the headers of a request to the API. Out: headers for its answer, or the whole answer to a
//! preflight. `DELETE` is not among the methods, as upstream.

use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderValue, ORIGIN, VARY,
};
use http::{HeaderMap, Method, StatusCode};

use crate::answer::empty;

/// The answer to a preflight; `None` if the request is not a preflight.
pub(crate) fn preflight(method: &Method, headers: &HeaderMap) -> Option<Response> {
    if *method != Method::OPTIONS {
        return None;
    }
    let wanted = headers.get(ACCESS_CONTROL_REQUEST_METHOD).filter(|value| !value.is_empty())?;
    let mut response = empty(StatusCode::NO_CONTENT);
    let out = response.headers_mut();
    out.insert(VARY, HeaderValue::from_static(PREFLIGHT_VARY));
    let is_allowed = METHODS.iter().any(|method| wanted == method.as_str());
    let names = headers.get(ACCESS_CONTROL_REQUEST_HEADERS).filter(|value| !value.is_empty());
    if headers.contains_key(ORIGIN) && is_allowed && names.is_none_or(are_allowed) {
        out.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        out.insert(ACCESS_CONTROL_ALLOW_METHODS, wanted.clone());
        if let Some(names) = names {
            out.insert(ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
        }
    }
    Some(response)
}

/// Adds what every other answer of the API carries.
pub(crate) fn decorate(response: &mut Response, method: &Method, has_origin: bool) {
    let out = response.headers_mut();
    out.insert(VARY, HeaderValue::from_static("Origin"));
    if has_origin && (METHODS.contains(method) || *method == Method::OPTIONS) {
        out.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    }
}

/// Browsers send the names in lower case, sorted and without repetition; anything else is refused.
fn are_allowed(names: &HeaderValue) -> bool {
    let Ok(names) = names.to_str() else { return false };
    let mut known = HEADERS.iter();
    names.split(',').all(|name| {
        let name = name.strip_prefix([' ', '\t']).unwrap_or(name);
        let name = name.strip_suffix([' ', '\t']).unwrap_or(name);
        name.is_empty() || known.any(|header| *header == name)
    })
}

const METHODS: [Method; 3] = [Method::GET, Method::POST, Method::HEAD];
const HEADERS: [&str; 3] = ["accept", "content-type", "x-requested-with"];
const PREFLIGHT_VARY: &str =
    "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";

#[cfg(test)]
mod tests;
