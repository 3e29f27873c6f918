//! Hosts and a network between them, in virtual time.
//!
//! Each host does in a few lines what the layer above does: it joins its targets at the start, and
//! every ten seconds those that are not members.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use bytes::Bytes;

use crate::machine::rng::Rng;
use crate::machine::{
    InboundId, Input, Memberlist, MemberlistNote, MemberlistSettings, MembershipEvent, Mono,
    Output, StreamId,
};
use crate::message::{Address, Label, Message, NodeName, StreamMessage};
use crate::wire::Compression;
use crate::wire::datagram::{Checksum, Envelope, encode_message, pack};
use crate::wire::stream::{self, StreamReader};

pub struct Simulation {
    pub now: Mono,
    pub hosts: Vec<Host>,
    pub network: Network,
    pub datagrams: u64,
    pub turns: u64,
    /// A hash of all events, to compare runs.
    pub trace: u64,
    seed: u64,
    rng: Rng,
    schedule: BTreeMap<(Mono, u64), ScheduledEvent>,
    events_scheduled: u64,
    tickets: BTreeMap<InboundId, Caller>,
}

pub struct Host {
    pub name: NodeName,
    pub address: Address,
    /// `None` while it is down.
    pub machine: Option<Memberlist>,
    pub events: Vec<(Mono, MembershipEvent)>,
    pub notes: Vec<(Mono, MemberlistNote)>,
    /// Addresses that it joins while they are not members.
    pub join_targets: BTreeSet<Address>,
    /// Inputs are delayed until then.
    pub paused_until: Mono,
    /// How long each datagram waits before it is read.
    pub receive_delay: Duration,
    /// Counts the starts of the host: what was meant for an earlier one is lost.
    boot: u64,
    rejoin_at: Mono,
}

pub struct Network {
    /// Datagrams lost, of a thousand.
    pub lost_permille: u64,
    pub duplicated_permille: u64,
    pub delay_max: Duration,
    /// Pairs that do not reach each other, in one direction.
    pub cut: BTreeSet<(usize, usize)>,
    /// The same, for datagrams only.
    pub datagrams_blocked: BTreeSet<(usize, usize)>,
}

#[derive(Clone)]
enum ScheduledEvent {
    Datagram { to: usize, from: Address, bytes: Bytes },
    Call { to: usize, caller: Caller, message: StreamMessage },
    Answer { caller: Caller, answer: Option<StreamMessage> },
}

/// A host that waits for a reply on a stream.
#[derive(Clone, Copy)]
struct Caller {
    host: usize,
    boot: u64,
    stream: StreamId,
    deadline: Mono,
}

impl Simulation {
    /// So many hosts, all up; each knows the address of the first.
    pub fn new(seed: u64, hosts: usize) -> Self {
        let mut simulation = Simulation {
            now: Mono(1_000_000_000),
            hosts: (0..hosts).map(Host::new).collect(),
            network: Network {
                lost_permille: 20,
                duplicated_permille: 10,
                delay_max: Duration::from_millis(20),
                cut: BTreeSet::new(),
                datagrams_blocked: BTreeSet::new(),
            },
            datagrams: 0,
            turns: 0,
            trace: 0,
            seed,
            rng: Rng::new(seed),
            schedule: BTreeMap::new(),
            events_scheduled: 0,
            tickets: BTreeMap::new(),
        };
        let first = simulation.hosts[0].address;
        for host in 0..hosts {
            if host > 0 {
                simulation.hosts[host].join_targets.insert(first);
            }
            simulation.start(host);
        }
        simulation
    }

    /// Starts the host again under the same name.
    pub fn start(&mut self, host: usize) {
        let mut out = Vec::new();
        let seed = self.rng.below(u64::MAX);
        let at = &mut self.hosts[host];
        let settings = MemberlistSettings::alertmanager(at.name.clone(), at.address, 0);
        at.machine = Some(Memberlist::new(self.now, settings, seed, &mut out));
        at.rejoin_at = self.now;
        self.perform(host, out);
    }

    /// Without a word.
    pub fn crash(&mut self, host: usize) {
        self.hosts[host].machine = None;
        self.hosts[host].boot += 1;
    }

    pub fn handle(&mut self, host: usize, input: Input) {
        let mut out = Vec::new();
        let Some(machine) = &mut self.hosts[host].machine else { return };
        machine.handle(self.now, input, &mut out);
        self.turns += 1;
        self.perform(host, out);
    }

    /// Neither side receives anything from the other any more.
    pub fn partition(&mut self, ours: &[usize], theirs: &[usize]) {
        for (a, b) in ours.iter().flat_map(|a| theirs.iter().map(move |b| (*a, *b))) {
            self.network.cut.extend([(a, b), (b, a)]);
        }
    }

    pub fn run(&mut self, by: Duration) {
        let end = self.now.plus(by);
        while self.step(end) {}
        self.now = end;
    }

    /// How long it took.
    pub fn run_until(
        &mut self,
        what: &str,
        limit: Duration,
        holds: impl Fn(&Simulation) -> bool,
    ) -> Duration {
        let begin = self.now;
        while !holds(self) {
            let went_on = self.step(begin.plus(limit));
            assert!(went_on, "not within {limit:?}: {what}\n{}", self.portrait());
        }
        self.now.since(begin)
    }

    /// The names that a host takes for members.
    pub fn members(&self, host: usize) -> Vec<&str> {
        let machine = self.hosts[host].machine.iter();
        machine.flat_map(|machine| machine.members().map(|node| node.name.as_str())).collect()
    }

    /// Whether every host that is up takes exactly those that are up for members.
    pub fn agree(&self) -> bool {
        let up = (0..self.hosts.len()).filter(|host| self.hosts[*host].machine.is_some());
        let names: Vec<&str> = up.clone().map(|host| self.hosts[host].name.as_str()).collect();
        up.into_iter().all(|host| self.members(host) == names)
    }

    pub fn count(&self, counts: impl Fn(&MembershipEvent) -> bool) -> usize {
        let events = self.hosts.iter().flat_map(|host| &host.events);
        events.filter(|(_, event)| counts(event)).count()
    }

    /// A forged message, as a datagram from nowhere.
    pub fn forge(&mut self, to: usize, message: &Message) {
        let label = Label::default();
        let envelope =
            Envelope { label: &label, checksum: Checksum::None, compression: Compression::None };
        let from = Address::new(Ipv4Addr::new(10, 9, 9, 9), 9094);
        for bytes in pack(&[&encode_message(message)], envelope) {
            self.handle(to, Input::Datagram { from, source: from.ip, bytes: bytes.into() });
        }
    }

    /// The next thing that happens before `end`.
    fn step(&mut self, end: Mono) -> bool {
        let next_call =
            (0..self.hosts.len()).filter_map(|host| Some((self.wakeup(host)?, host))).min();
        let next_happening = self.schedule.keys().next().copied();
        match (next_call, next_happening) {
            (call, Some((at, id))) if at <= end && call.is_none_or(|(call, _)| at <= call) => {
                self.now = self.now.max(at);
                if let Some(event) = self.schedule.remove(&(at, id)) {
                    self.handle_event(event);
                }
                true
            }
            (Some((at, host)), _) if at <= end => {
                self.now = self.now.max(at);
                self.wake(host);
                true
            }
            _ => false,
        }
    }

    fn wakeup(&self, host: usize) -> Option<Mono> {
        let host = &self.hosts[host];
        let machine = host.machine.as_ref()?;
        let own = machine.next_wakeup().into_iter().chain([host.rejoin_at]).min()?;
        Some(own.max(host.paused_until))
    }

    fn wake(&mut self, host: usize) {
        self.handle(host, Input::Tick);
        let at = &mut self.hosts[host];
        if at.rejoin_at > self.now {
            return;
        }
        at.rejoin_at = self.now.plus(Duration::from_secs(10));
        let members: Vec<Address> =
            at.machine.iter().flat_map(Memberlist::members).map(|node| node.address).collect();
        let lost: Vec<Address> =
            at.join_targets.iter().filter(|kind| !members.contains(kind)).copied().collect();
        for address in lost {
            self.handle(host, Input::Join(address));
        }
    }

    fn handle_event(&mut self, event: ScheduledEvent) {
        let host = match &event {
            ScheduledEvent::Datagram { to, .. } | ScheduledEvent::Call { to, .. } => *to,
            ScheduledEvent::Answer { caller, .. } => caller.host,
        };
        if self.hosts[host].paused_until > self.now {
            let later = self.hosts[host].paused_until;
            return self.plan(later, event);
        }
        match event {
            ScheduledEvent::Datagram { to, from, bytes } => {
                self.handle(to, Input::Datagram { from, source: from.ip, bytes });
            }
            ScheduledEvent::Call { to, caller, message } => self.call(to, caller, message),
            ScheduledEvent::Answer { caller, answer } => {
                if self.hosts[caller.host].boot != caller.boot {
                    return;
                }
                let stream = caller.stream;
                match answer.filter(|_| self.now <= caller.deadline) {
                    Some(answer) => {
                        self.handle(caller.host, Input::StreamReplied { stream, reply: answer })
                    }
                    None => self.handle(caller.host, Input::StreamFailed { stream }),
                }
            }
        }
    }

    fn call(&mut self, to: usize, caller: Caller, message: StreamMessage) {
        if self.hosts[to].machine.is_none() {
            return self.plan(self.now, ScheduledEvent::Answer { caller, answer: None });
        }
        let inbound = InboundId(self.events_scheduled);
        self.tickets.insert(inbound, caller);
        let from = self.hosts[caller.host].address;
        self.handle(to, Input::StreamOpened { inbound, from, message });
        assert!(!self.tickets.contains_key(&inbound), "every call is answered or closed");
    }

    fn perform(&mut self, host: usize, out: Vec<Output>) {
        for output in out {
            self.note_in_trace(host, &output);
            match output {
                Output::SendDatagram { to, bytes } => self.send(host, to, bytes.into()),
                Output::OpenStream { stream, to, message, deadline } => {
                    let boot = self.hosts[host].boot;
                    let caller = Caller { host, boot, stream, deadline };
                    self.open(caller, to, with_state(message));
                }
                Output::Reply { inbound, message } => self.close(host, inbound, Some(message)),
                Output::Close { inbound } => self.close(host, inbound, None),
                Output::Event(event) => {
                    if let MembershipEvent::Join { address, .. } = &event {
                        self.hosts[host].join_targets.insert(*address);
                    }
                    self.hosts[host].events.push((self.now, event));
                }
                Output::Note(note) => self.hosts[host].notes.push((self.now, note)),
            }
        }
    }

    fn send(&mut self, from: usize, to: Address, bytes: Bytes) {
        assert!(bytes.len() <= 1410, "a datagram of {} bytes", bytes.len());
        self.datagrams += 1;
        let Some(to) = self.host_at(to) else { return };
        let blocked = self.network.datagrams_blocked.contains(&(from, to));
        if blocked || self.network.cut.contains(&(from, to)) {
            return;
        }
        if self.rng.below(1000) < self.network.lost_permille {
            return;
        }
        let copies = 1 + usize::from(self.rng.below(1000) < self.network.duplicated_permille);
        for _ in 0..copies {
            let at = self.now.plus(self.delay()).plus(self.hosts[to].receive_delay);
            let (bytes, from) = (bytes.clone(), self.hosts[from].address);
            self.plan(at, ScheduledEvent::Datagram { to, from, bytes });
        }
    }

    /// A connection needs both directions; one that is cut is noticed at the deadline only.
    fn open(&mut self, caller: Caller, to: Address, message: StreamMessage) {
        let message = as_read(&message);
        match self.host_at(to).filter(|to| self.connects(caller.host, *to)) {
            Some(to) => {
                let at = self.now.plus(self.delay() * 3);
                self.plan(at, ScheduledEvent::Call { to, caller, message });
            }
            None => self.plan(caller.deadline, ScheduledEvent::Answer { caller, answer: None }),
        }
    }

    fn close(&mut self, host: usize, inbound: InboundId, answer: Option<StreamMessage>) {
        let caller = self.tickets.remove(&inbound).expect("an id is used once");
        let answer = answer.map(|answer| as_read(&with_state(answer)));
        let at = match self.connects(host, caller.host) {
            true => self.now.plus(self.delay()),
            false => caller.deadline.plus(Duration::from_nanos(1)).max(self.now),
        };
        self.plan(at, ScheduledEvent::Answer { caller, answer });
    }

    fn connects(&self, a: usize, b: usize) -> bool {
        !self.network.cut.contains(&(a, b)) && !self.network.cut.contains(&(b, a))
    }

    fn host_at(&self, address: Address) -> Option<usize> {
        self.hosts.iter().position(|host| host.address == address)
    }

    fn delay(&mut self) -> Duration {
        self.rng.delay_below(self.network.delay_max)
    }

    fn plan(&mut self, at: Mono, event: ScheduledEvent) {
        self.events_scheduled += 1;
        self.schedule.insert((at, self.events_scheduled), event);
    }

    fn note_in_trace(&mut self, host: usize, output: &Output) {
        for byte in format!("{} {host} {output:?}", self.now.0).bytes() {
            self.trace = (self.trace ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// Who takes whom for a member, of those who are up.
    fn portrait(&self) -> String {
        let up = (0..self.hosts.len()).filter(|host| self.hosts[*host].machine.is_some());
        let names: BTreeSet<&str> = up.clone().map(|host| self.hosts[host].name.as_str()).collect();
        let lines = up.map(|host| {
            let members = BTreeSet::from_iter(self.members(host));
            let lacking: Vec<_> = names.difference(&members).collect();
            let surplus: Vec<_> = members.difference(&names).collect();
            format!("{}: lacks {lacking:?}, has also {surplus:?}", self.hosts[host].name)
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

impl Host {
    fn new(number: usize) -> Self {
        let last = u8::try_from(number + 1).expect("fewer than 255 hosts");
        Host {
            name: NodeName::new(&format!("n{number:02}")).expect("short"),
            address: Address::new(Ipv4Addr::new(10, 0, 0, last), 9094),
            machine: None,
            events: Vec::new(),
            notes: Vec::new(),
            join_targets: BTreeSet::new(),
            paused_until: Mono(0),
            receive_delay: Duration::ZERO,
            boot: 0,
            rejoin_at: Mono(0),
        }
    }
}

impl Drop for Simulation {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the scenario failed at seed {}, after {} turns", self.seed, self.turns);
        }
    }
}

/// The layer above has something to say in every push-pull.
fn with_state(message: StreamMessage) -> StreamMessage {
    match message {
        StreamMessage::PushPull(mut push_pull) => {
            assert!(push_pull.user_state.is_empty(), "that is for the layer above to fill");
            push_pull.user_state = Bytes::from_static(b"all that I know");
            StreamMessage::PushPull(push_pull)
        }
        other => other,
    }
}

/// Through the codec and back.
fn as_read(message: &StreamMessage) -> StreamMessage {
    let bytes = stream::encode(message, Compression::None);
    let read = StreamReader::reply().push(&bytes);
    read.expect("we read what we write").expect("it is whole")
}
