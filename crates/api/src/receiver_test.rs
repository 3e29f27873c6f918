//! What is asked, and answered, when an operator wants to know whether a receiver can be told.
//!
//! In: a [`ReceiverTest`], also as the body of a POST. Out: one [`IntegrationTest`] for each integration. The
//! sample is told by the same code as every notification; nothing of it enters the alerts, the
//! groups or the notification log.
//!
//! Who may ask may make this server send messages to people, so an operator has to allow it. No
//! browser asks for another site: JSON needs a preflight, and none is answered here.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bellwether_model::Outcome;
use http::header::CACHE_CONTROL;
use http::{HeaderMap, StatusCode};

use crate::answer::{ApiError, json, with_header};
use crate::api::read_body;
use crate::backend::Backend;
use crate::router::AppState;

mod wire;

/// Answers a POST of a test.
pub(crate) async fn answer<B: Backend>(
    state: &AppState<B>,
    headers: &HeaderMap,
    body: Body,
) -> Response {
    let tested = tested(state, headers, body).await;
    let response = match tested {
        Ok(tested) => json(StatusCode::OK, wire::answer(&tested)),
        Err(error) => error.into_response(),
    };
    with_header(response, CACHE_CONTROL, "no-store")
}

/// The test goes on if its client goes away; until it has ended there is no other one.
async fn tested<B: Backend>(
    state: &AppState<B>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Vec<IntegrationTest>, ApiError> {
    if !state.settings.receiver_test {
        return Err(ApiError::framework(404, SWITCHED_OFF));
    }
    let body = read_body(headers, body, TEST_BODY_BYTES_MAX).await?;
    let test = wire::parse(&body).map_err(|reason| ApiError::framework(400, reason))?;
    let place = Arc::clone(&state.test_slot).try_acquire_owned();
    let place = place.map_err(|_| ApiError::framework(429, BUSY))?;
    let backend = Arc::clone(&state.backend);
    let told = tokio::spawn(async move {
        let tested = backend.test_receiver(test).await;
        drop(place);
        tested
    });
    let tested = told.await.map_err(|_| ApiError::framework(500, "the test has failed"))?;
    tested.map_err(|reason| ApiError::framework(400, reason))
}

const SWITCHED_OFF: &str =
    "receivers can be tested only if the server runs with --web.enable-receiver-test";

const BUSY: &str = "another receiver is being tested; try again when that has ended";

/// A wish to tell a sample to a receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverTest {
    pub receiver: String,
    /// As in logs: `slack[0]`. Empty: all of the receiver's.
    pub integration: String,
    /// Whether all alerts of the sample are resolved; they fire otherwise.
    pub resolved: bool,
    /// In addition to those that every sample has, or instead; so are the annotations.
    pub labels: Vec<(String, String)>,
    pub annotations: Vec<(String, String)>,
    /// How many alerts the sample has: from 1 to [`TEST_ALERTS_MAX`].
    pub alerts: usize,
    /// Whether requests are shown instead of sent.
    pub dry_run: bool,
    /// Limit: time for one integration, up to [`TEST_TIMEOUT_MAX`].
    pub timeout: Duration,
}

/// What came of it at one integration.
#[derive(Clone, Debug, PartialEq)]
pub struct IntegrationTest {
    /// `slack[0]`
    pub integration: String,
    pub result: TestResult,
    /// Fields whose template failed, and why; something plain stands in their place.
    pub template_faults: Vec<(String, String)>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum TestResult {
    /// It was told, or there was no way to tell it.
    Attempted(Outcome),
    /// It would be sent this.
    DryRun(DryRunRequest),
    /// It is not told about resolved alerts.
    Skipped,
}

/// The first request to an integration, fit to be seen: no URL, and `<secret>` for each secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DryRunRequest {
    /// `POST`, or `MAIL` for a mail.
    pub method: &'static str,
    /// For a mail its envelope.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl IntegrationTest {
    /// Whether it would be told, or has been, or need not be.
    pub fn is_ok(&self) -> bool {
        match &self.result {
            TestResult::Attempted(outcome) => matches!(outcome, Outcome::Delivered { .. }),
            TestResult::DryRun(_) | TestResult::Skipped => true,
        }
    }
}

impl Default for ReceiverTest {
    fn default() -> Self {
        ReceiverTest {
            receiver: String::new(),
            integration: String::new(),
            resolved: false,
            labels: Vec::new(),
            annotations: Vec::new(),
            alerts: 1,
            dry_run: false,
            timeout: Duration::from_secs(10),
        }
    }
}

/// Limit: alerts of one sample.
pub const TEST_ALERTS_MAX: usize = 1000;
/// Limit: length of the body that asks for a test.
const TEST_BODY_BYTES_MAX: usize = 64 * 1024;
/// Limit: time for one integration.
pub const TEST_TIMEOUT_MAX: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
