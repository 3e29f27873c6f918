//! The backend as seen from its front door.
//!
//! Everything that the HTTP front needs from the rest of the program, and nothing more: it reads a
//! [`View`], hands in a [`Command`] and waits for the answer, asks how things are, and reports what
//! it did. Whether an answer had to become durable, and how, is not known here.

use std::fmt;
use std::future::Future;

use bellwether_engine::{Answer, PostedSilence, View};
use bellwether_model::{NewAlert, Timestamp};
use bytes::Bytes;

use crate::receiver_test::{IntegrationTest, ReceiverTest};

/// What stands behind the doors; implemented by the server.
pub trait Backend: Send + Sync + 'static {
    /// The wall clock, in the zone in which server-made times are shown.
    fn now(&self) -> Timestamp;

    /// What is true now; an error if nothing can be read, because the program is ending.
    fn view(&self) -> impl Future<Output = Result<View, Unavailable>> + Send;

    /// Resolves once what the answer promises is durable.
    fn command(&self, command: Command)
    -> impl Future<Output = Result<Answer, Unavailable>> + Send;

    fn status(&self) -> StatusInfo;

    fn readiness(&self) -> Readiness;

    /// The metrics in the format that fits this `Accept` header best.
    fn metrics(&self, accept: Option<&str>) -> impl Future<Output = Exposition> + Send;

    /// Reads the configuration again; the error is what the operator is told.
    fn reload(&self) -> impl Future<Output = Result<(), String>> + Send;

    /// Tells a sample to a receiver of the configuration in force, or shows what it would be told;
    /// the error says why nothing was tried.
    fn test_receiver(
        &self,
        test: ReceiverTest,
    ) -> impl Future<Output = Result<Vec<IntegrationTest>, String>> + Send;

    /// Called for every happening that a metric or log line is made of; must not block.
    fn observe(&self, observation: Observation);
}

/// Something that a client wants to be changed.
#[derive(Debug)]
pub enum Command {
    /// One POST of alerts; `refused` more were in it, and are only to be counted.
    Alerts {
        alerts: Vec<NewAlert>,
        refused: usize,
    },
    PostSilence(PostedSilence),
    ExpireSilence(String),
}

/// Why the backend does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// The program is ending.
    ShuttingDown,
    /// The store cannot keep what was asked for.
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
pub struct VersionInfo {
    pub branch: String,
    pub build_date: String,
    pub build_user: String,
    pub go_version: String,
    pub revision: String,
    pub version: String,
}

#[derive(Clone, Debug, Default)]
pub struct ClusterInfo {
    /// This member's name; empty if it is alone.
    pub name: String,
    pub state: ClusterState,
    /// Sorted by name.
    pub peers: Vec<PeerInfo>,
    /// A hash of what decides this member's group keys.
    pub config: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClusterState {
    #[default]
    Disabled,
    Settling,
    Ready,
}

#[derive(Clone, Debug)]
pub struct PeerInfo {
    pub name: String,
    pub address: String,
    /// The peer's hash of what decides its group keys; only known of servers like this one.
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
    /// What is missing; `None` if all is well.
    pub problem: Option<String>,
    /// What should be known, though it is no reason not to be ready.
    pub remark: Option<String>,
}

/// The text of `/metrics`.
#[derive(Clone, Debug)]
pub struct Exposition {
    pub content_type: String,
    pub body: Bytes,
}

/// Something that happened at the door.
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
    /// A matcher was read in a way that its author may not have meant.
    MatcherWarning(String),
}

impl Readiness {
    pub fn is_ready(&self) -> bool {
        self.checks.iter().all(|check| check.problem.is_none())
    }
}

impl ClusterState {
    pub fn text(self) -> &'static str {
        match self {
            ClusterState::Disabled => "disabled",
            ClusterState::Settling => "settling",
            ClusterState::Ready => "ready",
        }
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unavailable::ShuttingDown => "the server is shutting down",
            Unavailable::NotDurable => "the store cannot be written, so nothing can be promised",
        })
    }
}
