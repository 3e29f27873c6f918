//! Inputs and outputs of the cluster layer.
//!
//! An [`Input`] is one thing that happened: on the network, in the layer above, or the passing of time.
//! The [`Output`]s of a turn are performed in order. Nothing blocks: what takes time goes out with an
//! id and comes back as an input with the same id.
//!
//! The caller, be it sockets or a simulation, has three duties:
//! every [`Output::Open`] is followed by exactly one [`Input::Ended`];
//! every [`Output::Resolve`] by one [`Input::Resolved`];
//! and every [`Output::StateRequested`] by one [`Input::State`], or the push-pull ends at its deadline.

use std::net::IpAddr;

use bytes::Bytes;

use crate::cluster::note::ClusterNote;
use crate::cluster::payload::StreamPayload;
use crate::machine::{InboundId, Mono, NodeMeta};
use crate::message::{Address, NodeName, StreamMessage};
use crate::wire::StreamError;

/// One thing that happened.
#[derive(Debug)]
pub enum Input {
    /// Nothing but the passing of time.
    Tick,

    /// A datagram came. `from` is where answers go: under TLS, where the sender says that it is;
    /// `source` is where it is.
    Datagram { from: Address, source: IpAddr, bytes: Bytes },
    /// A datagram could not be sent, for a reason outside this host.
    Unreachable { to: Address },
    /// A peer opened a stream and sent this message. One [`Output::Reply`] or [`Output::Close`]
    /// with the same id, which the caller chose, follows.
    Opened { stream: InboundId, from: Address, message: StreamMessage },
    /// A peer opened a stream and sent a malformed message; only counted.
    Malformed { from: Address, error: StreamError },
    /// The TLS handshake of an inbound connection failed.
    HandshakeFailed { from: Address, error: String },
    /// An outbound stream ended; `error` is for notes.
    Ended { stream: OutboundId, outcome: StreamOutcome, error: Option<String> },
    /// The addresses of a name; none if the lookup failed, for which `error` says why.
    Resolved { name: String, addresses: Vec<Address>, error: Option<String> },

    /// Send to every member. Best effort, like all gossip: the next push-pull repairs losses.
    /// `data` is a sequence of length-delimited messages, as in Go; under load the data of several
    /// broadcasts of a key are sent as one.
    Broadcast { key: String, data: Bytes },
    /// Send to one member, bypassing all queues. Go nodes ignore unknown keys.
    SendToPeer { peer: NodeName, key: String, data: Bytes, via: SendVia },
    /// Check whether a member is alive; [`Output::PeerAlive`] follows if so.
    CheckLiveness { peer: NodeName },
    /// Gossip on what was received from a peer and was new, if it is small enough; what is larger
    /// was sent to all members by its origin.
    Forward { key: String, data: Bytes },
    /// The full state that [`Output::StateRequested`] asked for. Only the keys of
    /// [`ClusterSettings::state_keys`](super::ClusterSettings::state_keys) are sent.
    State { token: StateToken, parts: Vec<(String, Bytes)> },
    /// Replace this node's metadata.
    SetMeta(NodeMeta),
    /// Leave the cluster; [`Output::Left`] follows when that is broadcast or its time is over.
    Leave,
}

/// One thing to do.
#[derive(Debug)]
pub enum Output {
    SendDatagram {
        to: Address,
        bytes: Vec<u8>,
    },
    /// Connect, send the label and this payload, and read one message if a reply is wanted. All of
    /// it ends at `deadline`.
    Open {
        stream: OutboundId,
        to: Address,
        payload: StreamPayload,
        reply_wanted: ReplyWanted,
        deadline: Mono,
    },
    /// Send this on a stream that a peer opened, without a label, and close it.
    Reply {
        stream: InboundId,
        payload: StreamPayload,
    },
    /// Close a stream that a peer opened, without a reply.
    Close {
        stream: InboundId,
    },
    /// Look up `host:port`.
    Resolve {
        name: String,
    },

    /// A push-pull needs the full state.
    StateRequested {
        token: StateToken,
    },
    /// A peer sent this.
    Received {
        key: String,
        data: Bytes,
        /// As its socket shows it, not as it says.
        from: Address,
        via: ReceivedVia,
    },
    /// The member of an [`Input::CheckLiveness`] is alive.
    PeerAlive {
        peer: NodeName,
    },
    /// The cluster has settled, or the settle timeout is over.
    Settled {
        timed_out: bool,
    },
    /// The members, or the metadata of one, changed; see
    /// [`Cluster::members`](super::Cluster::members). At most once per turn.
    MembersChanged,
    /// The leave has been broadcast, or its time is over; the process may end.
    Left,
    /// For logs.
    Note(ClusterNote),
}

/// Identifies a stream that this node opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutboundId(pub u64);

/// Identifies a request for the full state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateToken(pub u64);

/// Whether a reply is read from an outbound stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyWanted {
    Yes,
    No,
}

/// How a message to a single peer is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SendVia {
    /// By a datagram if it fits into one, else by a stream.
    Datagram,
    Stream,
}

/// How a message was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReceivedVia {
    Datagram,
    Stream,
    FullState,
}

/// How an outbound stream ended.
#[derive(Debug)]
pub enum StreamOutcome {
    /// Everything was sent, and no reply was wanted.
    Sent,
    Replied(StreamMessage),
    Failed(StreamFailure),
}

/// Why an outbound stream failed, as far as the next step depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamFailure {
    /// Nothing listens there, or the network is down.
    Unreachable,
    /// The TLS handshake failed, on either side.
    Tls,
    /// No reply in time.
    TimedOut,
    /// The peer closed the stream without a reply: it rejects this node.
    Closed,
    /// The reply is malformed.
    Malformed(StreamError),
    /// This node has too many open streams.
    Busy,
}
