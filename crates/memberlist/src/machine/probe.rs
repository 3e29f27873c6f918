//! Is that peer there?
//!
//! One peer is asked at a time. First directly; if it does not answer soon, by way of a few others
//! and over a stream, all under one number. An answer on any datagram ends the probe. A stream
//! alone counts only when the time is over: that datagrams are blocked is worth knowing.
//!
//! ```text
//!            ack                               ack
//! Direct ───────────► Verdict::Direct  ┌───────────────► Verdict::Relayed
//!   │ too late, or cannot be sent      │
//!   └───────────► Asking ──────────────┤ time over, stream answered ► Verdict::StreamOnly
//!                                      └ time over ─────────────────► Verdict::Silent
//! ```

use std::time::Duration;

use super::time::Mono;
use super::turn::StreamId;
use crate::message::{Address, NodeName};

#[derive(Debug)]
pub(super) struct Probe {
    pub node: NodeName,
    pub address: Address,
    /// As it was when the probe began: what we find out is about that one.
    pub incarnation: u32,
    pub sequence: u32,
    began: Mono,
    ends: Mono,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Direct { until: Mono },
    Asking(Asking),
}

/// Whom else we asked, and what came of it.
#[derive(Debug, Default)]
pub(super) struct Asking {
    pub nacks_expected: u32,
    pub nacks: u32,
    pub stream: Option<StreamId>,
    pub stream_answered: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Ask others, and say so by [`Probe::ask_others`].
    AskOthers,
    Verdict(Verdict),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Direct {
        rtt: Duration,
    },
    /// Through another, or directly but late.
    Relayed,
    StreamOnly,
    Silent {
        /// By how much our own health suffers: if even those did not answer who should have said
        /// that they had no answer either, the fault may be ours.
        health: u32,
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

    pub fn acked(&self, now: Mono, sequence: u32) -> Option<Verdict> {
        if sequence != self.sequence {
            return None;
        }
        Some(match self.stage {
            Stage::Direct { .. } => Verdict::Direct { rtt: now.since(self.began) },
            Stage::Asking(_) => Verdict::Relayed,
        })
    }

    pub fn nacked(&mut self, sequence: u32) {
        if let Stage::Asking(asking) = &mut self.stage
            && sequence == self.sequence
        {
            asking.nacks = asking.nacks.saturating_add(1);
        }
    }

    /// Whether the stream is this probe's.
    pub fn stream_acked(&mut self, stream: StreamId, sequence: u32) {
        if let Stage::Asking(asking) = &mut self.stage
            && asking.stream == Some(stream)
            && sequence == self.sequence
        {
            asking.stream_answered = true;
        }
    }

    /// The ping could not even be sent: no use to wait for an answer.
    pub fn unreachable(&mut self, now: Mono, to: Address) {
        if let Stage::Direct { until } = &mut self.stage
            && to == self.address
        {
            *until = now.min(*until);
        }
    }

    pub fn ask_others(&mut self, asking: Asking) {
        self.stage = Stage::Asking(asking);
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
            Stage::Direct { .. } => Due::AskOthers,
            Stage::Asking(asking) if asking.stream_answered => Due::Verdict(Verdict::StreamOnly),
            Stage::Asking(asking) => Due::Verdict(Verdict::Silent { health: asking.health() }),
        })
    }

    pub fn next_due(&self) -> Mono {
        match self.stage {
            Stage::Direct { until } => until,
            Stage::Asking(_) => self.ends,
        }
    }

    pub fn ends(&self) -> Mono {
        self.ends
    }
}

impl Asking {
    fn health(&self) -> u32 {
        match self.nacks_expected {
            0 => 1,
            expected => expected.saturating_sub(self.nacks),
        }
    }
}
