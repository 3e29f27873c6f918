//! Indirect pings that this node relays for peers.
//!
//! A peer that had no ack from a target asks this node to ping it. The ack is relayed with the peer's
//! own sequence number; if there is none in time, a nack is sent where the peer asked for one, so that
//! it knows that this node works.

use std::collections::VecDeque;

use super::time::Mono;
use crate::message::Address;

/// All relayed pings have the same timeout, so the first is always the next that is due.
#[derive(Debug)]
pub(super) struct Relays {
    open: VecDeque<RelayedPing>,
    relays_max: usize,
}

#[derive(Debug, PartialEq)]
pub(super) struct RelayedPing {
    /// The sequence number of this node's ping.
    pub sequence: u32,
    pub request: RelayRequest,
    pub due: Mono,
}

/// Where and how to answer the peer.
#[derive(Debug, PartialEq)]
pub(super) struct RelayRequest {
    /// The sequence number of the peer.
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

    /// The target has acknowledged.
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
