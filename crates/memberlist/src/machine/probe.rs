//! One probe of one peer.
//!
//! The peer is pinged directly first. If it does not acknowledge in time, a few other members probe it
//! indirectly and a ping is sent over a stream, all with the same sequence number. An ack by datagram
//! ends the probe. A reply over the stream alone counts only at the end of the probe, since blocked
//! datagrams are worth reporting.
//!
//! ```text
//!            ack                                   ack
//! Direct ───────────► ProbeOutcome::Direct   ┌───────────► ProbeOutcome::Indirect
//!   │ too late, or cannot be sent            │
//!   └───────────► Indirect ──────────────────┤ timeout, stream replied ► ProbeOutcome::StreamOnly
//!                                            └ timeout ────────────────► ProbeOutcome::Failed
//! ```

use std::time::Duration;

use super::time::Mono;
use super::turn::StreamId;
use crate::message::{Address, NodeName};

#[derive(Debug)]
pub(super) struct Probe {
    pub node: NodeName,
    pub address: Address,
    /// The incarnation when the probe began; its outcome applies to that one.
    pub incarnation: u32,
    pub sequence: u32,
    began: Mono,
    ends: Mono,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Direct { until: Mono },
    Indirect(IndirectProbe),
}

/// The second stage: pings by other members and over a stream.
#[derive(Debug, Default)]
pub(super) struct IndirectProbe {
    pub nacks_expected: u32,
    pub nacks: u32,
    pub stream: Option<StreamId>,
    pub stream_answered: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Send the indirect pings, and report them by [`Probe::probe_indirectly`].
    ProbeIndirectly,
    Finished(ProbeOutcome),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum ProbeOutcome {
    Direct {
        rtt: Duration,
    },
    /// Through another member, or directly but late.
    Indirect,
    StreamOnly,
    Failed {
        /// How far the awareness score degrades: if even the relays sent no nack, the fault may be
        /// on this node.
        degrade_by: u32,
    },
}

impl Probe {
    pub fn begin(
        now: Mono,
        (node, address, incarnation): (NodeName, Address, u32),
        sequence: u32,
        answer_within: Duration,
        ends_after: Duration,
    ) -> Self {
        let ends = now.plus(ends_after);
        let until = now.plus(answer_within).min(ends);
        let stage = Stage::Direct { until };
        Probe { node, address, incarnation, sequence, began: now, ends, stage }
    }

    pub fn acked(&self, now: Mono, sequence: u32) -> Option<ProbeOutcome> {
        if sequence != self.sequence {
            return None;
        }
        Some(match self.stage {
            Stage::Direct { .. } => ProbeOutcome::Direct { rtt: now.since(self.began) },
            Stage::Indirect(_) => ProbeOutcome::Indirect,
        })
    }

    pub fn nacked(&mut self, sequence: u32) {
        if let Stage::Indirect(indirect) = &mut self.stage
            && sequence == self.sequence
        {
            indirect.nacks = indirect.nacks.saturating_add(1);
        }
    }

    /// Whether the stream is this probe's.
    pub fn stream_acked(&mut self, stream: StreamId, sequence: u32) {
        if let Stage::Indirect(indirect) = &mut self.stage
            && indirect.stream == Some(stream)
            && sequence == self.sequence
        {
            indirect.stream_answered = true;
        }
    }

    /// The ping could not be sent, so no ack can be expected.
    pub fn unreachable(&mut self, now: Mono, to: Address) {
        if let Stage::Direct { until } = &mut self.stage
            && to == self.address
        {
            *until = now.min(*until);
        }
    }

    pub fn probe_indirectly(&mut self, indirect: IndirectProbe) {
        self.stage = Stage::Indirect(indirect);
    }

    pub fn prolong(&mut self, by: Duration) {
        self.ends = self.ends.plus(by);
        if let Stage::Direct { until } = &mut self.stage {
            *until = until.plus(by);
        }
    }

    pub fn due(&self, now: Mono) -> Option<Due> {
        if now < self.next_due() {
            return None;
        }
        Some(match &self.stage {
            Stage::Direct { .. } => Due::ProbeIndirectly,
            Stage::Indirect(indirect) if indirect.stream_answered => {
                Due::Finished(ProbeOutcome::StreamOnly)
            }
            Stage::Indirect(indirect) => {
                Due::Finished(ProbeOutcome::Failed { degrade_by: indirect.missed_nacks() })
            }
        })
    }

    pub fn next_due(&self) -> Mono {
        match self.stage {
            Stage::Direct { until } => until,
            Stage::Indirect(_) => self.ends,
        }
    }

    pub fn ends(&self) -> Mono {
        self.ends
    }
}

impl IndirectProbe {
    fn missed_nacks(&self) -> u32 {
        match self.nacks_expected {
            0 => 1,
            expected => expected.saturating_sub(self.nacks),
        }
    }
}
