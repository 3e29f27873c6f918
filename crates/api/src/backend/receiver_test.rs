//! The data types of a receiver test: what is requested, and the result of each integration.

use std::time::Duration;

use bellwether_model::Outcome;

/// A request to send a sample to a receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverTest {
    pub receiver: String,
    /// As in logs: `slack[0]`. Empty: all integrations of the receiver.
    pub integration: String,
    /// Whether all alerts of the sample are resolved; they fire otherwise.
    pub resolved: bool,
    /// Added to the labels of every sample, or in their place; so are the annotations.
    pub labels: Vec<(String, String)>,
    pub annotations: Vec<(String, String)>,
    /// How many alerts the sample has: from 1 to [`TEST_ALERTS_MAX`].
    pub alerts: usize,
    /// Whether requests are shown instead of sent.
    pub dry_run: bool,
    /// Limit: time for one integration, up to [`TEST_TIMEOUT_MAX`].
    pub timeout: Duration,
}

/// The result for one integration.
#[derive(Clone, Debug, PartialEq)]
pub struct IntegrationTest {
    /// `slack[0]`
    pub integration: String,
    pub result: TestResult,
    /// Fields whose template failed, and why; a plain-text fallback is used in their place.
    pub template_faults: Vec<(String, String)>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum TestResult {
    /// The notification was attempted, with this outcome.
    Attempted(Outcome),
    /// Dry run: this request would be sent.
    DryRun(DryRunRequest),
    /// The integration does not send resolved alerts.
    Skipped,
}

/// The first request to an integration, redacted: no URL, and `<secret>` for each secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DryRunRequest {
    /// `POST`, or `MAIL` for a mail.
    pub method: &'static str,
    /// For a mail its envelope.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl IntegrationTest {
    /// Whether the attempt succeeded, or there was no need for one.
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
/// Limit: time for one integration.
pub const TEST_TIMEOUT_MAX: Duration = Duration::from_secs(60);
