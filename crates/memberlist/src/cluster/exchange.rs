//! Push-pulls that wait for this node's full state.
//!
//! The membership machine knows the nodes; the full state has to be requested from the layer above.
//! The push-pull waits here until it is provided, or until the deadline.

use std::collections::BTreeMap;

use crate::cluster::turn::StateToken;
use crate::machine::{InboundId, Mono, StreamId};
use crate::message::{Address, PushPull};

#[derive(Debug, Default)]
pub(super) struct Exchanges {
    waiting: BTreeMap<StateToken, Exchange>,
    last: u64,
}

/// One push-pull.
#[derive(Debug)]
pub(super) struct Exchange {
    pub push_pull: PushPull,
    pub side: Side,
    pub deadline: Mono,
}

/// Which node began the push-pull.
#[derive(Debug)]
pub(super) enum Side {
    Ours { stream: StreamId, to: Address },
    Theirs { inbound: InboundId },
}

impl Exchanges {
    pub fn insert(&mut self, exchange: Exchange) -> StateToken {
        self.last += 1;
        let token = StateToken(self.last);
        self.waiting.insert(token, exchange);
        token
    }

    pub fn take(&mut self, token: StateToken) -> Option<Exchange> {
        self.waiting.remove(&token)
    }

    /// Takes out one whose deadline has passed.
    pub fn take_overdue(&mut self, now: Mono) -> Option<Exchange> {
        let overdue = self.waiting.iter().find(|(_, exchange)| exchange.deadline <= now);
        let token = overdue.map(|(token, _)| *token)?;
        self.waiting.remove(&token)
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The number of push-pulls begun by peers.
    pub fn theirs(&self) -> usize {
        let exchanges = self.waiting.values();
        exchanges.filter(|exchange| matches!(exchange.side, Side::Theirs { .. })).count()
    }

    pub fn next_wakeup(&self) -> Option<Mono> {
        self.waiting.values().map(|exchange| exchange.deadline).min()
    }
}
