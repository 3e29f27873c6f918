//! What goes into the cluster layer, and what comes out of it.
//!
//! An [`Input`] is one thing that happened: on the network, in the layer above, or only time that
//! passed. The [`Output`]s of a turn are performed in their order. Nothing here waits: what takes
//! time goes out with a number and comes back as an input that carries it.
//!
//! Whoever performs the outputs, be it sockets or a simulation, owes three things:
//! every [`Output::Open`] is followed by exactly one [`Input::Ended`];
//! every [`Output::Resolve`] by one [`Input::Resolved`];
//! and every [`Output::StateWanted`] by one [`Input::State`], or the exchange ends when its time
//! is over.

use bytes::Bytes;

use crate::cluster::note::Note;
use crate::cluster::parcel::Parcel;
use crate::machine::{Meta, Mono, Ticket};
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
    /// A peer opened a stream and said this. One [`Output::Answer`] or [`Output::Close`] with its
    /// ticket, which the shell chose, follows.
    Opened { stream: Ticket, from: Address, message: StreamMessage },
    /// A peer opened a stream and what it said was not understood; only counted.
    Garbled { from: Address, error: StreamError },
    /// What became of a stream of ours.
    Ended { stream: Outbound, outcome: Outcome },
    /// What a name stands for; no addresses if the lookup failed or found none.
    Resolved { name: String, addresses: Vec<Address> },

    /// Tell every member. Best effort, as all of gossip: the next push-pull brings what was lost.
    /// `data` is a row of messages that know their own ends, as Go's: where much is to be told,
    /// several rows of a key are told as one.
    Tell { key: String, data: Bytes },
    /// Tell one member, past all queues. Go nodes do not mind keys that they do not know.
    TellPeer { peer: NodeName, key: String, data: Bytes, way: Way },
    /// Ask a member for a sign of life; [`Output::Answers`] follows if there is one.
    Ask { peer: NodeName },
    /// What was heard from one member and was news is told to the others, if it is small enough;
    /// whatever is large was sent to all of them at once.
    Forward { key: String, data: Bytes },
    /// The full state that [`Output::StateWanted`] asked for. Only the keys of
    /// [`Settings::state_keys`](super::Settings::state_keys) are sent.
    State { token: StateToken, parts: Vec<(String, Bytes)> },
    /// What the own node says about itself, from now on.
    SetMeta(Meta),
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
    /// Connect, send the label and this parcel, and read one message if an answer is expected.
    /// After `deadline` none of it has any worth.
    Open {
        stream: Outbound,
        to: Address,
        parcel: Parcel,
        reply: Reply,
        deadline: Mono,
    },
    /// Send this back on a stream that a peer opened, without a label, and close.
    Answer {
        stream: Ticket,
        parcel: Parcel,
    },
    /// Close a stream that a peer opened without a word.
    Close {
        stream: Ticket,
    },
    /// Look up `host:port`.
    Resolve {
        name: String,
    },

    /// Somebody is to be sent the full state.
    StateWanted {
        token: StateToken,
    },
    /// A peer told this.
    Heard {
        key: String,
        data: Bytes,
        from: Address,
        via: Via,
    },
    /// A member gave a sign of life that was asked for.
    Answers {
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
    Note(Note),
}

/// Names a stream that we open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Outbound(pub u64);

/// Names a wish for the full state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateToken(pub u64);

/// Whether an answer is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    Expected,
    None,
}

/// How a single peer is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// By a datagram if it fits into one, else by a stream.
    Datagram,
    Stream,
}

/// How something was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Via {
    Datagram,
    Stream,
    FullState,
}

/// What became of a stream that we opened.
#[derive(Debug)]
pub enum Outcome {
    /// Everything was sent, and no answer was expected.
    Sent,
    Answered(StreamMessage),
    Failed(Failure),
}

/// Why a stream came to nothing, as far as the next step depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Nobody listens there, the network is down, or TLS did not come about.
    Unreachable,
    /// No answer in time.
    TimedOut,
    /// Somebody listens, but closed the stream without an answer: it does not want to talk to us.
    Closed,
    /// The answer made no sense.
    Garbled(StreamError),
    /// We have too much to do ourselves.
    Busy,
}
