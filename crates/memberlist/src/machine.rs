//! The membership machine of hashicorp/memberlist: which nodes are members of the cluster?
//!
//! It detects failed members by probes (SWIM, with the Lifeguard extensions) and spreads small messages
//! to all members by gossip.
//!
//! In: [`Input`]s, each with a reading of the clock. Out: [`Output`]s. The machine has no socket and no
//! clock, and its only randomness is seeded: equal settings, seed and inputs give equal outputs.
//! [`Memberlist::next_wakeup`] says when to call it even if nothing happens.
//!
//! It does not know what user messages mean, how streams are read, or which addresses to join: that is
//! the layer above.
//!
//! `claims` judges every alive, suspect and dead message, whatever its source. `probing` detects
//! failures, `gossip` sends queued broadcasts to a few members, `push_pull` exchanges the full state
//! with one.

mod settings;
mod time;
mod turn;

mod claims;
mod gossip;
mod liveness;
mod probing;
mod push_pull;

mod broadcast_queue;
mod nodes;
mod probe;
mod relay;
mod rng;
mod scale;
mod suspicion;

pub use gossip::Sent;
pub use settings::{Limits, MemberFilter, MemberlistSettings, NodeMeta};
pub use time::Mono;
pub use turn::{
    DatagramOrStream, InboundId, Input, JoinOutcome, MemberlistNote, MembershipEvent, Output,
    Refusal, StreamId,
};

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;

use self::gossip::Broadcasts;
use self::liveness::LivenessChecks;
use self::nodes::Nodes;
use self::probe::Probe;
use self::push_pull::PushPullKind;
use self::relay::Relays;
use self::rng::Rng;
use self::suspicion::Suspicions;
use crate::message::{Address, Message, NodeName, NodeStatus, StreamMessage, Versions};
use crate::wire::datagram;

/// One member's view of its cluster.
#[derive(Debug)]
pub struct Memberlist {
    settings: MemberlistSettings,
    rng: Rng,
    /// The clock's reading of this turn; never goes back.
    now: Mono,
    nodes: Nodes,
    suspicions: Suspicions,
    broadcasts: Broadcasts,
    /// Past while no broadcast is queued.
    gossip_at: Mono,
    probe: Option<Probe>,
    /// When the next probe begins; past while a probe exceeds its interval.
    probe_at: Mono,
    relays: Relays,
    liveness_checks: LivenessChecks,
    push_pulls: BTreeMap<StreamId, PushPullKind>,
    push_pull_at: Mono,
    /// When all peers were last asked for their states, after a pause.
    caught_up_at: Option<Mono>,
    /// Where members may be beyond their limit.
    expected: BTreeSet<Address>,
    leave_state: LeaveState,
    /// The health score of Lifeguard: 0 is healthy. **Invariant:** below `awareness_max`.
    awareness: u32,
    last_sequence: u32,
    last_stream: u64,
}

/// What is known of one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub name: NodeName,
    pub address: Address,
    /// Its node metadata; empty for a Go Alertmanager.
    pub meta: Bytes,
    pub versions: Versions,
    pub incarnation: u32,
    pub status: NodeStatus,
    /// When `status` last changed.
    pub since: Mono,
}

/// Whether this node is a member, or how far its leave has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LeaveState {
    Member,
    /// The leave is being broadcast.
    Leaving {
        until: Mono,
    },
    Left,
}

impl Memberlist {
    /// The node is a member at once, and the only one: `out` gets the event.
    pub fn new(now: Mono, settings: MemberlistSettings, seed: u64, out: &mut Vec<Output>) -> Self {
        let mut rng = Rng::new(seed);
        let own = Node {
            name: settings.name.clone(),
            address: settings.address,
            meta: settings.meta.as_bytes().clone(),
            versions: settings.versions,
            incarnation: 1,
            status: NodeStatus::Alive,
            since: now,
        };
        let push_pull_after = rng.delay_below(settings.push_pull_interval);
        let mut memberlist = Memberlist {
            now,
            nodes: Nodes::new(own),
            suspicions: Suspicions::default(),
            broadcasts: Broadcasts::new(settings.limits),
            gossip_at: now,
            probe: None,
            probe_at: now.plus(rng.delay_below(settings.probe_interval)),
            relays: Relays::new(settings.limits.relays_max),
            liveness_checks: LivenessChecks::default(),
            push_pulls: BTreeMap::new(),
            push_pull_at: now.plus(push_pull_after).plus(settings.push_pull_interval),
            caught_up_at: None,
            expected: BTreeSet::new(),
            leave_state: LeaveState::Member,
            awareness: 0,
            last_sequence: 0,
            last_stream: 0,
            rng,
            settings,
        };
        memberlist.join_self(out);
        memberlist
    }

    /// Handles an input, and then what is due. Appends to `out`, which is never read.
    ///
    /// `now` must not be behind that of an earlier call; if it is, it counts as that.
    pub fn handle(&mut self, now: Mono, input: Input, out: &mut Vec<Output>) {
        debug_assert!(now >= self.now, "the clock never goes back");
        let paused = self.next_wakeup().map_or(Duration::ZERO, |wakeup| now.since(wakeup));
        self.now = self.now.max(now);
        if paused > self.settings.probe_interval {
            self.handle_pause(paused, out);
        }
        self.take(input, out);
        self.run_due(out);
    }

    fn take(&mut self, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Datagram { from, source, bytes } => {
                self.handle_datagram(from, source, &bytes, out)
            }
            Input::StreamOpened { inbound, from, message } => {
                self.handle_inbound_stream(inbound, from, message, out)
            }
            Input::StreamReplied { stream, reply: answer } => {
                self.handle_stream_reply(stream, answer, out)
            }
            Input::StreamFailed { stream } => self.push_pull_failed(stream, out),
            Input::Unreachable { to } => {
                if let Some(probe) = &mut self.probe {
                    probe.unreachable(self.now, to);
                }
            }
            Input::Join(address) => self.begin_push_pull(address, PushPullKind::Join(address), out),
            Input::Broadcast(body) => self.broadcast(body, out),
            Input::Send { to, body } => self.send_user_message(to, body, out),
            Input::CheckLiveness(node) => self.check_liveness(&node, out),
            Input::Expect(addresses) => self.expected = addresses,
            Input::SetMeta(meta) => self.set_meta(meta, out),
            Input::Leave => self.leave(out),
            Input::Tick => {}
        }
    }

    /// When to call [`Memberlist::handle`] if nothing happens before; may be past.
    pub fn next_wakeup(&self) -> Option<Mono> {
        let probing = self.probe.as_ref().map_or(self.probe_at, Probe::next_due);
        let leave = match self.leave_state {
            LeaveState::Leaving { until } => Some(until),
            LeaveState::Member | LeaveState::Left => None,
        };
        let gossip = self.has_gossip().then_some(self.gossip_at);
        [self.suspicions.next_due(), self.relays.next_due(), gossip, leave]
            .into_iter()
            .flatten()
            .chain([probing, self.push_pull_at])
            .min()
    }

    /// The members, including suspects and this node, sorted by the bytes of their names.
    pub fn members(&self) -> impl Iterator<Item = &Node> {
        self.nodes.all().filter(|node| node.is_member())
    }

    /// Any known node, for a while also one that has failed or left.
    pub fn node(&self, name: &NodeName) -> Option<&Node> {
        self.nodes.get(name)
    }

    /// The number of members, including this node unless it has left.
    pub fn size(&self) -> usize {
        self.members().count()
    }

    /// 0 is healthy; the higher, the less this node trusts its own probes. Below
    /// [`MemberlistSettings::awareness_max`].
    pub fn health_score(&self) -> u32 {
        self.awareness
    }

    /// Queued user messages.
    pub fn user_queue_len(&self) -> usize {
        self.broadcasts.user_len()
    }

    /// Whether a message of `body_bytes` fits into one datagram together with all queued user
    /// messages. While it does, each datagram carries all of them; beyond that, each carries a part.
    pub fn has_gossip_room(&self, body_bytes: usize) -> bool {
        // Its type takes a byte.
        let waiting = self.broadcasts.user_bytes() + broadcast_queue::PART_OVERHEAD + 1;
        waiting + body_bytes <= self.broadcast_room(0)
    }

    /// User messages put into datagrams, counted once for each transmission.
    pub fn user_sent(&self) -> Sent {
        self.broadcasts.user_sent()
    }

    /// Name and address of this node.
    pub fn local(&self) -> (&NodeName, Address) {
        (&self.settings.name, self.settings.address)
    }

    /// Handles the messages of a datagram in order.
    fn handle_datagram(
        &mut self,
        from: Address,
        source: IpAddr,
        bytes: &[u8],
        out: &mut Vec<Output>,
    ) {
        let datagram = datagram::decode(&self.settings.label, bytes);
        for error in datagram.dropped {
            out.push(Output::Note(MemberlistNote::Undecodable { from, error }));
        }
        for message in datagram.messages {
            match message {
                Message::Ping(ping) => self.handle_ping(from, ping, out),
                Message::IndirectPing(ask) => self.handle_indirect_ping(from, ask, out),
                Message::Ack(ack) => self.handle_ack(ack.sequence, out),
                Message::Nack(nack) => self.handle_nack(nack.sequence),
                Message::Suspect(claim) => self.claim_suspect(claim, out),
                Message::Alive(claim) => self.claim_alive(claim, out),
                Message::Dead(claim) => self.claim_dead(claim, out),
                Message::User(message) => out.push(Output::Event(MembershipEvent::UserMessage {
                    from: Address { ip: source, ..from },
                    via: DatagramOrStream::Datagram,
                    body: message.body,
                })),
            }
        }
    }

    /// Handles the one message of a stream that a peer opened.
    fn handle_inbound_stream(
        &mut self,
        inbound: InboundId,
        from: Address,
        message: StreamMessage,
        out: &mut Vec<Output>,
    ) {
        match message {
            StreamMessage::PushPull(theirs) => self.reply_to_push_pull(inbound, from, theirs, out),
            StreamMessage::Ping(ping) => self.reply_to_stream_ping(inbound, from, &ping, out),
            StreamMessage::User(message) => {
                out.push(Output::Close { inbound });
                out.push(Output::Event(MembershipEvent::UserMessage {
                    from,
                    via: DatagramOrStream::Stream,
                    body: message.body,
                }));
            }
            StreamMessage::Ack(_) | StreamMessage::Error(_) => {
                out.push(Output::Close { inbound });
                out.push(Output::Note(MemberlistNote::UnexpectedOnStream { from }));
            }
        }
    }

    /// Handles the reply on a stream that this node opened.
    fn handle_stream_reply(
        &mut self,
        stream: StreamId,
        answer: StreamMessage,
        out: &mut Vec<Output>,
    ) {
        match answer {
            StreamMessage::PushPull(theirs) => self.merge_push_pull_reply(stream, theirs, out),
            StreamMessage::Ack(ack) => {
                if self.confirm_by_stream(stream, out) {
                    return;
                }
                if let Some(probe) = &mut self.probe {
                    probe.stream_acked(stream, ack.sequence);
                }
                self.push_pull_failed(stream, out);
            }
            StreamMessage::Error(_) | StreamMessage::User(_) | StreamMessage::Ping(_) => {
                self.push_pull_failed(stream, out);
            }
        }
    }

    fn run_due(&mut self, out: &mut Vec<Output>) {
        while let Some(request) = self.relays.take_due(self.now) {
            self.relay_failed(&request, out);
        }
        self.probing_due(out);
        // After the probe: its outcome may confirm a suspicion whose time is then over.
        while let Some((node, confirmations)) = self.suspicions.take_due(self.now) {
            self.fail(node, confirmations, out);
        }
        if self.gossip_at <= self.now && self.has_gossip() {
            self.gossip(out);
        }
        if self.push_pull_at <= self.now {
            self.push_pull_due(out);
        }
        self.finish_leave(out);
    }

    /// The process was paused or starved. Missing replies prove nothing then, since they may still
    /// be in the socket buffers.
    fn handle_pause(&mut self, by: Duration, out: &mut Vec<Output>) {
        self.suspicions.prolong(by);
        if let Some(probe) = &mut self.probe {
            probe.prolong(by);
        }
        self.degrade(1);
        out.push(Output::Note(MemberlistNote::Paused { by }));
        // What others sent meanwhile is lost if the buffers were full, or if they gave this node up.
        if self.caught_up_at.is_none_or(|at| at.plus(CATCH_UP_EVERY) <= self.now) {
            self.caught_up_at = Some(self.now);
            self.catch_up(out);
        }
    }

    /// Raises the awareness score: this node's own probes are less reliable.
    fn degrade(&mut self, by: u32) {
        let worst = self.settings.awareness_max.saturating_sub(1);
        self.awareness = self.awareness.saturating_add(by).min(worst);
    }

    fn improve(&mut self) {
        self.awareness = self.awareness.saturating_sub(1);
    }

    fn next_sequence(&mut self) -> u32 {
        self.last_sequence = self.last_sequence.wrapping_add(1);
        self.last_sequence
    }

    fn next_stream(&mut self) -> StreamId {
        self.last_stream += 1;
        StreamId(self.last_stream)
    }

    /// Very old peers send port 0 for "the port of the receiver".
    fn reachable(&self, address: Address) -> Address {
        match address.port {
            0 => Address { port: self.settings.address.port, ..address },
            _ => address,
        }
    }
}

/// A host that is late again and again does not exchange states all the time.
const CATCH_UP_EVERY: Duration = Duration::from_secs(15);

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
