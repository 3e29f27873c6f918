//! What goes into the engine and what comes out of it.
//!
//! An [`Input`] is one thing that happened outside. A [`Turn`] is everything that follows from it,
//! in three lists: records to make durable, effects to perform after that, and notes for logs and
//! metrics. The shell reuses one turn for all inputs.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bellwether_model::{
    Alert, FailureReason, GroupKey, IntegrationId, LabelSet, Mono, NewAlert, Notification, Outcome,
    Reason, Remembered, Silence, Timestamp,
};
use bytes::Bytes;

use crate::flush::sort_as_shown;
use crate::mute::{Selection, Suppression};
use crate::peers::{NotCorrected, Peer, StatusRefusal};
use crate::plan::Plan;
use crate::record::{Record, wire};
use crate::silences::{PostedSilence, SilenceRefusal};

/// One thing that happened outside the engine.
#[derive(Debug)]
pub enum Input {
    /// One POST of alerts. The API has checked them, except for what depends on the time.
    Alerts {
        alerts: Vec<NewAlert>,
        /// Others of the same POST, which the API refused.
        refused: RefusedAlerts,
        ticket: Ticket,
    },
    /// Create a silence, or change the one whose id is given.
    PostSilence {
        silence: PostedSilence,
        ticket: Ticket,
    },
    ExpireSilence {
        id: String,
        ticket: Ticket,
    },
    /// The outcome of an [`Effect::Attempt`]; exactly one for each.
    Outcome {
        delivery: DeliveryId,
        outcome: Outcome,
    },
    /// Records that a peer sent: messages, each preceded by its length.
    PeerRecords {
        channel: Channel,
        data: Vec<u8>,
    },
    /// Another Bellwether node's status; see [`crate::StatusBroadcast`].
    StatusBroadcast {
        /// Where it came from, as the socket reports it; IPv4 in its 4-byte form.
        from: IpAddr,
        data: Vec<u8>,
    },
    /// All other members of the cluster.
    Peers(Vec<Peer>),
    /// A peer answered [`Effect::CheckLiveness`].
    PeerAlive {
        peer: String,
    },
    /// The cluster has settled, or the time allowed for that is over: deliveries may begin.
    Settled,
    /// A peer requests all silences and log entries; answered by [`Reply::FullState`].
    FullStateRequested {
        ticket: Ticket,
    },
    /// A new configuration takes effect.
    Plan(Arc<Plan>),
    /// Nothing but the passing of time.
    Tick,
}

/// Which kind of records peers exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    Silences,
    NotificationLog,
}

/// Names the caller that waits for a [`Reply`]; chosen by the shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// One batch on its way to one integration; never reused while the process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId(pub u64);

/// Everything that follows from one input.
///
/// Durability: an effect may be performed only once every record of `keep` is on disk.
#[derive(Debug, Default)]
pub struct Turn {
    pub keep: Vec<Record>,
    pub after: Vec<Effect>,
    pub notes: Vec<Note>,
}

#[derive(Debug)]
pub enum Effect {
    Reply(Reply),
    Attempt(Attempt),
    /// Send a record to all peers, as a message preceded by its length.
    Broadcast {
        channel: Channel,
        data: Vec<u8>,
    },
    /// Pass on to all peers what one of them sent, since it changed something here.
    Forward {
        channel: Channel,
        data: Vec<u8>,
    },
    /// Check whether a peer is alive, by every transport at once.
    CheckLiveness {
        peer: String,
    },
    /// Send this node's status to one peer.
    SendStatus {
        peer: String,
        data: Vec<u8>,
    },
}

/// Try once to notify an integration.
#[derive(Debug)]
pub struct Attempt {
    pub delivery: DeliveryId,
    pub integration: IntegrationId,
    pub(crate) draft: Draft,
    /// The outcome must be known by then; otherwise the attempt has timed out.
    pub deadline: Mono,
    /// 1 for the first.
    pub number: u32,
}

/// A notification whose alerts are still to be picked from their group and to be sorted.
#[derive(Debug)]
pub(crate) struct Draft {
    pub group_key: GroupKey,
    pub group_labels: LabelSet,
    pub route_labels: LabelSet,
    pub reason: Reason,
    pub now: Timestamp,
    pub alerts: Selection,
    pub remembered: Remembered,
}

impl Attempt {
    pub fn group_key(&self) -> &GroupKey {
        &self.draft.group_key
    }

    pub fn reason(&self) -> Reason {
        self.draft.reason
    }

    /// How many alerts the notification has.
    pub fn alert_count(&self) -> usize {
        self.draft.alerts.count()
    }

    /// What the integration is to be notified of. For a large group this takes long (some 50 ms for
    /// 20,000 alerts), hence not in a turn.
    pub fn notification(&self) -> Notification {
        let Draft { group_key, group_labels, route_labels, reason, now, alerts, remembered } =
            &self.draft;
        let mut alerts: Vec<Arc<Alert>> = alerts.iter().cloned().collect();
        sort_as_shown(&mut alerts, |alert| alert);
        Notification {
            integration: self.integration.clone(),
            group_key: group_key.clone(),
            group_labels: group_labels.clone(),
            route_labels: route_labels.clone(),
            reason: *reason,
            now: *now,
            alerts,
            remembered: remembered.clone(),
        }
    }
}

/// The reply to an input that somebody waits for, with the ticket of that input.
#[derive(Debug)]
pub enum Reply {
    Alerts {
        ticket: Ticket,
        reply: AlertsReply,
    },
    /// The id under which the silence now stands, or why it was refused.
    PostSilence {
        ticket: Ticket,
        reply: Result<String, SilenceRefusal>,
    },
    ExpireSilence {
        ticket: Ticket,
        reply: Result<(), UnknownSilence>,
    },
    FullState {
        ticket: Ticket,
        state: FullState,
    },
}

/// The alerts that are not listed were taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertsReply {
    pub rejected: Vec<RejectedAlert>,
}

/// There is no silence with this id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownSilence;

/// All records of each channel, as messages, each preceded by its length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FullState {
    pub silences: Vec<u8>,
    pub notification_log: Bytes,
}

/// Alerts that the API refused because they are not valid; they are only counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RefusedAlerts {
    pub firing: usize,
    /// Those that had ended on arrival.
    pub resolved: usize,
}

/// An alert whose times contradict each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedAlert {
    /// Position in [`Input::Alerts`].
    pub position: usize,
    pub message: &'static str,
}

/// Something worth a log line or a metric; the shell has one table that says which.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    AlertsReceived {
        firing: usize,
        resolved: usize,
        invalid: usize,
    },
    /// An alert counts as firing although its end is past, since its sender has shown that its
    /// clock is late by at least as much; see `alerts::lateness`.
    SenderClockLate {
        alertname: String,
        by: Duration,
        /// Limit: every ten minutes one is logged.
        is_logged: bool,
    },
    /// An alert was dropped because too many active alerts have its name.
    AlertLimitReached {
        alertname: String,
    },
    /// A group was not created for an alert because there are too many.
    GroupLimitReached {
        route: String,
        alertname: String,
        groups: usize,
        limit: usize,
    },
    GroupOpened {
        key: GroupKey,
        groups: usize,
    },
    GroupClosed {
        key: GroupKey,
        groups: usize,
    },
    FlushOpened {
        key: GroupKey,
        firing: usize,
        resolved: usize,
    },
    /// Alerts of a flush that are suppressed, by the first cause that applies.
    Suppressed {
        cause: Suppression,
        alerts: usize,
    },
    /// Nothing to notify: the notification log already says so.
    NothingToNotify {
        key: GroupKey,
        integration: IntegrationId,
    },
    /// There is something to notify, but peers with an earlier position go first.
    WaitingForPeers {
        key: GroupKey,
        integration: IntegrationId,
        wait: Duration,
    },
    /// There is something to notify, and a peer is already trying to.
    DeferredToPeer {
        key: GroupKey,
        integration: IntegrationId,
    },
    /// A peer sent records; `changed` of them were new to this node.
    RecordsMerged {
        channel: Channel,
        changed: usize,
    },
    /// A peer sent an invalid record.
    RecordsRejected {
        channel: Channel,
        why: String,
    },
    /// A peer with an earlier position does not answer; this node no longer waits for it.
    PeerUnresponsive {
        peer: String,
    },
    PeerResponsive {
        peer: String,
    },
    /// A peer's wall clock differs from this node's.
    ClockDiffers {
        peer: String,
        ahead_seconds: f64,
    },
    ClockAgrees {
        peer: String,
    },
    /// This node's wall clock is off by `off_seconds`, as most of the cluster says, and is set back
    /// from now on; 0 and 0: no longer.
    ClockCorrected {
        by_seconds: f64,
        off_seconds: f64,
    },
    /// This node's wall clock is off, as most of the cluster says, and is used as it is. Said once for
    /// each reason.
    ClockNotCorrected {
        off_seconds: f64,
        why: NotCorrected,
    },
    /// A status broadcast was not taken.
    StatusRefused {
        /// The member that it names; may be anything.
        peer: String,
        from: IpAddr,
        why: StatusRefusal,
    },
    /// A status broadcast had more claims than are remembered.
    ClaimsRefused {
        peer: String,
        count: usize,
    },
    /// This process was called so much too late; it hears its peers before it notifies.
    HeldUp {
        by: Duration,
    },
    Settled,
    AttemptStarted {
        key: GroupKey,
        integration: IntegrationId,
        number: u32,
        reason: Reason,
    },
    AttemptFailed {
        key: GroupKey,
        integration: IntegrationId,
        number: u32,
        reason: FailureReason,
        detail: String,
        /// Whether another attempt may follow.
        retry: bool,
        /// Whether it may be repeated, and failed in another way than the attempt before.
        is_news: bool,
    },
    Delivered {
        key: GroupKey,
        integration: IntegrationId,
        attempts: u32,
        reason: Reason,
    },
    /// A delivery ended without success; its group tries again at the next interval.
    DeliveryFailed {
        key: GroupKey,
        integration: IntegrationId,
        attempts: u32,
        /// Of the last attempt.
        alerts: usize,
        reason: FailureReason,
        detail: String,
        cause: GiveUpCause,
    },
    SilenceCreated {
        silence: Arc<Silence>,
        /// The silence that this one replaces, as it has expired now.
        replaced: Option<Arc<Silence>>,
    },
    SilenceUpdated {
        silence: Arc<Silence>,
    },
    SilenceExpired {
        silence: Arc<Silence>,
    },
    /// Limit: a silence mutes nothing, since its regular expressions are too large.
    SilenceNotInForce {
        silence: Arc<Silence>,
    },
    PlanApplied {
        groups: usize,
        kept: usize,
    },
    Collected {
        alerts: usize,
        silences: usize,
        log_entries: usize,
    },
}

/// Why a delivery is not tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GiveUpCause {
    /// The receiver refused the notification, so that no retry can succeed.
    Refused,
    /// There is no time left for another attempt.
    DeadlineReached,
}

impl Turn {
    pub fn clear(&mut self) {
        self.keep.clear();
        self.after.clear();
        self.notes.clear();
    }

    /// Sends one record to all peers.
    pub(crate) fn broadcast(&mut self, channel: Channel, message: &[u8]) {
        let mut data = Vec::with_capacity(message.len() + LENGTH_BYTES_MAX);
        wire::append_message(&mut data, message);
        self.after.push(Effect::Broadcast { channel, data });
    }

    pub(crate) fn reply(&mut self, reply: Reply) {
        self.after.push(Effect::Reply(reply));
    }
}

/// What the length before a message takes.
const LENGTH_BYTES_MAX: usize = 5;
