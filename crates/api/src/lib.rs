//! The front door: Alertmanager's HTTP interface, version 2, and the pages beside it.
//!
//! In: HTTP requests. Out: commands for the house behind the door, answers made from its [`View`]s.
//! [`router`] makes the service; who implements [`House`] decides what stands behind it.
//!
//! It knows nothing of gossip, of the journal, or of the configuration file, and it stamps no time
//! on alerts: whatever depends on the present is the engine's to decide.
//!
//! The modules stand in the order in which a request walks through them.
//!
//! [`View`]: bellwether_engine::View

mod targets;

mod door;
mod gate;
mod paths;

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
mod listing;
mod outflow;

mod house;
mod json;
mod receiver_test;

pub use alerts::{Inbox, Refusal, decode_alerts};
pub use answer::ApiError;
pub use door::{BODY_BYTES_MAX, Settings, router};
pub use house::{
    Check, ClusterInfo, ClusterState, Command, Exposition, House, Observation, PeerInfo, Readiness,
    StatusInfo, Unavailable, VersionInfo,
};
pub use receiver_test::{
    ReceiverTest, ShownRequest, TEST_ALERTS_MAX, TEST_TIMEOUT_MAX, TestResult, Tested,
};
pub use silences::{MatcherDraft, SilenceDraft, decode_silence};
pub use targets::{Tolerant, TolerantStream};
