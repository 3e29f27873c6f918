//! The receiver test endpoint: checks that a receiver accepts notifications.
//!
//! In: the body of a POST. Out: one [`IntegrationTest`] for each integration. The backend sends the
//! sample with the same code as every notification; it does not enter the alerts, the groups or the
//! notification log.
//!
//! A client of this endpoint can make the server send messages to people, so an operator has to
//! enable it. No browser sends such a request for another site: JSON needs a preflight, and this
//! endpoint answers none.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::header::CACHE_CONTROL;
use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

use crate::answer::{ApiError, json, with_header};
use crate::backend::{Backend, IntegrationTest};
use crate::state::AppState;

mod wire;

/// Answers a POST of a test.
pub(crate) async fn answer<B: Backend>(
    state: &AppState<B>,
    headers: &HeaderMap,
    body: Body,
    deadline: Option<Instant>,
) -> Response {
    let tested = tested(state, headers, body, deadline).await;
    let response = match tested {
        Ok(tested) => json(StatusCode::OK, wire::answer(&tested)),
        Err(error) => error.into_response(),
    };
    with_header(response, CACHE_CONTROL, "no-store")
}

/// The test goes on if its client goes away; a second one is rejected until it has ended.
async fn tested<B: Backend>(
    state: &AppState<B>,
    headers: &HeaderMap,
    body: Body,
    deadline: Option<Instant>,
) -> Result<Vec<IntegrationTest>, ApiError> {
    if !state.settings.receiver_test {
        return Err(ApiError::framework(404, SWITCHED_OFF));
    }
    let reader = state.body_reader(TEST_BODY_BYTES_MAX, deadline);
    let body = reader.read(headers, body).await.map_err(|fault| state.refuse_body(fault))?;
    let test = wire::parse(&body.bytes).map_err(|reason| ApiError::framework(400, reason))?;
    let slot = Arc::clone(&state.test_slot).try_acquire_owned();
    let slot = slot.map_err(|_| ApiError::framework(429, BUSY))?;
    let backend = Arc::clone(&state.backend);
    let task = tokio::spawn(async move {
        let tested = backend.test_receiver(test).await;
        drop(slot);
        tested
    });
    let tested = task.await.map_err(|_| ApiError::framework(500, "the test has failed"))?;
    tested.map_err(|reason| ApiError::framework(400, reason))
}

const SWITCHED_OFF: &str =
    "receivers can be tested only if the server runs with --web.enable-receiver-test";

const BUSY: &str = "another receiver is being tested; try again when that has ended";

/// Limit: length of the body that asks for a test.
const TEST_BODY_BYTES_MAX: usize = 64 * 1024;

#[cfg(test)]
mod tests;
