//! What happened in the cluster layer that somebody may want to read in a log.

use std::time::Duration;

use crate::message::{Address, NodeName};

/// A happening. What only needs counting is in [`Counters`](super::Counters).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterNote {
    PeerJoined {
        peer: NodeName,
        address: Address,
    },
    /// It left, or nothing was heard of it for too long.
    PeerLost {
        peer: NodeName,
        address: Address,
        left: bool,
    },
    /// Somebody else uses the name of a node that is alive, perhaps ours.
    NameConflict {
        peer: NodeName,
        known: Address,
        other: Address,
    },
    /// Somebody was reached who was not a member.
    Joined {
        address: Address,
        cause: JoinCause,
    },
    /// It is tried again.
    JoinFailed {
        address: Address,
        cause: JoinCause,
    },
    /// A name of a configured peer stands for no address at present.
    NameUnresolved {
        name: String,
    },
    /// A name of a configured peer stands for other addresses than before.
    NameResolved {
        name: String,
        addresses: Vec<Address>,
    },
    /// A peer that failed is not looked for any longer.
    PeerForgotten {
        address: Address,
        reason: Forgotten,
    },
    /// Who listens at that address closes the stream when we knock: it is not `expected`, or it
    /// has another label.
    PingRejected {
        address: Address,
        expected: Option<NodeName>,
    },
    /// Who answers at that address belongs to another cluster; nothing of it was taken over.
    ForeignCluster {
        address: Address,
    },
    /// The wait for a settled cluster begins; polls are so far apart.
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
    /// A message of that key was dropped, since too much waits for streams.
    OversizeDropped {
        key: String,
    },
    /// A row of messages did not reach that peer; the next push-pull brings its content.
    OversizeFailed {
        key: String,
        peer: NodeName,
    },
    /// No state came from above in time, so a push-pull was given up.
    StateMissing,
    /// Too many peers want the full state at once.
    ExchangeRefused {
        address: Address,
    },
    /// A message or a full state that is no protobuf of ours.
    Undecodable {
        from: Address,
    },
    /// Somebody we do not know was to be told something.
    PeerUnknown {
        peer: NodeName,
    },
    /// Something odd in the protocol.
    Membership(crate::machine::MemberlistNote),
}

/// Why a peer was joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JoinCause {
    /// For the first time.
    Boot,
    /// It had failed.
    Reconnect,
    /// A name stands for an address that is no member.
    Refresh,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Forgotten {
    /// Nothing was heard of it for the whole reconnect timeout.
    TimedOut,
    /// No configured name stands for its address any longer, and nobody answers there.
    NoLongerNamed,
    /// Somebody else answers there: the address was given to another node.
    Recycled,
    /// More peers have failed than are remembered.
    TooMany,
}
