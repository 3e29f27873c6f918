//! A few clusters' nodes in virtual time: what one sends, another gets a millisecond later.
//!
//! Small on purpose: nothing is lost but where a test says so.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;

use crate::cluster::{
    Cluster, ClusterNote, ClusterSettings, Input, OutboundId, Output, ReceivedVia, ReplyWanted,
    SendVia, StreamFailure, StreamOutcome,
};
use crate::machine::{InboundId, Mono};
use crate::message::{Address, Label, NodeName};

pub(super) struct TestCluster {
    pub now: Mono,
    nodes: BTreeMap<Address, Node>,
    /// What happens next, in order.
    pending: BTreeMap<(Mono, u64), (Address, Input)>,
    last: u64,
    /// Streams that wait for an answer: who opened them.
    streams: BTreeMap<InboundId, (Address, OutboundId, ReplyWanted)>,
    pub names: BTreeMap<String, Vec<Address>>,
    /// What the layers above have to say.
    states: BTreeMap<Address, Vec<(String, Bytes)>>,
    silent: BTreeSet<Address>,
    pub states_wanted: usize,
    /// Pairs that do not reach each other.
    pub cut: BTreeSet<(Address, Address)>,
    /// Who opened a stream to whom, ever.
    pub streams_opened: Vec<(Address, Address)>,
}

struct Node {
    cluster: Cluster,
    label: Label,
    received: Vec<(String, Bytes, ReceivedVia)>,
    notes: Vec<ClusterNote>,
    settled: Option<(Mono, bool)>,
    left: Option<Mono>,
    changes: usize,
}

/// Node `n` listens at `10.0.0.n:9094`.
pub(super) fn address(n: u8) -> Address {
    Address::new([10, 0, 0, n], 9094)
}

pub(super) fn settings(name: &str, n: u8, peers: &[&str]) -> ClusterSettings {
    let peers = peers.iter().map(|peer| (*peer).to_owned()).collect();
    ClusterSettings::alertmanager(NodeName::new(name).unwrap(), address(n), peers)
}

impl TestCluster {
    pub fn new() -> Self {
        TestCluster {
            now: Mono(1_000_000_000),
            nodes: BTreeMap::new(),
            pending: BTreeMap::new(),
            last: 0,
            streams: BTreeMap::new(),
            names: BTreeMap::new(),
            states: BTreeMap::new(),
            silent: BTreeSet::new(),
            states_wanted: 0,
            cut: BTreeSet::new(),
            streams_opened: Vec::new(),
        }
    }

    /// Three nodes that know the first one and have settled.
    pub fn of_three() -> Self {
        let mut cluster = Self::new();
        for (name, n) in [("a", 1), ("b", 2), ("c", 3)] {
            cluster.boot(settings(name, n, &["10.0.0.1:9094"]));
        }
        cluster.run(Duration::from_secs(20));
        cluster
    }

    pub fn boot(&mut self, settings: ClusterSettings) {
        let at = settings.machine.address;
        let mut out = Vec::new();
        let label = settings.machine.label.clone();
        let cluster = Cluster::new(self.now, settings, u64::from(at.port) + self.last, &mut out);
        let node = Node {
            cluster,
            label,
            received: vec![],
            notes: vec![],
            settled: None,
            left: None,
            changes: 0,
        };
        self.nodes.insert(at, node);
        self.perform(at, out);
    }

    pub fn crash(&mut self, n: u8) {
        self.nodes.remove(&address(n));
    }

    pub fn give(&mut self, n: u8, input: Input) {
        let at = address(n);
        let mut out = Vec::new();
        self.nodes.get_mut(&at).unwrap().cluster.handle(self.now, input, &mut out);
        self.perform(at, out);
    }

    pub fn broadcast(&mut self, n: u8, key: &str, data: &[u8]) {
        self.give(n, Input::Broadcast { key: key.to_owned(), data: Bytes::copy_from_slice(data) });
    }

    pub fn send_to_peer(&mut self, n: u8, peer: &str, data: &[u8], via: SendVia) {
        let (peer, key) = (NodeName::new(peer).unwrap(), "own".to_owned());
        self.give(n, Input::SendToPeer { peer, key, data: Bytes::copy_from_slice(data), via });
    }

    pub fn run(&mut self, time: Duration) {
        let end = self.now.plus(time);
        loop {
            let next = self.pending.keys().next().map(|(at, _)| *at);
            let wakeups = self.nodes.iter();
            let wakeup =
                wakeups.filter_map(|(at, node)| Some((node.cluster.next_wakeup()?, *at))).min();
            let due = next.into_iter().chain(wakeup.map(|(at, _)| at)).min().unwrap_or(end);
            if due > end {
                break;
            }
            self.now = self.now.max(due);
            if next.is_some_and(|at| wakeup.is_none_or(|(wakeup, _)| at <= wakeup)) {
                let (_, (to, input)) = self.pending.pop_first().unwrap();
                self.deliver(to, input);
            } else if let Some((_, at)) = wakeup {
                self.deliver(at, Input::Tick);
            }
        }
        self.now = end;
    }

    pub fn cluster(&self, n: u8) -> &Cluster {
        &self.nodes[&address(n)].cluster
    }

    pub fn cluster_mut(&mut self, n: u8) -> &mut Cluster {
        &mut self.nodes.get_mut(&address(n)).unwrap().cluster
    }

    pub fn members(&self, n: u8) -> Vec<String> {
        self.cluster(n).members().map(|member| member.name.to_string()).collect()
    }

    pub fn received(&self, n: u8) -> &[(String, Bytes, ReceivedVia)] {
        &self.nodes[&address(n)].received
    }

    pub fn notes(&self, n: u8) -> &[ClusterNote] {
        &self.nodes[&address(n)].notes
    }

    /// Since `began`, and whether its time ran out.
    pub fn settled(&self, n: u8, began: Mono) -> Option<(Duration, bool)> {
        self.nodes[&address(n)].settled.map(|(at, timed_out)| (at.since(began), timed_out))
    }

    pub fn left(&self, n: u8) -> Option<Mono> {
        self.nodes[&address(n)].left
    }

    pub fn changes(&self, n: u8) -> usize {
        self.nodes[&address(n)].changes
    }

    pub fn set_state(&mut self, n: u8, state: &[(&str, &'static [u8])]) {
        let state = state.iter().map(|(key, data)| ((*key).to_owned(), Bytes::from_static(data)));
        self.states.insert(address(n), state.collect());
    }

    pub fn keep_state_back(&mut self, n: u8) {
        self.silent.insert(address(n));
    }

    pub fn separate(&mut self, one: u8, others: &[u8]) {
        for other in others {
            self.cut.insert((address(one), address(*other)));
            self.cut.insert((address(*other), address(one)));
        }
    }

    fn deliver(&mut self, to: Address, input: Input) {
        let Some(node) = self.nodes.get_mut(&to) else { return };
        let mut out = Vec::new();
        node.cluster.handle(self.now, input, &mut out);
        self.perform(to, out);
    }

    fn later(&mut self, to: Address, input: Input) {
        self.last += 1;
        self.pending.insert((self.now.plus(Duration::from_millis(1)), self.last), (to, input));
    }

    fn reaches(&self, from: Address, to: Address) -> bool {
        self.nodes.contains_key(&to) && !self.cut.contains(&(from, to))
    }

    fn perform(&mut self, at: Address, outputs: Vec<Output>) {
        for output in outputs {
            self.perform_one(at, output);
        }
    }

    fn perform_one(&mut self, at: Address, output: Output) {
        let now = self.now;
        match output {
            Output::SendDatagram { to, bytes } => {
                if self.reaches(at, to) {
                    self.later(
                        to,
                        Input::Datagram { from: at, source: at.ip, bytes: bytes.into() },
                    );
                }
                return;
            }
            Output::Open { stream, to, payload, reply_wanted: reply, deadline: _ } => {
                self.streams_opened.push((at, to));
                if !self.reaches(at, to) {
                    let outcome = StreamOutcome::Failed(StreamFailure::Unreachable);
                    return self.later(at, Input::Ended { stream, outcome, error: None });
                }
                if self.nodes[&at].label != self.nodes[&to].label {
                    let outcome = StreamOutcome::Failed(StreamFailure::Closed);
                    return self.later(at, Input::Ended { stream, outcome, error: None });
                }
                self.last += 1;
                let inbound = InboundId(self.last);
                self.streams.insert(inbound, (at, stream, reply));
                let message = payload.into_message();
                return self.later(to, Input::Opened { stream: inbound, from: at, message });
            }
            Output::Reply { stream, payload } => {
                let (opener, stream, _) = self.streams.remove(&stream).expect("it was open");
                let outcome = StreamOutcome::Replied(payload.into_message());
                return self.later(opener, Input::Ended { stream, outcome, error: None });
            }
            Output::Close { stream } => {
                let (opener, stream, reply) = self.streams.remove(&stream).expect("it was open");
                let outcome = match reply {
                    ReplyWanted::No => StreamOutcome::Sent,
                    ReplyWanted::Yes => StreamOutcome::Failed(StreamFailure::Closed),
                };
                return self.later(opener, Input::Ended { stream, outcome, error: None });
            }
            Output::Resolve { name } => {
                let addresses = self.names.get(&name).cloned().unwrap_or_default();
                return self.later(at, Input::Resolved { name, addresses, error: None });
            }
            Output::StateRequested { token } => {
                self.states_wanted += 1;
                if !self.silent.contains(&at) {
                    let parts = self.states.get(&at).cloned().unwrap_or_default();
                    self.later(at, Input::State { token, parts });
                }
                return;
            }
            Output::Received { .. }
            | Output::PeerAlive { .. }
            | Output::Settled { .. }
            | Output::MembersChanged
            | Output::Left
            | Output::Note(_) => {}
        }
        let node = self.nodes.get_mut(&at).unwrap();
        match output {
            Output::Received { key, data, from: _, via } => node.received.push((key, data, via)),
            Output::Settled { timed_out } => node.settled = Some((now, timed_out)),
            Output::MembersChanged => node.changes += 1,
            Output::Left => node.left = Some(now),
            Output::Note(note) => node.notes.push(note),
            _ => {}
        }
    }
}
