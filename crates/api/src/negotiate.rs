//! What a body claims to be, and what its sender wants to get.
//!
//! In: the `Content-Type` and `Accept` headers. Out: nothing, or the error of upstream's framework.
//! JSON is all there is, both ways.

use http::HeaderMap;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE};

use bellwether_model::quote::quoted;

use crate::answer::ApiError;

/// To be asked where there is a body.
pub(crate) fn check_content_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let value = headers.get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let value = value.as_deref().filter(|value| !value.is_empty());
    let value = value.unwrap_or("application/octet-stream");
    let media_type = media_type(value).map_err(|reason| {
        let shown = quoted(value);
        let message = format!("parsing Content-Type header from {shown} failed, because {reason}");
        ApiError::framework(400, message)
    })?;
    if media_type == "application/json" {
        return Ok(());
    }
    let shown = quoted(&media_type);
    let message = format!("unsupported media type {shown}, only [application/json] are allowed");
    Err(ApiError::framework(415, message))
}

/// For requests without a body; otherwise the answer has the type of the body.
pub(crate) fn check_accept(headers: &HeaderMap) -> Result<(), ApiError> {
    let mut ranges = headers.get_all(ACCEPT).iter().peekable();
    if ranges.peek().is_none() {
        return Ok(());
    }
    let takes_json = ranges.any(|value| {
        let value = String::from_utf8_lossy(value.as_bytes());
        value.split(',').any(|range| {
            let (name, weight) = weighted(range);
            weight > 0.0 && ["application/json", "application/*", "*/*"].contains(&name.as_str())
        })
    });
    if takes_json {
        return Ok(());
    }
    let message = "unsupported media type requested, only [application/json] are available";
    Err(ApiError::framework(406, message))
}

/// Whether the client reads gzip.
pub(crate) fn accepts_gzip(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT_ENCODING).iter().any(|value| {
        let value = String::from_utf8_lossy(value.as_bytes());
        value.split(',').map(weighted).any(|(name, weight)| name == "gzip" && weight > 0.0)
    })
}

/// `text/html;level=1;q=0.5` is `text/html` with weight 0.5.
fn weighted(range: &str) -> (String, f64) {
    let mut parts = range.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
    let weight = parts
        .find_map(|part| part.strip_prefix("q="))
        .map_or(1.0, |weight| weight.trim().parse().unwrap_or(0.0));
    (name, weight)
}

/// The part before the parameters, in lower case; the errors are those of Go's `mime`.
fn media_type(value: &str) -> Result<String, &'static str> {
    let (name, parameters) = value.split_once(';').unwrap_or((value, ""));
    let name = name.trim().to_ascii_lowercase();
    if name.is_empty() {
        return Err("mime: no media type");
    }
    match name.split_once('/') {
        None if is_token(&name) => {}
        None => return Err("mime: expected slash after first token"),
        Some((kind, _)) if !is_token(kind) => return Err("mime: expected slash after first token"),
        Some((_, "")) => return Err("mime: expected token after slash"),
        Some((_, kind)) if !is_token(kind) => {
            return Err("mime: unexpected content after media subtype");
        }
        Some(_) => {}
    }
    let is_parameter = |text: &str| {
        text.trim().split_once('=').is_some_and(|(name, value)| {
            let quoted = value.len() >= 2 && value.starts_with('"') && value.ends_with('"');
            is_token(name) && (quoted || is_token(value))
        })
    };
    // A lone semicolon at the end is forgiven.
    if parameters.trim().is_empty() || parameters.split(';').all(is_parameter) {
        Ok(name)
    } else {
        Err("mime: invalid media parameter")
    }
}

fn is_token(text: &str) -> bool {
    let is_special = |byte: u8| b"()<>@,;:\\\"/[]?=".contains(&byte);
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !is_special(byte))
}

#[cfg(test)]
mod tests;
