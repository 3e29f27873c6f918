//! The world of a cluster: moves time from one event to the next.
//!
//! What nodes say to each other and to receivers is in `carry`, what senders and operators do in
//! `deeds`, and what goes wrong in `misfortune`.

mod carry;
mod deeds;
mod misfortune;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bellwether_engine::{DeliveryId, Input, Plan, Ticket};
use bellwether_memberlist::cluster::{self, Outbound, Reply, StateToken};
use bellwether_memberlist::{self as memberlist, Address, StreamMessage};
use bellwether_model::{GroupKey, IntegrationId, Outcome, Timestamp};

use super::book::Book;
use super::excuses::Excuses;
use super::host::{Delivered, Host};
use super::judges::{self, Patience};
use super::people::{self, Promised, Report, Sent, SentState};
use super::swarm::{Fault, Swarm};
use super::{Life, network::Network};
use crate::rng::Rng;
use crate::{Trace, plans};

pub struct World<'t> {
    pub at: Duration,
    pub hosts: Vec<Host>,
    /// Who tells whom about what, as it arrives.
    pub arrivals: Vec<(Duration, usize, IntegrationId)>,
    swarm: Swarm,
    /// Whether misfortune has ended.
    healed: bool,
    /// One generator for each kind of chance.
    weather: Rng,
    faults: Rng,
    deeds: Rng,
    plan: Arc<Plan>,
    network: Network,
    events: BTreeMap<(Duration, u64), Event>,
    events_made: u64,
    streams: BTreeMap<StreamKey, Reply>,
    /// Where the answer goes on a stream that a peer has opened.
    tickets: BTreeMap<memberlist::Ticket, StreamKey>,
    requests: BTreeMap<(usize, Ticket), Request>,
    numbers: u64,
    attempts: BTreeMap<(usize, IntegrationId, GroupKey), DeliveryId>,
    sent: Vec<Sent>,
    promised: Vec<Promised>,
    book: Book,
    patience: Patience,
    excuses: Excuses,
    /// When each receiver last was in trouble.
    trouble: BTreeMap<String, Duration>,
    /// What ends the disturbance that a node's absence is.
    absences: BTreeMap<usize, usize>,
    partition: Option<usize>,
    crashes: u64,
    trace: Trace<'t>,
}

enum Event {
    Datagram { to: usize, from: Address, bytes: Vec<u8> },
    Opened { to: usize, from: Address, stream: StreamKey, message: StreamMessage },
    Ended { stream: StreamKey, outcome: cluster::Outcome },
    Post { to: usize, reports: Vec<(usize, Report)> },
    Commit { node: usize, boot: u64 },
    Answer { node: usize, boot: u64, delivery: DeliveryId, key: Told, outcome: Outcome },
    GiveUp { node: usize, boot: u64, delivery: DeliveryId, key: Told },
    Start { node: usize },
    Report,
    Operate,
    Inspect,
    Misfortune,
    Mend,
    Recover { disturbance: usize },
}

type Told = (IntegrationId, GroupKey);

/// A stream, by who opened it in which of its lives.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct StreamKey {
    node: usize,
    boot: u64,
    stream: Outbound,
}

/// What an answer will be the answer to.
enum Request {
    Post(Vec<(usize, Report)>),
    Silence { number: usize, ends_at: Timestamp, expires: bool },
    Memory(StateToken),
}

impl<'t> World<'t> {
    pub fn new(seed: u64, trace: Trace<'t>) -> Self {
        let mut rng = Rng::new(seed);
        let swarm = Swarm::draw(&mut rng);
        Self::with(swarm, &mut rng, trace)
    }

    pub fn with(swarm: Swarm, rng: &mut Rng, trace: Trace<'t>) -> Self {
        let mut excuses = Excuses::default();
        // With much loss gossip may fail for a minute; and of news that did not reach a node, or of
        // clocks that differ by much, it cannot know what is right.
        if DISTURBING.iter().any(|fault| swarm.has(*fault)) || swarm.commit_max > COMMIT_SOON {
            excuses.for_good();
        }
        World {
            at: Duration::ZERO,
            hosts: swarm.skew.iter().enumerate().map(|(n, skew)| Host::new(n, *skew)).collect(),
            arrivals: Vec::new(),
            healed: false,
            weather: rng.fork(),
            faults: rng.fork(),
            deeds: rng.fork(),
            plan: plans::flock_plan(),
            network: Network::new(swarm.delay_max, swarm.loss, swarm.duplication),
            events: BTreeMap::new(),
            events_made: 0,
            streams: BTreeMap::new(),
            tickets: BTreeMap::new(),
            requests: BTreeMap::new(),
            numbers: 0,
            attempts: BTreeMap::new(),
            sent: people::all_alerts(swarm.nodes),
            promised: Vec::new(),
            book: Book::default(),
            patience: Patience::default(),
            excuses,
            trouble: BTreeMap::new(),
            absences: BTreeMap::new(),
            partition: None,
            crashes: 0,
            trace,
            swarm,
        }
    }

    pub fn live(self) -> Result<Life, String> {
        let (nodes, faults) = (self.swarm.nodes, format!("{:?}", self.swarm.faults));
        self.run_its_course()
            .map_err(|what| format!("{what}\nin a cluster of {nodes} with {faults}"))
    }

    fn run_its_course(mut self) -> Result<Life, String> {
        let swarm = format!("{:?}", self.swarm);
        self.note(|| swarm);
        self.boot()?;
        for event in [Event::Report, Event::Operate, Event::Inspect, Event::Misfortune] {
            self.plan_event(Duration::from_secs(20), event);
        }
        self.run_until(CHAOS)?;
        self.heal()?;
        self.run_until(CHAOS + HEALING)?;
        let memory = self.come_to_rest()?;
        let people = (&self.sent[..], &self.promised[..]);
        // Where clocks are wrong by much, what was told may bear times of the future for long.
        if !self.swarm.clocks_are_wrong() {
            judges::all_is_told(self.at, people, self.hosts.len(), &self.plan, &self.book)?;
        }
        let mut hash = crate::hash::Hash::default();
        hash.add(&memory);
        hash.add(&self.hosts.iter().map(|host| host.hash).collect::<Vec<_>>());
        Ok(Life {
            hash: hash.0,
            turns: self.hosts.iter().map(|host| host.turns).sum(),
            crashes: self.crashes,
            notifications: self.book.notifications,
            repeated: self.book.repeated,
            calm: self.swarm.is_calm(),
        })
    }

    /// All processes start, within a second of each other.
    pub fn boot(&mut self) -> Result<(), String> {
        for node in 0..self.hosts.len() {
            let after = Duration::from_millis(self.weather.below(1000));
            self.plan_event(after, Event::Start { node });
        }
        self.run_until(self.at + Duration::from_secs(1))
    }

    /// Goes on until nothing is open and everybody has the same memory, which is returned.
    fn come_to_rest(&mut self) -> Result<BTreeSet<String>, String> {
        let nodes = self.hosts.len();
        let mut what = String::new();
        for _ in 0..REST_SECONDS {
            match self.disagreement()? {
                Ok(memory) => {
                    for host in &self.hosts {
                        judges::silences_are_kept(self.at, host, &self.promised)?;
                        let members =
                            host.running.as_ref().map_or(0, |r| r.cluster.members().count());
                        if members != nodes {
                            return Err(format!("{} counts {members} of {nodes}", host.name));
                        }
                    }
                    return Ok(memory);
                }
                Err(disagreement) => what = disagreement,
            }
            self.run_until(self.at + Duration::from_secs(1))?;
        }
        Err(what)
    }

    /// What everybody remembers, or what is still open.
    fn disagreement(&mut self) -> Result<Result<BTreeSet<String>, String>, String> {
        let mut first: Option<BTreeSet<String>> = None;
        for host in &mut self.hosts {
            let open = host.running.as_ref().map_or(0, |r| r.engine.deliveries_open());
            if open > 0 || host.waits_for_disk() {
                return Ok(Err(format!("{} has {open} open deliveries", host.name)));
            }
            let memory = judges::memory(self.at, host)?;
            match &first {
                Some(first) if *first != memory => {
                    let here: Vec<_> = memory.difference(first).collect();
                    let there: Vec<_> = first.difference(&memory).collect();
                    let name = &host.name;
                    let what = format!("n00 and {name} disagree: {there:#?} there, {here:#?} here");
                    return Ok(Err(what));
                }
                _ => first = Some(memory),
            }
        }
        Ok(Ok(first.unwrap_or_default()))
    }

    /// Misfortune ends: all start, clocks are right, half of what fires is resolved.
    fn heal(&mut self) -> Result<(), String> {
        self.note(|| "everything heals".to_owned());
        self.healed = true;
        self.mend();
        let (delay_max, none) = (Duration::from_millis(20), 0);
        self.network = Network::new(delay_max, none, none);
        for node in 0..self.hosts.len() {
            if self.hosts[node].skew != 0 {
                self.set_clock(node, 0);
            }
        }
        for alert in &mut self.sent {
            if alert.state == SentState::Firing && self.deeds.permille(500) {
                alert.resolve(self.at);
            }
        }
        Ok(())
    }

    pub fn run_until(&mut self, end: Duration) -> Result<(), String> {
        self.run(end, |_| true)?;
        self.at = end;
        Ok(())
    }

    /// Stops at the first event after which `goes_on` says so, or after `longest`.
    pub fn run_while(
        &mut self,
        longest: Duration,
        goes_on: impl Fn(&Self) -> bool,
    ) -> Result<(), String> {
        self.run(self.at + longest, goes_on)
    }

    fn run(&mut self, end: Duration, goes_on: impl Fn(&Self) -> bool) -> Result<(), String> {
        let mut at_once = 0;
        while goes_on(self) {
            let event_at = self.events.keys().next().map(|(at, _)| *at);
            let wakeups = self.hosts.iter().enumerate();
            let wakeup =
                wakeups.filter_map(|(n, host)| Some((host.wakeup()?.max(self.at), n))).min();
            let next = event_at.into_iter().chain(wakeup.map(|(at, _)| at)).min();
            let Some(next) = next.filter(|at| *at <= end) else { break };
            at_once = if next == self.at { at_once + 1 } else { 0 };
            if at_once > AT_ONCE_MAX {
                return Err("time stands still".to_owned());
            }
            self.at = next;
            match wakeup {
                Some((at, node)) if event_at.is_none_or(|event_at| at < event_at) => {
                    self.tick(node)?;
                }
                _ => {
                    let (_, event) = self.events.pop_first().expect("it was just seen");
                    self.happen(event)?;
                }
            }
        }
        Ok(())
    }

    fn happen(&mut self, event: Event) -> Result<(), String> {
        // A process that is held up gets everything when it goes on.
        if let Some(until) = event.node().and_then(|node| self.paused_until(node)) {
            self.plan_event(until - self.at, event);
            return Ok(());
        }
        match event {
            Event::Datagram { to, from, bytes } => {
                let input = cluster::Input::Datagram { from, bytes: bytes.into() };
                self.gossip(to, input)
            }
            Event::Opened { to, from, stream, message } => self.opened(to, from, stream, message),
            Event::Ended { stream, outcome } => self.ended(stream, outcome),
            Event::Post { to, reports } => self.post(to, reports),
            Event::Commit { node, boot } => match self.hosts[node].boot == boot {
                true => self.commit(node),
                false => Ok(()),
            },
            Event::Answer { node, boot, delivery, key, outcome } => {
                if self.hosts[node].boot != boot {
                    return Ok(());
                }
                self.note(|| format!("n{node:02} is answered by {}: {outcome:?}", key.0));
                self.forget_attempt(node, &key, delivery);
                let (integration, group) = key;
                let took = Delivered { integration, group, delivery };
                let took = matches!(outcome, Outcome::Delivered { .. }).then_some(took);
                self.think(node, Input::Outcome { delivery, outcome }, took)
            }
            Event::GiveUp { node, boot, delivery, key } => {
                if self.hosts[node].boot == boot {
                    self.forget_attempt(node, &key, delivery);
                }
                Ok(())
            }
            Event::Start { node } => self.start(node),
            Event::Report => {
                let after = Duration::from_millis(5_000 + self.deeds.below(10_000));
                self.plan_event(after, Event::Report);
                self.report();
                Ok(())
            }
            Event::Operate => {
                let after = Duration::from_millis(10_000 + self.deeds.below(40_000));
                self.plan_event(after, Event::Operate);
                self.operate()
            }
            Event::Inspect => {
                self.plan_event(Duration::from_secs(5), Event::Inspect);
                self.inspect()
            }
            Event::Misfortune => {
                self.plan_event(Duration::from_secs(5), Event::Misfortune);
                self.strike();
                Ok(())
            }
            Event::Mend => {
                self.mend();
                Ok(())
            }
            Event::Recover { disturbance } => {
                self.excuses.end(disturbance, self.at);
                Ok(())
            }
        }
    }

    fn inspect(&mut self) -> Result<(), String> {
        if self.swarm.clocks_are_wrong() {
            return Ok(());
        }
        let Self { at, hosts, sent, promised, plan, book, trouble, patience, .. } = self;
        patience.is_kept(*at, hosts, (sent, promised), plan, book, trouble)
    }

    fn paused_until(&self, node: usize) -> Option<Duration> {
        Some(self.hosts[node].paused_until).filter(|until| *until > self.at)
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    fn plan_event(&mut self, after: Duration, event: Event) {
        self.events_made += 1;
        self.events.insert((self.at + after, self.events_made), event);
    }

    fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace(format!("{:>10.3}s {}", self.at.as_secs_f64(), line()));
        }
    }
}

impl Event {
    /// Whose process it concerns.
    fn node(&self) -> Option<usize> {
        match self {
            Event::Datagram { to, .. } | Event::Opened { to, .. } | Event::Post { to, .. } => {
                Some(*to)
            }
            Event::Ended { stream, .. } => Some(stream.node),
            Event::Commit { node, .. } | Event::Answer { node, .. } => Some(*node),
            Event::GiveUp { .. }
            | Event::Start { .. }
            | Event::Report
            | Event::Operate
            | Event::Inspect
            | Event::Misfortune
            | Event::Mend
            | Event::Recover { .. } => None,
        }
    }
}

/// What explains a repeated notification at any time.
const DISTURBING: [Fault; 4] =
    [Fault::MuchLoss, Fault::LostPosts, Fault::GreatSkew, Fault::ClockSteps];
/// A node whose turn comes while another one waits for its disk tells, too.
const COMMIT_SOON: Duration = Duration::from_millis(50);
/// How long misfortune lasts.
const CHAOS: Duration = Duration::from_secs(10 * 60);
/// Longer than silences, resolve timeouts and two intervals together.
const HEALING: Duration = Duration::from_secs(9 * 60);
/// Within some push-pulls all memories are equal.
const REST_SECONDS: usize = 240;
/// More happens at one instant only if it never ends.
const AT_ONCE_MAX: usize = 100_000;
