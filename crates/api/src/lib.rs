//! Alertmanager's HTTP API, version 2, and the pages next to it: health, readiness, metrics, reload.
//!
//! In: HTTP requests. Out: commands for the [`Backend`], and responses made from its [`View`]s.
//! [`router`] builds the service.
//!
//! Remote procedure calls below `/api/` and native gRPC pass through here too; [`bellwether_connect`]
//! answers them.
//!
//! This crate does not know gossip, the journal or the configuration file, and it puts no times on
//! alerts: what depends on the present is the engine's to decide.
//!
//! The modules stand in the order in which a request passes through them.
//!
//! [`View`]: bellwether_engine::View

mod heads;

mod limits;
mod paths;
mod router;
mod state;

mod pages;

mod rpc;
mod rpc_backend;

mod api;
mod body;
mod body_budget;
mod caller;
mod cors;
mod negotiate;
mod patterns;
mod query;
mod refusal;

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
mod kept_body;
mod receiver_test;
mod saved;

pub use alerts::{DecodedAlerts, InvalidAlert, decode_alerts};
pub use answer::ApiError;
pub use bellwether_connect::{
    ClusterState, ConnectSettings, Observation as RpcObservation, Procedure, VersionInfo,
};

pub use backend::{
    Answered, Backend, Check, ClusterInfo, DryRunRequest, Exposition, IntegrationTest, Observation,
    PeerInfo, Readiness, ReceiverTest, StatusInfo, TEST_ALERTS_MAX, TEST_TIMEOUT_MAX, TestResult,
    Unavailable,
};
pub use cors::CrossOrigin;
pub use heads::{TolerantListener, TolerantStream, answer_refusals};
pub use kept_body::KeptBody;
pub use refusal::{Refusal, RefusedRequest};
pub use router::router;
pub use saved::Saved;
pub use silences::{MatcherDraft, SilenceDraft, decode_silence};
pub use state::{ApiSettings, BODY_BYTES_MAX};
