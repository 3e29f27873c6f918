//! What goes into the cluster layer, and what comes out of it.
//!
//! An [`Input`] is one thing that happened: on the network, in the layer above, or only time that
//! passed. The [`Output`]s of a turn are performed in their order. Nothing here waits: what takes
//! time goes out with a number and comes back as an input that carries it.
//!
//! Whoever performs the outputs, be it sockets or a simulation, owes three things:
//! every [`Output::Open`] is followed by exactly one [`Input::Ended`];
//! every [`Output::Resolve`] by one [`Input::Resolved`];
//! and every [`Output::StateRequested`] by one [`Input::State`], or the exchange ends when its time
//! is over.

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

    /// A datagram came.
    Datagram { from: Address, bytes: Bytes },
    /// A datagram could not be sent for a reason that lies beyond our own machine.
    Unreachable { to: Address },
    /// A peer opened a stream and said this. One [`Output::Reply`] or [`Output::Close`] with its
    /// inbound, which the shell chose, follows.
    Opened { stream: InboundId, from: Address, message: StreamMessage },
    /// A peer opened a stream and what it said was not understood; only counted.
    Malformed { from: Address, error: StreamError },
    /// What became of a stream of ours.
    Ended { stream: OutboundId, outcome: StreamOutcome },
    /// What a name stands for; no addresses if the lookup failed or found none.
    Resolved { name: String, addresses: Vec<Address> },

    /// Tell every member. Best effort, as all of gossip: the next push-pull brings what was lost.
    /// `data` is a row of messages that know their own ends, as Go's: where much is to be told,
    /// several rows of a key are told as one.
    Broadcast { key: String, data: Bytes },
    /// Tell one member, past all queues. Go nodes do not mind keys that they do not know.
    SendToPeer { peer: NodeName, key: String, data: Bytes, via: SendVia },
    /// Ask a member for a sign of life; [`Output::PeerAlive`] follows if there is one.
    CheckLiveness { peer: NodeName },
    /// What was heard from one member and was news is told to the others, if it is small enough;
    /// whatever is large was sent to all of them at once.
    Forward { key: String, data: Bytes },
    /// The full state that [`Output::StateRequested`] asked for. Only the keys of
    /// [`ClusterSettings::state_keys`](super::ClusterSettings::state_keys) are sent.
    State { token: StateToken, parts: Vec<(String, Bytes)> },
    /// What the own node says about itself, from now on.
    SetMeta(NodeMeta),
    /// Say farewell; [`Output::Left`] follows when it is told or its time is over.
    Leave,
}

/// One thing to do.
#[derive(Debug)]
pub enum Output {
    SendDatagram {
        to: Address,
        bytes: Vec<u8>,
    },
    /// Connect, send the label and this payload, and read one message if an answer is expected.
    /// After `deadline` none of it has any worth.
    Open {
        stream: OutboundId,
        to: Address,
        payload: StreamPayload,
        reply_wanted: ReplyWanted,
        deadline: Mono,
    },
    /// Send this back on a stream that a peer opened, without a label, and close.
    Reply {
        stream: InboundId,
        payload: StreamPayload,
    },
    /// Close a stream that a peer opened without a word.
    Close {
        stream: InboundId,
    },
    /// Look up `host:port`.
    Resolve {
        name: String,
    },

    /// Somebody is to be sent the full state.
    StateRequested {
        token: StateToken,
    },
    /// A peer told this.
    Received {
        key: String,
        data: Bytes,
        from: Address,
        via: ReceivedVia,
    },
    /// A member gave a sign of life that was asked for.
    PeerAlive {
        peer: NodeName,
    },
    /// The cluster has settled, or has had its time to.
    Settled {
        timed_out: bool,
    },
    /// Who belongs to the cluster, or what one says about itself, is not what it was; look at
    /// [`Cluster::members`](super::Cluster::members). Once a turn at most.
    MembersChanged,
    /// The leave is told, or its time is over; the process may end.
    Left,
    /// For logs.
    Note(ClusterNote),
}

/// Names a stream that we open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutboundId(pub u64);

/// Names a wish for the full state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateToken(pub u64);

/// Whether an answer is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyWanted {
    Yes,
    No,
}

/// How a single peer is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SendVia {
    /// By a datagram if it fits into one, else by a stream.
    Datagram,
    Stream,
}

/// How something was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReceivedVia {
    Datagram,
    Stream,
    FullState,
}

/// What became of a stream that we opened.
#[derive(Debug)]
pub enum StreamOutcome {
    /// Everything was sent, and no answer was expected.
    Sent,
    Replied(StreamMessage),
    Failed(StreamFailure),
}

/// Why a stream came to nothing, as far as the next step depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamFailure {
    /// Nobody listens there, the network is down, or TLS did not come about.
    Unreachable,
    /// No answer in time.
    TimedOut,
    /// Somebody listens, but closed the stream without an answer: it does not want to talk to us.
    Closed,
    /// The answer made no sense.
    Malformed(StreamError),
    /// We have too much to do ourselves.
    Busy,
}
