//! The house: decides what is true about each alert, who must be told, and when.
//!
//! In: [`Input`]s (alerts, silences, outcomes of deliveries, a new plan, the passing of time), each
//! with one reading of the clocks. Out: a [`Turn`]: records to keep, then effects to perform, and
//! notes about what happened. Reads go through an immutable [`View`].
//!
//! The modules stand in the order in which an alert walks through them: from `alerts` to `group` in
//! the turn that brought it, and from `flush` to `ledger` when its group is due.
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
mod view;

pub use engine::Engine;
pub use peers::{Peer, PeerSettings, PeerView, StatusBroadcast};
pub use plan::{GroupBy, InhibitRule, Integration, Plan, PlanParts, Receiver, RouteSpec, Timing};
pub use record::{GroupName, GroupRecord, Record, RecordError, wire};
pub use replicated::{LogEntry, LogKey, Notified, SilenceRecord};
pub use settings::EngineSettings;
pub use silences::{PostedSilence, SilenceRefusal};
pub use turn::{
    AlertsReply, Attempt, Channel, DeliveryId, Effect, FullState, Input, Note, RejectedAlert,
    Reply, Suppression, Ticket, Turn, UnknownSilence,
};
pub use view::{
    AlertCounts, AlertQuery, GroupQuery, GroupedAlert, ListedAlert, ListedGroup, ReceiverFilter,
    Status, View,
};
