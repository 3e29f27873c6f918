//! The cluster layer: what Alertmanagers do with the membership protocol.
//!
//! They replicate opaque data under keys, exchange full states, wait after the start until the cluster
//! has settled, and try to rejoin peers that failed. [`Cluster`] is all of that around the
//! [`Memberlist`], in the same shape: [`Input`]s with a reading of the clock go in, [`Output`]s come
//! out, and [`Cluster::next_wakeup`] says when to call it if nothing happens.
//!
//! - An update goes to all members: small ones by gossip, large or many ones by streams.
//! - The full state is part of every push-pull; the layer above provides it on request.
//! - The configured peers' names are looked up repeatedly, and failed peers are rejoined (`roster`).
//! - After the start the cluster takes a while to settle (`settle`).
//!
//! It does not know what the data mean, nor how datagrams, streams and lookups are performed.

mod turn;

mod settings;

mod payload;

pub mod part;

mod exchange;
mod oversize;
mod roster;
mod settle;
mod trouble;

mod streams;
mod updates;

mod counters;
mod failure;
mod note;
mod status;

use std::collections::BTreeMap;
use std::time::Duration;

pub use counters::{Counters, Histogram, OversizeCounters, PeerCounters, Traffic, Volume};
pub use failure::{JoinFailure, Refused};
pub use note::{ClusterNote, Forgotten, JoinCause};
pub use oversize::OVERSIZE_WAITING_BYTES_MAX;
pub use payload::StreamPayload;
pub use roster::{ADDRESSES_PER_NAME_MAX, FAILED_PEERS_MAX};
pub use settings::ClusterSettings;
pub use status::{Member, Missing, RefusedMembers, Settling, Status};
pub use streams::EXCHANGES_MAX;
pub use turn::{
    Input, OutboundId, Output, ReceivedVia, ReplyWanted, SendVia, StateToken, StreamFailure,
    StreamOutcome,
};
pub use updates::GOSSIP_BYTES_MAX;

use crate::machine::{self, Memberlist, MembershipEvent, Mono, Refusal, StreamId};
use crate::message::{Address, NodeName, NodeStatus, StreamMessage};
use crate::wire::StreamError;
use exchange::{Exchange, Exchanges, Side};
use oversize::Oversize;
use part::Part;
use roster::{Departure, Roster, Visit};
use settle::{Poll, Settle};
use trouble::Troubles;

/// One Alertmanager as a member of its cluster.
#[derive(Debug)]
pub struct Cluster {
    settings: ClusterSettings,
    machine: Memberlist,
    roster: Roster,
    settle: Settle,
    troubles: Troubles,
    /// It was said that peers are missing.
    incomplete: bool,
    exchanges: Exchanges,
    oversize: Oversize,
    /// Outbound streams that have not ended.
    streams: BTreeMap<OutboundId, Purpose>,
    last_stream: u64,
    counters: Counters,
    members_changed: bool,
    /// Names of which a conflict was said, and when.
    conflicts: BTreeMap<NodeName, Mono>,
    /// When it was last said that a member was refused.
    refusal_said_at: Option<Mono>,
    next_tidy: Mono,
    /// Reused between turns.
    scratch: Vec<machine::Output>,
    notes: Vec<ClusterNote>,
}

/// What an outbound stream is for.
#[derive(Debug)]
enum Purpose {
    /// A stream of the membership machine; a push-pull carries a full state of `state_bytes`.
    Machine {
        stream: StreamId,
        to: Address,
        state_bytes: Option<usize>,
    },
    /// One peer's copy of a batch of oversized messages.
    Oversize {
        key: String,
        peer: NodeName,
        since: Mono,
    },
    Direct,
    /// The ping before a join: does the expected node answer at the address?
    Check {
        visit: Visit,
        sequence: u32,
    },
}

impl Cluster {
    /// This node is a member at once; `out` gets the first lookups.
    pub fn new(now: Mono, settings: ClusterSettings, seed: u64, out: &mut Vec<Output>) -> Self {
        let mut scratch = Vec::new();
        let machine = Memberlist::new(now, settings.machine.clone(), seed, &mut scratch);
        let settle_interval = settings.machine.gossip_interval * SETTLE_INTERVAL_GOSSIPS;
        let mut cluster = Self {
            roster: Roster::new(now, &settings),
            settle: Settle::new(now, settle_interval, settings.settle_timeout),
            settings,
            machine,
            troubles: Troubles::default(),
            incomplete: false,
            exchanges: Exchanges::default(),
            oversize: Oversize::default(),
            streams: BTreeMap::new(),
            last_stream: 0,
            counters: Counters::default(),
            members_changed: false,
            conflicts: BTreeMap::new(),
            refusal_said_at: None,
            next_tidy: now.plus(TIDY_INTERVAL),
            scratch: Vec::new(),
            notes: vec![ClusterNote::SettleStarted { interval: settle_interval }],
        };
        for output in scratch.drain(..) {
            cluster.carry(now, output, out);
        }
        cluster.scratch = scratch;
        cluster.expect_peers(now, out);
        cluster.advance(now, out);
        cluster
    }

    /// Handles an input, and then what is due. Appends to `out`, which is never read.
    ///
    /// `now` must not be behind that of an earlier call.
    pub fn handle(&mut self, now: Mono, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Tick => {}
            Input::Datagram { from, source, bytes } => {
                self.feed(now, machine::Input::Datagram { from, source, bytes }, out);
            }
            Input::Unreachable { to } => self.feed(now, machine::Input::Unreachable { to }, out),
            Input::Opened { stream, from, message } => {
                self.handle_opened(now, stream, from, message, out);
            }
            Input::Malformed { from, error } => {
                let (StreamError::Reply(error) | StreamError::Close(error)) = error;
                self.count_dropped(error.reason());
                self.note_refused(now, from, Refused::Malformed, error.to_string());
            }
            Input::HandshakeFailed { from, error } => {
                self.counters.handshakes_failed += 1;
                self.note_refused(now, from, Refused::Handshake, error);
            }
            Input::Ended { stream, outcome, error } => {
                self.handle_ended(now, stream, outcome, error, out);
            }
            Input::Resolved { name, addresses, error } => {
                self.roster.resolved(now, &name, &addresses, error, &mut self.notes);
                self.expect_peers(now, out);
            }
            Input::Broadcast { key, data } => self.handle_broadcast(now, key, data, out),
            Input::SendToPeer { peer, key, data, via } => {
                self.handle_send_to_peer(now, &peer, Part { key, data }, via, out);
            }
            Input::CheckLiveness { peer } => {
                self.feed(now, machine::Input::CheckLiveness(peer), out)
            }
            Input::Forward { key, data } => self.handle_forward(now, key, data, out),
            Input::State { token, parts } => self.handle_state(token, parts, out),
            Input::SetMeta(meta) => self.feed(now, machine::Input::SetMeta(meta), out),
            Input::Leave => {
                self.roster.leave();
                self.feed(now, machine::Input::Leave, out);
            }
        }
        self.advance(now, out);
    }

    /// When to call [`Cluster::handle`] if nothing happens before; may be past.
    pub fn next_wakeup(&self) -> Option<Mono> {
        [
            self.machine.next_wakeup(),
            self.settle.next_wakeup(),
            self.exchanges.next_wakeup(),
            Some(self.roster.next_wakeup()),
            Some(self.next_tidy),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// The members, including suspects and this node, sorted by name.
    pub fn members(&self) -> impl Iterator<Item = Member> {
        self.machine.members().map(|node| Member {
            name: node.name.clone(),
            address: node.address,
            meta: node.meta.clone(),
            suspect: node.status == NodeStatus::Suspect,
        })
    }

    /// This node's position among the members, from 0; earlier ones notify first.
    pub fn position(&self) -> usize {
        let own = self.machine.local().0;
        self.machine.members().take_while(|node| node.name < *own).count()
    }

    pub fn is_settled(&self) -> bool {
        self.settle.is_settled()
    }

    /// The cluster as this node sees it.
    pub fn status(&self) -> Status {
        let (name, address) = self.machine.local();
        let settling = (!self.settle.is_settled()).then(|| Settling {
            polls_missing: self.settle.polls_missing(),
            unresolved: self.roster.unresolved().map(str::to_owned).collect(),
            joining: self.roster.joining().collect(),
        });
        Status {
            name: name.clone(),
            address,
            settling,
            position: self.position(),
            members: self.members().collect(),
            refused: self.refused(),
            expected: self.roster.expected(),
            missing: self.roster.missing(&self.troubles),
            failed_peers: self.roster.failed(),
            messages_queued: self.machine.user_queue_len(),
            health_score: self.machine.health_score(),
        }
    }

    /// Members that were refused, if there are as many as may be.
    fn refused(&self) -> Option<RefusedMembers> {
        let (limit, count) =
            (self.settings.machine.limits.members_max, self.counters.members_refused);
        let is_full = self.machine.size() >= limit;
        (is_full && count > 0).then_some(RefusedMembers { count, limit })
    }

    pub fn counters(&self) -> Counters {
        let mut counters = self.counters.clone();
        let gossiped = self.machine.user_sent();
        counters.sent.update.messages += gossiped.messages;
        counters.sent.update.bytes += gossiped.bytes;
        counters
    }

    /// Does what is due, and what follows from the input.
    fn advance(&mut self, now: Mono, out: &mut Vec<Output>) {
        if self.machine.next_wakeup().is_some_and(|at| at <= now) {
            self.feed(now, machine::Input::Tick, out);
        }
        while let Some(exchange) = self.exchanges.take_overdue(now) {
            self.notes.push(ClusterNote::StateMissing);
            match exchange.side {
                Side::Ours { stream, .. } => {
                    self.feed(now, machine::Input::StreamFailed { stream }, out);
                }
                Side::Theirs { inbound } => out.push(Output::Close { stream: inbound }),
            }
        }
        let lookups = self.roster.advance(now, &mut self.notes);
        out.extend(lookups.into_iter().map(|name| Output::Resolve { name }));
        while let Some(visit) = self.roster.next_visit() {
            self.visit(now, visit, out);
        }
        self.pump_oversize(now, out);
        if now >= self.next_tidy {
            self.next_tidy = now.plus(TIDY_INTERVAL);
            let machine = &self.machine;
            self.counters.peers.retain(|name, _| machine.node(name).is_some());
            self.troubles.tidy(now, |address| self.roster.expects(address));
            self.conflicts.retain(|_, said| now.since(*said) < SAID_AGAIN_AFTER);
        }
        self.poll_settle(now, out);
        if std::mem::take(&mut self.members_changed) {
            out.push(Output::MembersChanged);
        }
        out.extend(self.notes.drain(..).map(Output::Note));
    }

    fn poll_settle(&mut self, now: Mono, out: &mut Vec<Output>) {
        let (note, timed_out) =
            match self.settle.poll(now, self.machine.size(), self.roster.is_joining()) {
                Poll::NotDue => return,
                Poll::Unsettled { polls, before, now, elapsed, steady } => {
                    self.notes.push(ClusterNote::SettlePoll {
                        polls,
                        before,
                        now,
                        elapsed,
                        steady,
                    });
                    return;
                }
                Poll::Settled { elapsed } => (ClusterNote::Settled { elapsed }, false),
                Poll::TimedOut { polls, elapsed } => {
                    (ClusterNote::SettleTimedOut { polls, elapsed }, true)
                }
            };
        self.notes.push(note);
        self.note_if_incomplete();
        out.push(Output::Settled { timed_out });
    }

    /// Configured peers may be members whatever the limit.
    fn expect_peers(&mut self, now: Mono, out: &mut Vec<Output>) {
        let named = self.roster.named().collect();
        self.feed(now, machine::Input::Expect(named), out);
    }

    /// Passes an input to the membership machine and handles its outputs.
    fn feed(&mut self, now: Mono, input: machine::Input, out: &mut Vec<Output>) {
        let mut outputs = std::mem::take(&mut self.scratch);
        self.machine.handle(now, input, &mut outputs);
        for output in outputs.drain(..) {
            self.carry(now, output, out);
        }
        self.scratch = outputs;
    }

    fn carry(&mut self, now: Mono, output: machine::Output, out: &mut Vec<Output>) {
        match output {
            machine::Output::SendDatagram { to, bytes } => {
                out.push(Output::SendDatagram { to, bytes });
            }
            machine::Output::OpenStream { stream, to, message, deadline } => match message {
                StreamMessage::PushPull(push_pull) => {
                    let side = Side::Ours { stream, to };
                    self.request_state(Exchange { push_pull, side, deadline }, out);
                }
                message => {
                    let purpose = Purpose::Machine { stream, to, state_bytes: None };
                    self.open(
                        purpose,
                        to,
                        StreamPayload::new(message),
                        ReplyWanted::Yes,
                        deadline,
                        out,
                    );
                }
            },
            machine::Output::Reply { inbound, message } => match message {
                StreamMessage::PushPull(push_pull) => {
                    let deadline = now.plus(self.settings.machine.stream_timeout);
                    let side = Side::Theirs { inbound };
                    self.request_state(Exchange { push_pull, side, deadline }, out);
                }
                message => {
                    out.push(Output::Reply {
                        stream: inbound,
                        payload: StreamPayload::new(message),
                    });
                }
            },
            machine::Output::Close { inbound } => out.push(Output::Close { stream: inbound }),
            machine::Output::Event(event) => self.carry_event(now, event, out),
            machine::Output::Note(note) => self.carry_note(now, note),
        }
    }

    fn carry_event(&mut self, now: Mono, event: MembershipEvent, out: &mut Vec<Output>) {
        match event {
            MembershipEvent::Join { node, address } => {
                self.members_changed = true;
                self.counters.peers_joined += 1;
                if node != *self.machine.local().0 {
                    let away = self.roster.joined(now, &node, address);
                    self.troubles.ended(roster::canonical(address));
                    self.notes.push(ClusterNote::PeerJoined { peer: node, address, away });
                    self.note_if_complete();
                }
            }
            MembershipEvent::Leave { node, address, graceful } => {
                self.members_changed = true;
                self.counters.peers_left += 1;
                if node != *self.machine.local().0 {
                    let departure = if graceful { Departure::Left } else { Departure::Failed };
                    self.roster.lost(now, &node, address, departure, &mut self.notes);
                    self.incomplete |= !graceful;
                    self.notes.push(ClusterNote::PeerLost { peer: node, address, left: graceful });
                }
            }
            MembershipEvent::Update { node: _ } => {
                self.members_changed = true;
                self.counters.peers_updated += 1;
            }
            MembershipEvent::Conflict { node, address, claimed } => {
                self.counters.name_conflicts += 1;
                // Anyone can claim any name as often as it likes.
                let is_new = !self.conflicts.contains_key(&node);
                if is_new && self.conflicts.len() < CONFLICTS_SAID_MAX {
                    self.conflicts.insert(node.clone(), now);
                    let note =
                        ClusterNote::NameConflict { peer: node, known: address, other: claimed };
                    self.notes.push(note);
                }
            }
            MembershipEvent::UserMessage { from, via, body } => {
                self.receive_update(from, via, body, out)
            }
            MembershipEvent::RemoteState { from, join: _, body } => {
                self.receive_state(from, body, out)
            }
            MembershipEvent::PingRtt { node, rtt } => {
                self.counters.peers.entry(node).or_default().pings.observe(rtt);
            }
            MembershipEvent::LivenessConfirmed { node } => {
                out.push(Output::PeerAlive { peer: node })
            }
            MembershipEvent::AliveSeen { node } => {
                self.counters.peers.entry(node).or_default().alive_messages += 1;
            }
            MembershipEvent::JoinEnded { address, outcome } => {
                self.join_ended(now, address, outcome);
            }
            MembershipEvent::LeaveDone => out.push(Output::Left),
        }
    }

    /// Says what came from the host of a peer and was refused; a stranger's is only counted.
    fn note_refused(&mut self, now: Mono, from: Address, why: Refused, error: String) {
        if self.roster.knows_host(from) && self.troubles.refused(now, from.ip, why) {
            self.notes.push(ClusterNote::RefusedFromPeer { from, why, error });
        }
    }

    fn note_foreign(&mut self, now: Mono, address: Address) {
        self.counters.foreign_refused += 1;
        let news = self.troubles.refused(now, address.ip, Refused::Foreign);
        self.notes.push(ClusterNote::ForeignCluster { address, news });
    }

    /// Says at the end of the wait for a settled cluster which peers are missing.
    fn note_if_incomplete(&mut self) {
        let missing = self.roster.missing(&self.troubles);
        if !missing.is_empty() {
            self.incomplete = true;
            self.notes.push(ClusterNote::Incomplete { members: self.machine.size(), missing });
        }
    }

    fn note_if_complete(&mut self) {
        if self.incomplete && self.roster.missing(&self.troubles).is_empty() {
            self.incomplete = false;
            self.notes.push(ClusterNote::Complete { members: self.machine.size() });
        }
    }

    fn carry_note(&mut self, now: Mono, note: machine::MemberlistNote) {
        if let machine::MemberlistNote::MergeRefused { from, refusal: Refusal::Cluster } = note {
            self.note_foreign(now, from);
            return;
        }
        if let machine::MemberlistNote::Undecodable { error, .. } = &note {
            self.count_dropped(error.reason());
        }
        if let machine::MemberlistNote::MembersFull { .. } = note {
            self.counters.members_refused += 1;
            let is_again = |at: Mono| now.since(at) < SAID_AGAIN_AFTER;
            if self.refusal_said_at.is_some_and(is_again) {
                return;
            }
            self.refusal_said_at = Some(now);
        }
        if let machine::MemberlistNote::QueuePruned { count } = note {
            self.counters.messages_pruned += count as u64;
        }
        self.notes.push(ClusterNote::Membership(note));
    }
}

/// The interval between settle polls in gossip intervals, as in Go.
const SETTLE_INTERVAL_GOSSIPS: u32 = 10;
/// How long it is not said again that a name has a conflict, or that there are too many members.
const SAID_AGAIN_AFTER: Duration = Duration::from_mins(10);
/// Limit: names of which a conflict is said in that time; others are only counted.
const CONFLICTS_SAID_MAX: usize = 20;
/// How often the counters of forgotten nodes are dropped.
const TIDY_INTERVAL: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests;
