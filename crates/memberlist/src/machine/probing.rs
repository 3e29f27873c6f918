//! Sends probes, and answers the pings of peers.
//!
//! Begins a probe every interval, sends its direct and indirect pings and applies its outcome; answers
//! the pings of peers, and relays indirect pings for them. The awareness score stretches the time that
//! a peer has to answer: a node that notices that it is slow itself suspects others less.

use bytes::Bytes;

use super::gossip::checksum_for;
use super::probe::{Due, IndirectProbe, Probe, ProbeOutcome};
use super::relay::{RelayRequest, RelayedPing};
use super::{InboundId, Memberlist, MemberlistNote, MembershipEvent, Node, Output, StreamId};
use crate::message::{
    Ack, Address, IndirectPing, Message, Nack, NodeName, NodeStatus, Ping, StreamMessage, Suspect,
};
use crate::wire::datagram;

impl Memberlist {
    /// Continues the probe, and begins the next one.
    pub(super) fn probing_due(&mut self, out: &mut Vec<Output>) {
        while let Some(due) = self.probe.as_ref().and_then(|probe| probe.due(self.now)) {
            match due {
                Due::ProbeIndirectly => self.probe_indirectly(out),
                Due::Finished(outcome) => self.finish_probe(outcome, out),
            }
        }
        if self.probe.is_none() && self.probe_at <= self.now {
            self.probe_at = self.probe_at.rolled_past(self.now, self.settings.probe_interval);
            self.begin_probe(out);
        }
    }

    /// Handles a ping received by datagram.
    pub(super) fn handle_ping(&mut self, from: Address, ping: Ping, out: &mut Vec<Output>) {
        if !self.is_meant(from, &ping, out) {
            return;
        }
        let to = ping.source.map_or(from, |source| self.reachable(source));
        self.send_with_piggyback(to, &ack(ping.sequence), out);
    }

    /// Handles a ping on a stream that a peer opened.
    pub(super) fn reply_to_stream_ping(
        &mut self,
        inbound: InboundId,
        from: Address,
        ping: &Ping,
        out: &mut Vec<Output>,
    ) {
        let meant = self.is_meant(from, ping, out);
        out.push(if meant {
            let ack = Ack { sequence: ping.sequence, payload: Bytes::new() };
            Output::Reply { inbound, message: StreamMessage::Ack(ack) }
        } else {
            Output::Close { inbound }
        });
    }

    pub(super) fn handle_indirect_ping(
        &mut self,
        from: Address,
        ask: IndirectPing,
        out: &mut Vec<Output>,
    ) {
        if self.relays.is_full() {
            out.push(Output::Note(MemberlistNote::RelaysFull { from }));
            return;
        }
        let sequence = self.next_sequence();
        let answer_to = ask.source.map_or(from, |source| self.reachable(source));
        self.relays.open(RelayedPing {
            sequence,
            request: RelayRequest { sequence: ask.sequence, answer_to, nack: ask.nack },
            due: self.now.plus(self.settings.probe_timeout),
        });
        let ping = self.ping(sequence, ask.node);
        self.send_with_piggyback(self.reachable(ask.target), &Message::Ping(ping), out);
    }

    pub(super) fn handle_ack(&mut self, sequence: u32, out: &mut Vec<Output>) {
        if self.confirm_by_datagram(sequence, out) {
            // Nothing else depends on the ack of a liveness check.
        } else if let Some(request) = self.relays.take(sequence) {
            self.send_with_piggyback(request.answer_to, &ack(request.sequence), out);
        } else if let Some(outcome) =
            self.probe.as_ref().and_then(|probe| probe.acked(self.now, sequence))
        {
            self.finish_probe(outcome, out);
        }
    }

    pub(super) fn handle_nack(&mut self, sequence: u32) {
        if let Some(probe) = &mut self.probe {
            probe.nacked(sequence);
        }
    }

    /// The target of a relayed ping did not answer.
    pub(super) fn relay_failed(&mut self, request: &RelayRequest, out: &mut Vec<Output>) {
        if request.nack {
            let nack = Message::Nack(Nack { sequence: request.sequence });
            self.send_with_piggyback(request.answer_to, &nack, out);
        }
    }

    fn begin_probe(&mut self, out: &mut Vec<Output>) {
        let remember = self.settings.gossip_to_dead;
        let Some(node) = self.nodes.next_to_probe(self.now, remember, &mut self.rng) else {
            return;
        };
        let sequence = self.next_sequence();
        self.probe = Some(Probe::begin(
            self.now,
            (node.name.clone(), node.address, node.incarnation),
            sequence,
            self.settings.probe_timeout,
            self.settings.probe_interval.saturating_mul(self.awareness.saturating_add(1)),
        ));
        let ping = Message::Ping(self.ping(sequence, Some(node.name.clone())));
        match node.status {
            NodeStatus::Suspect => self.send_with_suspicion(&node, &ping, out),
            NodeStatus::Alive | NodeStatus::Dead | NodeStatus::Left => {
                self.send_with_piggyback(node.address, &ping, out);
            }
        }
    }

    /// Sends the suspicion together with the ping, so that the suspect can refute it at once.
    fn send_with_suspicion(&self, node: &Node, ping: &Message, out: &mut Vec<Output>) {
        let suspect = Message::Suspect(Suspect {
            incarnation: node.incarnation,
            node: node.name.clone(),
            from: self.settings.name.clone(),
        });
        let parts = [datagram::encode_message(ping), datagram::encode_message(&suspect)];
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        self.send(node.address, &parts, checksum_for(node.versions), out);
    }

    /// The second stage: indirect pings and a ping over a stream, at the same time.
    fn probe_indirectly(&mut self, out: &mut Vec<Output>) {
        let Some(mut probe) = self.probe.take() else { return };
        let mut indirect = IndirectProbe::default();
        let others = self
            .nodes
            .others()
            .filter(|node| node.status == NodeStatus::Alive && node.name != probe.node);
        let others = others.map(|node| (node.address, node.versions)).collect();
        for (to, versions) in self.rng.pick(others, self.settings.indirect_checks) {
            let nack = versions.protocol_max() >= 4;
            indirect.nacks_expected += u32::from(nack);
            let ask = Message::IndirectPing(IndirectPing {
                sequence: probe.sequence,
                target: probe.address,
                node: Some(probe.node.clone()),
                nack,
                source: Some(self.settings.address),
                source_node: Some(self.settings.name.clone()),
            });
            self.send_with_piggyback(to, &ask, out);
        }
        indirect.stream = self.probe_by_stream(&probe, out);
        probe.probe_indirectly(indirect);
        self.probe = Some(probe);
    }

    fn probe_by_stream(&mut self, probe: &Probe, out: &mut Vec<Output>) -> Option<StreamId> {
        if self.nodes.get(&probe.node)?.versions.protocol_max() < 3 || probe.ends() <= self.now {
            return None;
        }
        let stream = self.next_stream();
        out.push(Output::OpenStream {
            stream,
            to: probe.address,
            message: StreamMessage::Ping(self.ping(probe.sequence, Some(probe.node.clone()))),
            deadline: probe.ends(),
        });
        Some(stream)
    }

    fn finish_probe(&mut self, outcome: ProbeOutcome, out: &mut Vec<Output>) {
        let Some(probe) = self.probe.take() else { return };
        let node = probe.node;
        match outcome {
            ProbeOutcome::Direct { rtt } => {
                self.improve();
                out.push(Output::Event(MembershipEvent::PingRtt { node, rtt }));
            }
            ProbeOutcome::Indirect => self.improve(),
            ProbeOutcome::StreamOnly => {
                self.improve();
                out.push(Output::Note(MemberlistNote::DatagramsBlocked { node }));
            }
            ProbeOutcome::Failed { degrade_by } => {
                self.degrade(degrade_by);
                out.push(Output::Note(MemberlistNote::ProbeFailed { node: node.clone() }));
                let from = self.settings.name.clone();
                self.claim_suspect(Suspect { incarnation: probe.incarnation, node, from }, out);
            }
        }
    }

    fn is_meant(&self, from: Address, ping: &Ping, out: &mut Vec<Output>) -> bool {
        match &ping.node {
            Some(wanted) if *wanted != self.settings.name => {
                out.push(Output::Note(MemberlistNote::Misdirected {
                    from,
                    wanted: wanted.clone(),
                }));
                false
            }
            Some(_) | None => true,
        }
    }

    pub(super) fn ping(&self, sequence: u32, node: Option<NodeName>) -> Ping {
        Ping {
            sequence,
            node,
            source: Some(self.settings.address),
            source_node: Some(self.settings.name.clone()),
        }
    }
}

fn ack(sequence: u32) -> Message {
    Message::Ack(Ack { sequence, payload: Bytes::new() })
}
