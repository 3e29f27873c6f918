//! Notes of the cluster layer, for the log.

use std::time::Duration;

use crate::cluster::failure::{JoinFailure, Refused};
use crate::cluster::status::Missing;
use crate::message::{Address, NodeName};

/// Something for the log. What is only counted is in [`Counters`](super::Counters).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterNote {
    PeerJoined {
        peer: NodeName,
        address: Address,
        /// How long it was away, if it was a member before and had failed or left.
        away: Option<Duration>,
    },
    /// It left gracefully, or it failed.
    PeerLost {
        peer: NodeName,
        address: Address,
        left: bool,
    },
    /// Another node uses the name of an alive node, perhaps of this one.
    NameConflict {
        peer: NodeName,
        known: Address,
        other: Address,
    },
    /// A join succeeded.
    Joined {
        address: Address,
        cause: JoinCause,
    },
    /// A join failed; it is retried.
    JoinFailed {
        /// The configured peer that this is, or the failed member that was here.
        peer: Option<String>,
        address: Address,
        cause: JoinCause,
        failure: JoinFailure,
        /// The error of the connection, where there was one.
        error: Option<String>,
        /// It is the first failure, the reason is another, or it was not said for long.
        news: bool,
    },
    /// The name of a configured peer does not resolve.
    NameUnresolved {
        name: String,
        error: Option<String>,
    },
    /// The cluster has settled, and configured peers are missing.
    Incomplete {
        members: usize,
        missing: Vec<Missing>,
    },
    /// The missing peers are there.
    Complete {
        members: usize,
    },
    /// The host of a peer has sent something that was refused.
    RefusedFromPeer {
        from: Address,
        why: Refused,
        error: String,
    },
    /// The name of a configured peer resolves to other addresses than before.
    NameResolved {
        name: String,
        addresses: Vec<Address>,
    },
    /// This node gives up rejoining a failed peer.
    PeerForgotten {
        address: Address,
        reason: Forgotten,
    },
    /// The node at the address closed the stream instead of acknowledging a ping: it is not
    /// `expected`, or it has another label.
    PingRejected {
        address: Address,
        expected: Option<NodeName>,
    },
    /// The node at the address belongs to a different cluster; nothing was merged.
    ForeignCluster {
        address: Address,
        /// It is the first time, or was not said for long.
        news: bool,
    },
    /// The wait for a settled cluster begins; `interval` is the time between polls.
    SettleStarted {
        interval: Duration,
    },
    SettlePoll {
        /// Polls before this one.
        polls: u32,
        before: usize,
        now: usize,
        elapsed: Duration,
        /// This poll counts towards the ones without a change.
        steady: bool,
    },
    Settled {
        elapsed: Duration,
    },
    SettleTimedOut {
        polls: u32,
        elapsed: Duration,
    },
    /// A message was dropped because too many bytes of its key wait for streams.
    OversizeDropped {
        key: String,
    },
    /// A batch of messages did not reach the peer; the next push-pull repairs that.
    OversizeFailed {
        key: String,
        peer: NodeName,
    },
    /// The full state was not provided in time, so a push-pull was aborted.
    StateMissing,
    /// Too many inbound push-pulls wait for the full state.
    ExchangeRefused {
        address: Address,
    },
    /// A user message or full state is not valid protobuf.
    Undecodable {
        from: Address,
    },
    /// A message was addressed to a peer that is not a member.
    PeerUnknown {
        peer: NodeName,
    },
    /// A note of the membership machine.
    Membership(crate::machine::MemberlistNote),
}

/// Why a peer was joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JoinCause {
    /// The first attempt after the start.
    Boot,
    /// The peer had failed.
    Reconnect,
    /// A name resolves to an address that is not a member.
    Refresh,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Forgotten {
    /// The reconnect timeout is over.
    TimedOut,
    /// No configured name resolves to its address any longer, and no node answers there.
    NoLongerNamed,
    /// Another node answers there: the address was reused.
    Recycled,
    /// The number of failed peers is limited.
    TooMany,
}
