//! Whom do we ask on behalf of others?
//!
//! A peer that had no answer from a node asks us to ask it. We pass the answer on under the
//! peer's own number; if none comes in time, we say that too if it wants to hear it. It then knows
//! at least that we are well.

use std::collections::VecDeque;

use super::time::Mono;
use crate::message::Address;

/// All relayed pings have the same time, so the first is always the next that is due.
#[derive(Debug)]
pub(super) struct Relays {
    open: VecDeque<RelayedPing>,
    relays_max: usize,
}

#[derive(Debug, PartialEq)]
pub(super) struct RelayedPing {
    /// Ours.
    pub sequence: u32,
    pub request: RelayRequest,
    pub due: Mono,
}

/// Who wants to know, and how.
#[derive(Debug, PartialEq)]
pub(super) struct RelayRequest {
    /// Theirs.
    pub sequence: u32,
    pub answer_to: Address,
    pub nack: bool,
}

impl Relays {
    pub fn new(relays_max: usize) -> Self {
        Relays { open: VecDeque::new(), relays_max }
    }

    pub fn is_full(&self) -> bool {
        self.open.len() >= self.relays_max
    }

    pub fn open(&mut self, relay: RelayedPing) {
        self.open.push_back(relay);
    }

    /// The node has answered.
    pub fn take(&mut self, sequence: u32) -> Option<RelayRequest> {
        let place = self.open.iter().position(|relay| relay.sequence == sequence)?;
        self.open.remove(place).map(|relay| relay.request)
    }

    pub fn take_due(&mut self, now: Mono) -> Option<RelayRequest> {
        self.open.pop_front_if(|relay| relay.due <= now).map(|relay| relay.request)
    }

    pub fn next_due(&self) -> Option<Mono> {
        self.open.front().map(|relay| relay.due)
    }
}
