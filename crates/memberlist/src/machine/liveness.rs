//! Liveness checks that the layer above asks for.
//!
//! The layer above wants to know at once whether a member is alive; the regular probes come round too
//! seldom for that. A check is a ping. If the previous check of the member is unanswered, the ping is
//! also sent over a stream. A missing reply has no consequence here.

use std::collections::VecDeque;
use std::time::Duration;

use super::time::Mono;
use super::{Memberlist, MembershipEvent, Output, StreamId};
use crate::message::{Message, NodeName, StreamMessage};

#[derive(Debug, Default)]
pub(super) struct LivenessChecks {
    open: VecDeque<LivenessCheck>,
}

#[derive(Debug)]
struct LivenessCheck {
    node: NodeName,
    sequence: u32,
    stream: Option<StreamId>,
    until: Mono,
}

impl Memberlist {
    /// Pings a member; [`MembershipEvent::LivenessConfirmed`] follows if it answers.
    pub(super) fn check_liveness(&mut self, name: &NodeName, out: &mut Vec<Output>) {
        let Some(node) = self.nodes.get(name).filter(|node| node.is_member()) else { return };
        let (node, to) = (node.name.clone(), node.address);
        let now = self.now;
        self.liveness_checks.open.retain(|check| check.until > now);
        if self.liveness_checks.open.len() >= CHECKS_MAX {
            return;
        }
        let is_repeated = self.liveness_checks.open.iter().any(|check| check.node == node);
        let (sequence, until) = (self.next_sequence(), now.plus(CHECK_TIMEOUT));
        let ping = self.ping(sequence, Some(node.clone()));
        self.send_with_piggyback(to, &Message::Ping(ping.clone()), out);
        let stream = is_repeated.then(|| self.next_stream());
        if let Some(stream) = stream {
            let message = StreamMessage::Ping(ping);
            out.push(Output::OpenStream { stream, to, message, deadline: until });
        }
        self.liveness_checks.open.push_back(LivenessCheck { node, sequence, stream, until });
    }

    /// Whether an ack belongs to a liveness check.
    pub(super) fn confirm_by_datagram(&mut self, sequence: u32, out: &mut Vec<Output>) -> bool {
        self.confirm(|check| check.sequence == sequence, out)
    }

    pub(super) fn confirm_by_stream(&mut self, stream: StreamId, out: &mut Vec<Output>) -> bool {
        self.confirm(|check| check.stream == Some(stream), out)
    }

    fn confirm(&mut self, is_it: impl Fn(&LivenessCheck) -> bool, out: &mut Vec<Output>) -> bool {
        let open = &mut self.liveness_checks.open;
        let Some(at) = open.iter().position(is_it) else { return false };
        let node = open[at].node.clone();
        open.retain(|check| check.node != node);
        out.push(Output::Event(MembershipEvent::LivenessConfirmed { node }));
        true
    }
}

/// Limit: unanswered liveness checks.
const CHECKS_MAX: usize = 1024;
/// A later reply is of no use.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);
