//! The interface between the HTTP API and the rest of the server.
//!
//! The API reads a [`View`], hands in alerts and silences and waits for the reply, asks for the
//! status, and reports what it did as an [`Observation`]. Whether and how a reply becomes durable is
//! the backend's business.

mod receiver_test;

use std::fmt;
use std::future::Future;

use bellwether_connect::{ClusterState, VersionInfo};
use bellwether_engine::{
    AlertsReply, PostedSilence, RefusedAlerts, SilenceRefusal, UnknownSilence, View,
};
use bellwether_model::{NewAlert, Timestamp};
use bytes::Bytes;
use http::{Method, StatusCode};

use crate::refusal::RefusedRequest;
use crate::saved::Saved;

pub use receiver_test::{
    DryRunRequest, IntegrationTest, ReceiverTest, TEST_ALERTS_MAX, TEST_TIMEOUT_MAX, TestResult,
};

/// What the API needs from the server, which implements it.
pub trait Backend: Send + Sync + 'static {
    /// The wall clock, in the zone in which server-made times are shown.
    fn now(&self) -> Timestamp;

    /// The current state; an error if it cannot be read because the server is shutting down.
    fn view(&self) -> impl Future<Output = Result<View, Unavailable>> + Send;

    /// Takes one POST of alerts; others in it were `refused`, and are only counted.
    ///
    /// This and the next two resolve once what the reply promises is durable, or say that it is not.
    fn take_alerts(
        &self,
        alerts: Vec<NewAlert>,
        refused: RefusedAlerts,
    ) -> impl Future<Output = Result<Answered<AlertsReply>, Unavailable>> + Send;

    /// Creates or changes a silence; replies with the id under which it now stands.
    fn post_silence(
        &self,
        silence: PostedSilence,
    ) -> impl Future<Output = Result<Answered<Result<String, SilenceRefusal>>, Unavailable>> + Send;

    /// Expires the silence with this id now; one that has expired stays as it is.
    fn expire_silence(
        &self,
        id: String,
    ) -> impl Future<Output = Result<Answered<Result<(), UnknownSilence>>, Unavailable>> + Send;

    fn status(&self) -> StatusInfo;

    fn readiness(&self) -> Readiness;

    /// The metrics in the format that fits this `Accept` header best.
    fn metrics(&self, accept: Option<&str>) -> impl Future<Output = Exposition> + Send;

    /// Reloads the configuration; the error is a text for the operator.
    fn reload(&self) -> impl Future<Output = Result<(), String>> + Send;

    /// Sends a sample to a receiver of the current configuration, or shows the request that would be
    /// sent; the error says why nothing was attempted.
    fn test_receiver(
        &self,
        test: ReceiverTest,
    ) -> impl Future<Output = Result<Vec<IntegrationTest>, String>> + Send;

    /// Called for every event that a metric or log line is made of; must not block.
    fn observe(&self, observation: Observation);
}

/// A reply, and how far what it promises is saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered<T> {
    pub reply: T,
    pub saved: Saved,
}

/// Why the backend cannot answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// The server is shutting down.
    ShuttingDown,
    /// The change is not durable, and flags demand that it is.
    NotDurable,
}

/// What `/api/v2/status` shows.
#[derive(Clone, Debug)]
pub struct StatusInfo {
    pub started_at: Timestamp,
    pub version: VersionInfo,
    /// The effective configuration as YAML, with defaults, without secrets.
    pub config: String,
    pub cluster: ClusterInfo,
}

#[derive(Clone, Debug, Default)]
pub struct ClusterInfo {
    /// This member's name; empty without a cluster.
    pub name: String,
    pub state: ClusterState,
    /// Sorted by name.
    pub peers: Vec<PeerInfo>,
    /// A hash of the settings that determine this member's group keys.
    pub config: String,
}

#[derive(Clone, Debug)]
pub struct PeerInfo {
    pub name: String,
    pub address: String,
    /// The peer's hash of the same settings; only known of Bellwether peers.
    pub config: Option<String>,
}

/// Whether alerts and silences can be served and kept, check by check.
#[derive(Clone, Debug, Default)]
pub struct Readiness {
    pub checks: Vec<Check>,
}

#[derive(Clone, Debug)]
pub struct Check {
    pub name: &'static str,
    /// Why the check fails; `None` if it passes.
    pub problem: Option<String>,
    /// Information that does not affect readiness.
    pub remark: Option<String>,
}

/// The text of `/metrics`.
#[derive(Clone, Debug)]
pub struct Exposition {
    pub content_type: String,
    pub body: Bytes,
}

/// What the API reports, for metrics and logs.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// A request was answered; `handler`, `method` and `code` are the labels of the metrics.
    Request {
        handler: String,
        method: &'static str,
        code: u16,
        seconds: f64,
        /// Absent where upstream does not measure it, that is for the API.
        response_bytes: Option<u64>,
    },
    GetStarted,
    GetFinished,
    /// Limit: `--web.get-concurrency`.
    GetRejected,
    /// A body was not read to its end: it made no progress (`no_progress`), the request took too long
    /// (`timeout`), or the bodies of all requests took too much memory (`no_room`).
    BodyAbandoned {
        reason: &'static str,
    },
    /// The regular expressions of a request were refused: they are too large together (`too_large`), or
    /// those of other requests were being compiled for too long (`busy`).
    PatternsRefused {
        reason: &'static str,
    },
    /// A matcher parses differently in the classic and the UTF-8 syntax.
    MatcherWarning(String),
    /// Of a remote procedure call.
    Rpc(bellwether_connect::Observation),
    Refused(RefusedRequest),
    /// A request to version 1 of the API, which is gone; the path is decoded.
    OldApi {
        path: String,
        method: Method,
    },
}

impl Readiness {
    pub fn is_ready(&self) -> bool {
        self.checks.iter().all(|check| check.problem.is_none())
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unavailable::ShuttingDown => "the server is shutting down",
            Unavailable::NotDurable => {
                "the journal cannot be written, so the change would not survive a restart"
            }
        })
    }
}

impl Unavailable {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Unavailable::ShuttingDown => StatusCode::INTERNAL_SERVER_ERROR,
            Unavailable::NotDurable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}
