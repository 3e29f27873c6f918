//! Inputs and outputs of the membership machine.
//!
//! Outputs are performed in order: the reply to a push-pull, for example, comes before what follows
//! from the push-pull, so that it holds the state from before.
//!
//! **Streams.** The machine handles whole messages; the caller reads and writes them. A stream that a
//! peer opened has an [`InboundId`], chosen by the caller; exactly one [`Output::Reply`] or
//! [`Output::Close`] for it comes in the same turn. A stream that this node opens has a [`StreamId`],
//! chosen by the machine; the caller gives back exactly one [`Input::StreamReplied`] or
//! [`Input::StreamFailed`] for it.
//!
//! **User state.** A [`StreamMessage::PushPull`] in [`Output::OpenStream`] or [`Output::Reply`] has an
//! empty `user_state`: the layer above adds its own before the message is written. A peer's user state
//! comes out as [`MembershipEvent::RemoteState`].

use std::collections::BTreeSet;
use std::net::IpAddr;
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
        /// Where answers go: the address that the socket reports, or the sender under TLS.
        from: Address,
        /// The address that the socket reports.
        source: IpAddr,
        /// Including the label.
        bytes: Bytes,
    },
    /// A peer opened a stream and sent this message.
    StreamOpened { inbound: InboundId, from: Address, message: StreamMessage },
    /// The reply on a stream that this node opened.
    StreamReplied { stream: StreamId, reply: StreamMessage },
    /// A stream that this node opened failed: unreachable, cut off, too late or malformed. The layer
    /// above also uses it for a reply that must not be merged.
    StreamFailed { stream: StreamId },
    /// A datagram could not be sent, for a reason outside this host.
    Unreachable { to: Address },
    /// Push-pull with the node at this address; ends with [`MembershipEvent::JoinEnded`].
    Join(Address),
    /// Gossip a user message to all members.
    Broadcast(Bytes),
    /// Send a user message to one node, once, by datagram; delivery is not confirmed.
    Send { to: Address, body: Bytes },
    /// Check whether a member is alive; [`MembershipEvent::LivenessConfirmed`] follows if so.
    CheckLiveness(NodeName),
    /// Members may be at these addresses even if there are as many as may be, one at each.
    Expect(BTreeSet<Address>),
    /// Replace this node's metadata.
    SetMeta(NodeMeta),
    /// Leave the cluster; ends with [`MembershipEvent::LeaveDone`]. It cannot be undone.
    Leave,
    /// Nothing but the passing of time.
    Tick,
}

/// Identifies a stream that a peer opened; chosen by the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InboundId(pub u64);

/// Identifies a stream that this node opens; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u64);

/// One thing that is to happen outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    SendDatagram {
        to: Address,
        bytes: Vec<u8>,
    },
    /// Open a stream, write the label and this message, and read the reply.
    OpenStream {
        stream: StreamId,
        to: Address,
        /// A push-pull, to which the layer above adds its state, or a ping.
        message: StreamMessage,
        /// A later reply is of no use.
        deadline: Mono,
    },
    /// Write this, without a label, and close.
    Reply {
        inbound: InboundId,
        message: StreamMessage,
    },
    /// Close without a reply.
    Close {
        inbound: InboundId,
    },
    Event(MembershipEvent),
    Note(MemberlistNote),
}

/// Something that the layer above acts upon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MembershipEvent {
    /// A node became a member; the first one is this node.
    Join { node: NodeName, address: Address },
    /// A node is no longer a member: it failed, or left gracefully. Suspects are still members.
    Leave { node: NodeName, address: Address, graceful: bool },
    /// The metadata of a member changed.
    Update { node: NodeName },
    /// Two nodes claim the same name; the first one keeps it.
    Conflict { node: NodeName, address: Address, claimed: Address },
    /// A user message from a peer; `from` has the IP address that the socket reports.
    UserMessage { from: Address, via: DatagramOrStream, body: Bytes },
    /// The user state of a push-pull; never empty.
    RemoteState { from: Address, join: bool, body: Bytes },
    /// A peer acknowledged a probe directly and in time.
    PingRtt { node: NodeName, rtt: Duration },
    /// An alive message about a known or new node was received; once, at the start, also for this
    /// node.
    AliveSeen { node: NodeName },
    /// The member of an [`Input::CheckLiveness`] is alive.
    LivenessConfirmed { node: NodeName },
    /// The outcome of an [`Input::Join`].
    JoinEnded { address: Address, outcome: JoinOutcome },
    /// The leave has been broadcast, or its time is over.
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
    /// Unreachable, or there was no push-pull reply.
    Failed,
    /// The reply is incompatible, or from a different cluster.
    Refused(Refusal),
}

/// Why a push-pull was not merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A node uses a protocol version that another node does not support.
    Versions,
    /// The [`MemberFilter`](super::MemberFilter) does not admit one of its nodes.
    Cluster,
}

/// Something for logs and metrics; nothing depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberlistNote {
    /// A datagram or a part of one could not be decoded.
    Undecodable {
        from: Address,
        error: WireError,
    },
    /// A ping for another node arrived: an address or a name was reused.
    Misdirected {
        from: Address,
        wanted: NodeName,
    },
    /// A message type that is not allowed on a stream, or not as a reply.
    UnexpectedOnStream {
        from: Address,
    },
    /// An alive message has missing or contradictory versions.
    BadVersions {
        node: NodeName,
        address: Address,
    },
    /// A push-pull had unusable node records.
    RecordsSkipped {
        from: Address,
        count: usize,
    },
    /// The [`MemberFilter`](super::MemberFilter) does not admit the node.
    ForeignNode {
        node: NodeName,
        address: Address,
    },
    /// A push-pull was not merged.
    MergeRefused {
        from: Address,
        refusal: Refusal,
    },
    /// A push-pull begun by this node failed.
    PushPullFailed {
        to: Address,
    },
    /// [`Limits::nodes_max`](super::Limits::nodes_max) is reached.
    NodesFull {
        refused: NodeName,
    },
    /// [`Limits::members_max`](super::Limits::members_max) is reached.
    MembersFull {
        refused: NodeName,
        address: Address,
    },
    /// [`Limits::relays_max`](super::Limits::relays_max) is reached.
    RelaysFull {
        from: Address,
    },
    /// [`Limits::user_queue_max`](super::Limits::user_queue_max) is reached; `count` messages were dropped.
    QueuePruned {
        count: usize,
    },
    /// A user message is too large for a datagram and was dropped.
    MessageTooLarge {
        bytes: usize,
    },
    /// A peer did not answer a direct or indirect probe.
    ProbeFailed {
        node: NodeName,
    },
    /// A peer answers over streams only; datagrams may be blocked.
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
    /// A suspect, dead or outdated alive message about this node was refuted.
    Refuted {
        incarnation: u32,
        by: Option<NodeName>,
    },
    /// A node that had left or failed came back with another address.
    Moved {
        node: NodeName,
        from: Address,
        to: Address,
    },
    /// The machine was not called for so long that missing replies prove nothing; all timeouts are
    /// extended.
    Paused {
        by: Duration,
    },
}
