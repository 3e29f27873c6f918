//! Who is in the cluster, and who is not any more?
//!
//! The membership machine of hashicorp/memberlist: it finds out which nodes are there, notices
//! when one is not, and spreads small news to all, by talking to a few at a time.
//!
//! In come [`Input`]s with a reading of the clock; out go [`Output`]s. Between the two there is no
//! socket, no clock and no chance but that of the seed: equal settings, seed and inputs give equal
//! outputs. [`Memberlist::next_wakeup`] says when to call even if nothing happens.
//!
//! It does not know what the news are about, how streams are read, or which addresses are worth
//! joining: that is the layer above.

mod settings;
mod time;
mod turn;

pub use settings::{Gate, Limits, Meta, Settings};
pub use time::Mono;
pub use turn::{Event, Input, JoinOutcome, Note, Output, Refusal, StreamId, Ticket, Via};

use bytes::Bytes;

use crate::message::{Address, NodeName, NodeStatus, Versions};

/// One member's view of its cluster.
#[derive(Debug)]
pub struct Memberlist {
    settings: Settings,
}

/// What is known of one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub name: NodeName,
    pub address: Address,
    /// What it says about itself; empty from Go Alertmanagers.
    pub meta: Bytes,
    pub versions: Versions,
    pub incarnation: u32,
    pub status: NodeStatus,
    /// When `status` last changed.
    pub since: Mono,
}

impl Memberlist {
    /// We are a member at once, the only one: `out` gets the event.
    pub fn new(_now: Mono, settings: Settings, _seed: u64, _out: &mut Vec<Output>) -> Self {
        Memberlist { settings }
    }

    /// Takes an input, and whatever is due. Appends to `out`, which is never read.
    ///
    /// `now` must not be behind that of an earlier call.
    pub fn handle(&mut self, _now: Mono, _input: Input, _out: &mut Vec<Output>) {}

    /// When to call [`Memberlist::handle`] if nothing happens before; may be past.
    pub fn next_wakeup(&self) -> Option<Mono> {
        None
    }

    /// The members, suspects and ourselves among them, sorted by the bytes of their names.
    pub fn members(&self) -> impl Iterator<Item = &Node> {
        std::iter::empty()
    }

    /// Any node known, the dead among them.
    pub fn node(&self, _name: &NodeName) -> Option<&Node> {
        None
    }

    /// How many members there are, ourselves included unless we have left.
    pub fn size(&self) -> usize {
        0
    }

    /// 0 is well; the more, the less we trust our own judgement of others. Below
    /// [`Settings::awareness_max`].
    pub fn health(&self) -> u32 {
        0
    }

    /// How many news of the layer above wait for a transmission.
    pub fn user_queue_len(&self) -> usize {
        0
    }

    /// Our own name and address.
    pub fn local(&self) -> (&NodeName, Address) {
        (&self.settings.name, self.settings.address)
    }
}
