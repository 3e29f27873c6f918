//! Remote procedure calls over HTTP: the status of the server, gRPC health checks and gRPC reflection,
//! in the protocols Connect, gRPC and gRPC-Web.
//!
//! In: a path below the place where the procedures are mounted, and an HTTP request. Out: the response,
//! and [`Observation`]s. [`Connect::answer`] is the entrance.
//!
//! This crate does not know alerts, silences, routes or listeners. What the status shows comes from its
//! [`Backend`].
//!
//! Compat: answers, texts of errors and the order of checks are those of connect-go, which the Go
//! Alertmanager uses; `tests/golden` holds what it answered.
//!
//! The modules stand in the order in which a request passes through them.

mod connect;
mod procedure;
mod settings;

mod admission;
mod budget;
mod shared;

mod media_type;
mod negotiation;
mod protocol;
mod query;
mod timeout;

mod envelope;
mod gzip;
mod received;

mod json;
mod messages;

mod descriptors;
mod health;
mod reflection;
mod status;

mod stream;
mod unary;

mod answers;
mod piece;

mod error;

mod backend;

pub use backend::{Backend, Observation};
pub use connect::Connect;
pub use media_type::is_grpc;
pub use procedure::Procedure;
pub use settings::ConnectSettings;
pub use status::{ClusterState, Peer, Status, VersionInfo};
