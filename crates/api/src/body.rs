//! Reading the body of a request.
//!
//! In: headers and a body. Out: its bytes, or the error for a body that is too long or does not
//! claim to be JSON.

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http::HeaderMap;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::answer::ApiError;
use crate::negotiate::check_content_type;

/// Reads the body within its limit, if it claims to be JSON.
pub(crate) async fn read_body(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
) -> Result<Bytes, ApiError> {
    let too_large = || ApiError::framework(413, format!("body is larger than {limit} bytes"));
    let announced = body.size_hint().exact();
    if announced == Some(0) {
        return Ok(Bytes::new());
    }
    if announced.is_some() {
        check_content_type(headers)?;
    }
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    match Limited::new(body, limit).collect().await {
        Ok(collected) => {
            let bytes = collected.to_bytes();
            if !bytes.is_empty() {
                check_content_type(headers)?;
            }
            Ok(bytes)
        }
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        // The client is most probably gone and does not read this.
        Err(error) => Err(ApiError::framework(400, format!("the body ended early: {error}"))),
    }
}
