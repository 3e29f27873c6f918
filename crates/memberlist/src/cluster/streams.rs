//! Inbound and outbound streams.
//!
//! A join begins with a ping, since the full state is too much work for an address where no node
//! listens. Where no configured name resolves to the address, the ping expects the failed peer by name:
//! the address may have been reused, and a different cluster must not receive the full state. For the
//! same reason the reply of a push-pull is dropped if the address is not configured and the reply names
//! no known node.

use super::exchange::{Exchange, Side};
use super::roster::{Visit, Visited, canonical};
use super::{
    Cluster, ClusterNote, JoinCause, JoinFailure, OutboundId, Output, Part, Purpose, ReplyWanted,
    StateToken, StreamFailure, StreamOutcome, StreamPayload, machine,
};
use crate::machine::{InboundId, JoinOutcome, Mono, Refusal};
use crate::message::{Address, Ping, PushPull, StreamMessage};
use bytes::Bytes;

impl Cluster {
    pub(super) fn handle_opened(
        &mut self,
        now: Mono,
        inbound: InboundId,
        from: Address,
        message: StreamMessage,
        out: &mut Vec<Output>,
    ) {
        let is_push_pull = matches!(message, StreamMessage::PushPull(_));
        if is_push_pull && self.exchanges.theirs() >= EXCHANGES_MAX {
            self.notes.push(ClusterNote::ExchangeRefused { address: from });
            out.push(Output::Close { stream: inbound });
            return;
        }
        self.feed(now, machine::Input::StreamOpened { inbound, from, message }, out);
    }

    pub(super) fn handle_ended(
        &mut self,
        now: Mono,
        stream: OutboundId,
        outcome: StreamOutcome,
        error: Option<String>,
        out: &mut Vec<Output>,
    ) {
        let Some(purpose) = self.streams.remove(&stream) else { return };
        match purpose {
            Purpose::Machine { stream, to, state_bytes } => {
                let unsent = matches!(
                    outcome,
                    StreamOutcome::Failed(StreamFailure::Unreachable | StreamFailure::Tls)
                );
                if let (Some(bytes), false) = (state_bytes, unsent) {
                    self.counters.sent.full_state.add(1, bytes);
                }
                let input = match outcome {
                    StreamOutcome::Replied(answer) if !self.is_foreign(now, to, &answer) => {
                        machine::Input::StreamReplied { stream, reply: answer }
                    }
                    StreamOutcome::Replied(_) | StreamOutcome::Sent | StreamOutcome::Failed(_) => {
                        machine::Input::StreamFailed { stream }
                    }
                };
                self.feed(now, input, out);
            }
            Purpose::Oversize { key, peer, since } => {
                self.oversize.ended(&key);
                let counters = self.counters.oversize.entry(key.clone()).or_default();
                match outcome {
                    StreamOutcome::Sent | StreamOutcome::Replied(_) => {
                        counters.duration.observe(now.since(since));
                    }
                    StreamOutcome::Failed(_) => {
                        counters.failed += 1;
                        self.notes.push(ClusterNote::OversizeFailed { key, peer });
                    }
                }
            }
            Purpose::Direct => {}
            Purpose::Check { visit, sequence } => {
                self.handle_checked(now, (visit, sequence), outcome, error, out);
            }
        }
    }

    /// Pings the address; the join follows when the ping is acknowledged.
    pub(super) fn visit(&mut self, now: Mono, visit: Visit, out: &mut Vec<Output>) {
        let (name, address) = self.machine.local();
        // Any number will do: the ack comes back on the same stream.
        let sequence = u32::try_from(self.last_stream % u64::from(u32::MAX)).unwrap_or(0);
        let ping = Ping {
            sequence,
            node: visit.expecting.clone(),
            source: Some(address),
            source_node: Some(name.clone()),
        };
        let payload = StreamPayload::new(StreamMessage::Ping(ping));
        let deadline = now.plus(self.settings.machine.stream_timeout);
        let to = visit.address;
        self.open(Purpose::Check { visit, sequence }, to, payload, ReplyWanted::Yes, deadline, out);
    }

    /// The membership machine has finished a join.
    pub(super) fn join_ended(&mut self, now: Mono, address: Address, outcome: JoinOutcome) {
        let (visited, failure) = match outcome {
            JoinOutcome::Merged => (Visited::Joined, None),
            JoinOutcome::Failed => (Visited::Failed, Some(JoinFailure::NotMerged)),
            JoinOutcome::Refused(Refusal::Versions) => {
                (Visited::Failed, Some(JoinFailure::Versions))
            }
            JoinOutcome::Refused(Refusal::Cluster) => {
                (Visited::Stranger, Some(JoinFailure::Foreign))
            }
        };
        self.visit_ended(now, address, visited, failure, None);
    }

    /// The layer above provided the full state: the waiting push-pull continues.
    pub(super) fn handle_state(
        &mut self,
        token: StateToken,
        parts: Vec<(String, Bytes)>,
        out: &mut Vec<Output>,
    ) {
        let Some(Exchange { push_pull, side, deadline }) = self.exchanges.take(token) else {
            return;
        };
        let keys = &self.settings.state_keys;
        let parts: Vec<_> = parts
            .into_iter()
            .filter(|(key, _)| keys.contains(key))
            .map(|(key, data)| Part { key, data })
            .collect();
        let payload = StreamPayload::with_state(push_pull, parts);
        let bytes = payload.state_len();
        match side {
            Side::Theirs { inbound } => {
                self.counters.sent.full_state.add(1, bytes);
                out.push(Output::Reply { stream: inbound, payload });
            }
            Side::Ours { stream, to } => {
                let purpose = Purpose::Machine { stream, to, state_bytes: Some(bytes) };
                self.open(purpose, to, payload, ReplyWanted::Yes, deadline, out);
            }
        }
    }

    pub(super) fn request_state(&mut self, exchange: Exchange, out: &mut Vec<Output>) {
        let token = self.exchanges.insert(exchange);
        out.push(Output::StateRequested { token });
    }

    pub(super) fn open(
        &mut self,
        purpose: Purpose,
        to: Address,
        payload: StreamPayload,
        reply_wanted: ReplyWanted,
        deadline: Mono,
        out: &mut Vec<Output>,
    ) {
        self.last_stream += 1;
        let stream = OutboundId(self.last_stream);
        self.streams.insert(stream, purpose);
        out.push(Output::Open { stream, to, payload, reply_wanted, deadline });
    }

    /// The ping before a join has ended.
    fn handle_checked(
        &mut self,
        now: Mono,
        (visit, sequence): (Visit, u32),
        outcome: StreamOutcome,
        error: Option<String>,
        out: &mut Vec<Output>,
    ) {
        let failure = match outcome {
            StreamOutcome::Replied(StreamMessage::Ack(ack)) if ack.sequence == sequence => {
                return self.feed(now, machine::Input::Join(visit.address), out);
            }
            StreamOutcome::Failed(failure) => match failure {
                StreamFailure::Unreachable => JoinFailure::Unreachable,
                StreamFailure::TimedOut => JoinFailure::TimedOut,
                StreamFailure::Tls => JoinFailure::Tls,
                StreamFailure::Closed => JoinFailure::Closed,
                StreamFailure::Malformed(_) => JoinFailure::Malformed,
                StreamFailure::Busy => JoinFailure::Busy,
            },
            StreamOutcome::Replied(_) | StreamOutcome::Sent => JoinFailure::Malformed,
        };
        let Visit { address, expecting: expected, .. } = visit;
        let visited = if failure == JoinFailure::Closed {
            self.notes.push(ClusterNote::PingRejected { address, expected });
            Visited::Stranger
        } else {
            Visited::Failed
        };
        self.visit_ended(now, address, visited, Some(failure), error);
    }

    /// `failure` says why the node at the address was not joined, if it was not.
    fn visit_ended(
        &mut self,
        now: Mono,
        address: Address,
        visited: Visited,
        failure: Option<JoinFailure>,
        error: Option<String>,
    ) {
        let peer = self.roster.peer_at(canonical(address));
        let Some(cause) = self.roster.visited(address, visited, &mut self.notes) else { return };
        let joined = failure.is_none();
        let counter = match (cause, joined) {
            (JoinCause::Boot, _) => None,
            (JoinCause::Reconnect, true) => Some(&mut self.counters.reconnections),
            (JoinCause::Reconnect, false) => Some(&mut self.counters.reconnections_failed),
            (JoinCause::Refresh, true) => Some(&mut self.counters.refresh_joins),
            (JoinCause::Refresh, false) => Some(&mut self.counters.refresh_joins_failed),
        };
        if let Some(counter) = counter {
            *counter += 1;
        }
        let Some(failure) = failure else {
            self.troubles.ended(canonical(address));
            self.notes.push(ClusterNote::Joined { address, cause });
            return self.note_if_complete();
        };
        *self.counters.joins_failed.entry(failure).or_default() += 1;
        let at = canonical(address);
        let news = !self.roster.has_left(now, at) && self.troubles.failed(now, at, failure);
        self.notes.push(ClusterNote::JoinFailed { peer, address, cause, failure, error, news });
    }

    /// Whether a push-pull reply comes from a different cluster.
    fn is_foreign(&mut self, now: Mono, from: Address, answer: &StreamMessage) -> bool {
        let StreamMessage::PushPull(PushPull { nodes, .. }) = answer else { return false };
        if self.roster.is_named(from) {
            return false;
        }
        let foreign = !nodes.iter().any(|node| self.machine.node(&node.name).is_some());
        if foreign {
            self.note_foreign(now, from);
        }
        foreign
    }

    pub(super) fn count_dropped(&mut self, reason: &'static str) {
        *self.counters.dropped.entry(reason).or_default() += 1;
    }
}

/// Limit: inbound push-pulls that wait for the full state, as in Go.
pub const EXCHANGES_MAX: usize = 127;
