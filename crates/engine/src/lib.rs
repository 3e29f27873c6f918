//! The engine: decides the state of each alert, which receivers must be notified, and when.
//!
//! In: [`Input`]s (alerts, silences, outcomes of deliveries, a new plan, the passing of time), each
//! with one reading of the clocks. Out: a [`Turn`]: records to keep, then effects to perform, and
//! notes about what happened. Reads go through an immutable [`View`].
//!
//! An alert passes through `alerts`, `inhibition`, `route` and `group` in the turn that reports it,
//! and through `flush`, `mute`, `deduplication`, `deliveries` and `notification_log` when its group
//! is due.
//!
//! It knows no YAML, no templates, no HTTP, no peers' addresses, and it has no clock, socket, file,
//! thread or hidden randomness: equal seed, plan and inputs give equal turns.
//!
//! Invariant: memory changes only in [`Engine::handle`] and [`Engine::restore`], and effects depend
//! only on records of the same or an earlier turn, so "keep, then perform" loses nothing.

mod plan;
mod settings;
mod turn;

mod alerts;
mod group;
mod inhibition;
mod route;

mod deduplication;
mod deliveries;
mod flush;
mod mute;
mod notification_log;
mod silences;

mod peers;

mod engine;
mod index;
mod record;
mod replicated;
mod rng;
mod silence_index;
mod silence_programs;
mod view;

pub use engine::{Engine, LiveRecords};
pub use mute::Suppression;
pub use peers::{NotCorrected, Peer, PeerSettings, PeerView, StatusBroadcast, StatusRefusal};
pub use plan::{GroupBy, InhibitRule, Integration, Plan, PlanParts, Receiver, RouteSpec, Timing};
pub use record::{GroupName, GroupRecord, Record, RecordError, wire};
pub use replicated::{LogEntry, LogKey, Notified, SilenceRecord};
pub use settings::EngineSettings;
pub use silence_programs::NotInForce;
pub use silences::{PostedSilence, SilenceRefusal};
pub use turn::{
    AlertsReply, Attempt, Channel, DeliveryId, Effect, FullState, GiveUpCause, Input, Note,
    RefusedAlerts, RejectedAlert, Reply, Ticket, Turn, UnknownSilence,
};
pub use view::{
    AlertCounts, AlertQuery, GroupQuery, GroupedAlert, ListedAlert, ListedGroup, ReceiverFilter,
    Status, View,
};
