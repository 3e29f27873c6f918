//! What goes into the machine, and what comes out of it.
//!
//! An [`Input`] is one thing that happened outside, an [`Output`] one that is to happen there.
//! Outputs are meant to be carried out in their order: the answer to a push-pull, for one, stands
//! before what follows from it, so that it says what was known before.
//!
//! **Streams.** The machine sees whole messages; to read and write them is the caller's. One that
//! a peer has opened has a [`InboundId`] that the caller chose; there is exactly one
//! [`Output::Reply`] or [`Output::Close`] for it, in the same turn. One that we open has a
//! [`StreamId`] that the machine chose; the caller owes exactly one [`Input::StreamReplied`] or
//! [`Input::StreamFailed`] for it.
//!
//! **The state of the layer above.** Wherever a [`StreamMessage::PushPull`] comes out, in
//! [`Output::OpenStream`] or [`Output::Reply`], its `user_state` is empty: the layer above puts
//! its own in before the message is written. What peers sent there comes out as
//! [`MembershipEvent::RemoteState`].

use std::time::Duration;

use bytes::Bytes;

use super::settings::NodeMeta;
use super::time::Mono;
use crate::message::{Address, NodeName, StreamMessage};
use crate::wire::WireError;

/// One thing that happened outside the machine.
#[derive(Clone, Debug)]
pub enum Input {
    Datagram {
        /// Where it came from, as the socket says.
        from: Address,
        /// As it came, label and all.
        bytes: Bytes,
    },
    /// A whole message, on a stream that a peer has opened.
    StreamOpened { inbound: InboundId, from: Address, message: StreamMessage },
    /// The answer on a stream that we have opened.
    StreamReplied { stream: StreamId, reply: StreamMessage },
    /// A stream that we have opened came to nothing: not reached, cut off, too late, nonsense.
    /// The layer above also says so if it does not want the answer merged.
    StreamFailed { stream: StreamId },
    /// A datagram could not be sent for a reason that lies beyond our own machine.
    Unreachable { to: Address },
    /// Compare all with whoever is_gossip_target there; ends with [`MembershipEvent::JoinEnded`].
    Join(Address),
    /// Tell all members, bit by bit: news of the layer above.
    Broadcast(Bytes),
    /// Tell one node, once, by datagram. Nothing says whether it arrives.
    Send { to: Address, body: Bytes },
    /// Ask a member for a sign of life; [`MembershipEvent::LivenessConfirmed`] follows if there is one.
    CheckLiveness(NodeName),
    /// From now on we say this about ourselves.
    SetMeta(NodeMeta),
    /// Say farewell; ends with [`MembershipEvent::LeaveDone`]. There is no way back.
    Leave,
    /// Nothing but the passing of time.
    Tick,
}

/// A stream that a peer has opened; chosen by the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InboundId(pub u64);

/// A stream that we open; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u64);

/// One thing that is to happen outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    SendDatagram {
        to: Address,
        bytes: Vec<u8>,
    },
    /// Open a stream, write the label and this message, and read the answer.
    OpenStream {
        stream: StreamId,
        to: Address,
        /// A push-pull, to which the layer above adds its state, or a ping.
        message: StreamMessage,
        /// After this the answer has no more worth.
        deadline: Mono,
    },
    /// Write this, without a label, and close.
    Reply {
        inbound: InboundId,
        message: StreamMessage,
    },
    /// Close without a word.
    Close {
        inbound: InboundId,
    },
    Event(MembershipEvent),
    Note(MemberlistNote),
}

/// Something that the layer above acts upon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MembershipEvent {
    /// A node is a member from now on. Comes for ourselves first of all.
    Join { node: NodeName, address: Address },
    /// It is none any more: dead, or gone of its own will. Suspects still are members.
    Leave { node: NodeName, address: Address, graceful: bool },
    /// It says something new about itself.
    Update { node: NodeName },
    /// Two nodes claim one name. The first one keeps it.
    Conflict { node: NodeName, address: Address, claimed: Address },
    /// Broadcasts of a peer's layer above.
    UserMessage { from: Address, via: DatagramOrStream, body: Bytes },
    /// All that a peer's layer above knows; never empty.
    RemoteState { from: Address, join: bool, body: Bytes },
    /// A peer answered a ping directly and in time.
    PingRtt { node: NodeName, rtt: Duration },
    /// Somebody said that this node is alive, which is known or becomes so; ourselves included,
    /// once, at the start.
    AliveSeen { node: NodeName },
    /// A member gave the sign of life that [`Input::Ask`] request for.
    LivenessConfirmed { node: NodeName },
    /// What became of an [`Input::Join`].
    JoinEnded { address: Address, outcome: JoinOutcome },
    /// Our farewell has gone out as often as it should, or the time for it is over.
    LeaveDone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatagramOrStream {
    Datagram,
    Stream,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinOutcome {
    Merged,
    /// Not reached, or no push-pull came back.
    Failed,
    /// What came back is not compatible with what we know, or of another cluster.
    Refused(Refusal),
}

/// Why a push-pull was not merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Some node of theirs or ours speaks a version that another cannot.
    Versions,
    /// The [member_filter](super::MemberFilter) does not admit a node of theirs.
    Cluster,
}

/// Something worth a log line or a metric; nothing that must be acted upon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberlistNote {
    /// A datagram or a part of one was not understood.
    Undecodable {
        from: Address,
        error: WireError,
    },
    /// A ping for another node reached us: an address has changed hands, or a name.
    Misdirected {
        from: Address,
        wanted: NodeName,
    },
    /// A message that has no business on a stream, or none as an answer to ours.
    UnexpectedOnStream {
        from: Address,
    },
    /// Said of a node that cannot be: its versions are missing or contradict each other.
    BadVersions {
        node: NodeName,
        address: Address,
    },
    /// Records of a push-pull that nobody could act upon.
    RecordsSkipped {
        from: Address,
        count: usize,
    },
    /// The member_filter does not admit the node.
    ForeignNode {
        node: NodeName,
        address: Address,
    },
    /// A push-pull was not merged.
    MergeRefused {
        from: Address,
        refusal: Refusal,
    },
    /// A push-pull that we began came to nothing.
    PushPullFailed {
        to: Address,
    },
    /// [`Limits::nodes_max`](super::Limits::nodes_max) is reached.
    NodesFull {
        refused: NodeName,
    },
    /// [`Limits::relays_max`](super::Limits::relays_max) is reached.
    RelaysFull {
        from: Address,
    },
    /// [`Limits::user_queue_max`](super::Limits::user_queue_max) is reached; so many were dropped.
    QueuePruned {
        count: usize,
    },
    /// Broadcasts that fit into no datagram were not taken.
    MessageTooLarge {
        bytes: usize,
    },
    /// A peer answered neither us nor those whom we request.
    ProbeFailed {
        node: NodeName,
    },
    /// Only a stream reaches the peer: does something block datagrams?
    DatagramsBlocked {
        node: NodeName,
    },
    Suspected {
        node: NodeName,
        by: NodeName,
    },
    /// A suspect did not refute in time.
    Failed {
        node: NodeName,
        confirmations: u32,
    },
    /// Others said that we are gone, or not what we are, and were contradicted.
    Refuted {
        incarnation: u32,
        by: Option<NodeName>,
    },
    /// A node that had left or died came back at another address.
    Moved {
        node: NodeName,
        from: Address,
        to: Address,
    },
    /// We were not called for so long that what we waited for proves nothing; all waits are
    /// prolonged.
    Paused {
        by: Duration,
    },
}
