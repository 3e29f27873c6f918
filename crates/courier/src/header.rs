//! Header values that hold secrets.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bellwether_integrations::http::RequestError;
use http::header::HeaderValue;

use crate::error::unusable;

/// The value of `Authorization` for a user and a password.
pub fn basic(username: &str, password: &str) -> Result<HeaderValue, RequestError> {
    secret_value(&format!("Basic {}", STANDARD.encode(format!("{username}:{password}"))))
}

/// A header's value that is kept out of logs and compression tables.
pub fn secret_value(text: &str) -> Result<HeaderValue, RequestError> {
    let mut value = HeaderValue::from_bytes(text.as_bytes())
        .map_err(|_| unusable("a credential or header contains what a header cannot carry"))?;
    value.set_sensitive(true);
    Ok(value)
}
