//! Alertmanager's HTTP interface, version 2, and the pages beside it.
//!
//! In: HTTP requests. Out: commands for the backend behind the door, answers made from its [`View`]s.
//! [`router`] makes the service; who implements [`Backend`] decides what stands behind it.
//!
//! It knows nothing of gossip, of the journal, or of the configuration file, and it stamps no time
//! on alerts: whatever depends on the present is the engine's to decide.
//!
//! The modules stand in the order in which a request walks through them.
//!
//! [`View`]: bellwether_engine::View

mod targets;

mod limits;
mod paths;
mod router;

mod pages;

mod api;
mod cors;
mod negotiate;
mod query;

mod alerts;
mod datetime;
mod fields;
mod silences;
mod uri;

mod answer;
mod body_writer;
mod listing;

mod backend;
mod json;
mod receiver_test;

pub use alerts::{DecodedAlerts, InvalidAlert, decode_alerts};
pub use answer::ApiError;
pub use backend::{
    Backend, Check, ClusterInfo, ClusterState, Command, Exposition, Observation, PeerInfo,
    Readiness, StatusInfo, Unavailable, VersionInfo,
};
pub use receiver_test::{
    DryRunRequest, IntegrationTest, ReceiverTest, TEST_ALERTS_MAX, TEST_TIMEOUT_MAX, TestResult,
};
pub use router::{ApiSettings, BODY_BYTES_MAX, router};
pub use silences::{MatcherDraft, SilenceDraft, decode_silence};
pub use targets::{TolerantListener, TolerantStream};
