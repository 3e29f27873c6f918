//! The world: moves time from one event to the next.
//!
//! What nodes send to each other and to receivers is in `effects`, what senders and operators do in
//! `actions`, and what goes wrong in `faults`.

mod actions;
mod effects;
mod faults;
mod hostility;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bellwether_engine::{DeliveryId, Input, Plan, Ticket, Turn};
use bellwether_memberlist::cluster::{self, OutboundId, ReplyWanted, StateToken};
use bellwether_memberlist::{self as memberlist, Address, StreamMessage};
use bellwether_model::{Fingerprint, GroupKey, IntegrationId, NewAlert, Outcome, Timestamp};

use crate::actors::{self, AlertState, PromisedSilence, Report, SentAlert};
use crate::checks::{self, Facts, Overdue, Seen};
use crate::conditions::{Conditions, Fault, Posts};
use crate::explanations::Explanations;
use crate::network::Network;
use crate::node::{Delivered, Node};
use crate::plans::{self, Variant};
use crate::received::Received;
use crate::rng::Rng;
use crate::{Run, Size, Trace};

pub struct World<'t> {
    pub at: Duration,
    pub nodes: Vec<Node>,
    /// Each notification that arrived: when, from which node, and at which integration.
    pub arrivals: Vec<(Duration, usize, IntegrationId)>,
    conditions: Conditions,
    /// Whether faults and changes have ended.
    healed: bool,
    // One generator for each kind of chance.
    network_rng: Rng,
    faults_rng: Rng,
    actions_rng: Rng,
    hostile_rng: Rng,
    /// By the hostile peer.
    overheard: hostility::Overheard,
    /// What the hostile client has posted.
    hostile_alerts: BTreeMap<Fingerprint, NewAlert>,
    variant: Variant,
    plan: Arc<Plan>,
    network: Network,
    /// What will happen, in order; of what happens at one instant, first what was planned first.
    events: BTreeMap<(Duration, u64), Event>,
    events_made: u64,
    streams: BTreeMap<StreamKey, ReplyWanted>,
    /// Where the answer goes on a stream that a peer has opened.
    tickets: BTreeMap<memberlist::InboundId, StreamKey>,
    /// Requests that were not replied to yet, by node and ticket.
    posts: BTreeMap<(usize, Ticket), Vec<(usize, Report)>>,
    silence_changes: BTreeMap<(usize, Ticket), SilenceChange>,
    state_requests: BTreeMap<(usize, Ticket), StateToken>,
    numbers: u64,
    /// Attempts that have no outcome yet.
    attempts: BTreeMap<(usize, IntegrationId, GroupKey), DeliveryId>,
    alerts: Vec<SentAlert>,
    silences: Vec<PromisedSilence>,
    received: Received,
    overdue: Overdue,
    explanations: Explanations,
    /// When each receiver last had a fault.
    receiver_faults: BTreeMap<String, Duration>,
    /// The disturbance that ends when an absent node is back.
    absences: BTreeMap<usize, usize>,
    partition: Option<usize>,
    crashes: u64,
    trace: Trace<'t>,
}

enum Event {
    Datagram { to: usize, from: Address, bytes: Vec<u8> },
    Opened { to: usize, from: Address, stream: StreamKey, message: StreamMessage },
    Ended { stream: StreamKey, outcome: cluster::StreamOutcome },
    Post { to: usize, reports: Vec<(usize, Report)> },
    Commit { node: usize, boot: u64 },
    Answer { node: usize, boot: u64, delivery: DeliveryId, key: AttemptKey, outcome: Outcome },
    GiveUp { node: usize, boot: u64, delivery: DeliveryId, key: AttemptKey },
    Start { node: usize },
    Report,
    Operate,
    Inspect,
    Strike,
    Harass,
    Mend,
    Recover { disturbance: usize },
}

type AttemptKey = (IntegrationId, GroupKey);

/// A stream, by the process that opened it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct StreamKey {
    node: usize,
    boot: u64,
    stream: OutboundId,
}

/// What a request would make of a silence.
struct SilenceChange {
    number: usize,
    ends_at: Timestamp,
    expires: bool,
}

impl<'t> World<'t> {
    pub fn new(seed: u64, size: Size, trace: Trace<'t>) -> Self {
        let mut rng = Rng::new(seed);
        let conditions = match size {
            Size::OneNode => Conditions::of_one_node(&mut rng),
            Size::Cluster => Conditions::of_a_cluster(&mut rng, Posts::AllNodes),
            Size::OneTarget => Conditions::of_a_cluster(&mut rng, Posts::SomeToOneNode),
            Size::Hostile => Conditions::of_a_hostile_cluster(&mut rng),
        };
        Self::with(conditions, &mut rng, trace)
    }

    pub fn with(conditions: Conditions, rng: &mut Rng, trace: Trace<'t>) -> Self {
        let mut explanations = Explanations::default();
        // With much loss gossip may fail for a minute; and of what did not reach a node, or of
        // clocks that differ by much, it cannot know what is right.
        let is_disturbed = DISTURBING.iter().any(|fault| conditions.has(*fault));
        // A hostile peer may cause repetitions, but nothing worse.
        let is_hostile = conditions.hostile.is_some();
        if is_disturbed || is_hostile || conditions.commit_max > COMMIT_SOON {
            explanations.disturb_always();
        }
        let has_tls = conditions.hostile.as_ref().is_none_or(|hostile| hostile.has_tls);
        let node = |(n, skew): (usize, &i64)| {
            let mut node = Node::new(n, *skew, conditions.has_membership);
            node.has_tls = has_tls;
            node
        };
        World {
            at: Duration::ZERO,
            nodes: conditions.skew.iter().enumerate().map(node).collect(),
            arrivals: Vec::new(),
            healed: false,
            network_rng: rng.fork(),
            faults_rng: rng.fork(),
            actions_rng: rng.fork(),
            hostile_rng: rng.fork(),
            overheard: hostility::Overheard::default(),
            hostile_alerts: BTreeMap::new(),
            variant: Variant::Base,
            plan: plans::plan(Variant::Base),
            network: Network::new(conditions.delay_max, conditions.loss, conditions.duplication),
            events: BTreeMap::new(),
            events_made: 0,
            streams: BTreeMap::new(),
            tickets: BTreeMap::new(),
            posts: BTreeMap::new(),
            silence_changes: BTreeMap::new(),
            state_requests: BTreeMap::new(),
            numbers: 0,
            attempts: BTreeMap::new(),
            alerts: actors::all_alerts(conditions.nodes),
            silences: Vec::new(),
            received: Received::new(conditions.commit_max),
            overdue: Overdue::default(),
            explanations,
            receiver_faults: BTreeMap::new(),
            absences: BTreeMap::new(),
            partition: None,
            crashes: 0,
            trace,
            conditions,
        }
    }

    pub fn run(self) -> Result<Run, String> {
        let (nodes, faults) = (self.conditions.nodes, format!("{:?}", self.conditions.faults));
        self.run_to_the_end()
            .map_err(|what| format!("{what}\nin a cluster of {nodes} with {faults}"))
    }

    fn run_to_the_end(mut self) -> Result<Run, String> {
        let conditions = format!("{:?}", self.conditions);
        self.note(|| conditions);
        self.boot()?;
        for event in [Event::Report, Event::Operate, Event::Inspect, Event::Strike] {
            self.plan_event(Duration::from_secs(20), event);
        }
        if self.conditions.hostile.is_some() {
            self.plan_event(Duration::from_secs(20), Event::Harass);
        }
        let Conditions { faults_last, healing_lasts, .. } = self.conditions;
        self.run_until(faults_last)?;
        self.heal()?;
        self.run_until(faults_last + healing_lasts)?;
        let state = self.come_to_rest()?;
        // Where clocks are wrong by much, log entries may bear times of the future for long.
        if let Some(facts) = self.facts() {
            checks::all_is_notified(&facts)?;
        }
        let mut hash = crate::hash::Hash::default();
        hash.add(&state);
        hash.add(&self.nodes.iter().map(|node| node.hash).collect::<Vec<_>>());
        Ok(Run {
            hash: hash.0,
            turns: self.nodes.iter().map(|node| node.turns).sum(),
            crashes: self.crashes,
            notifications: self.received.notifications,
            repeated: self.received.repeated,
            calm: self.conditions.is_calm(),
        })
    }

    /// All processes start, within a second of each other.
    pub fn boot(&mut self) -> Result<(), String> {
        for node in 0..self.nodes.len() {
            let after = Duration::from_millis(self.network_rng.below(1000));
            self.plan_event(after, Event::Start { node });
        }
        self.run_until(self.at + Duration::from_secs(1))
    }

    /// Goes on until nothing is open and all nodes have the same state, which is returned.
    fn come_to_rest(&mut self) -> Result<BTreeSet<String>, String> {
        let all = self.nodes.len();
        let seconds = if self.is_one_node() { REST_SECONDS_OF_ONE } else { REST_SECONDS };
        let mut what = String::new();
        for _ in 0..seconds {
            match self.disagreement()? {
                Ok(state) => {
                    let facts = self.facts_by(Duration::ZERO);
                    let honest = self.honest_nodes();
                    for (_, node) in honest {
                        checks::silences_are_kept(&facts, node)?;
                        if let Some(members) = node.members()
                            && members != all
                        {
                            return Err(format!("{} counts {members} of {all}", node.name));
                        }
                    }
                    return Ok(state);
                }
                Err(disagreement) => what = disagreement,
            }
            self.run_until(self.at + Duration::from_secs(1))?;
        }
        Err(what)
    }

    /// The state of all nodes, or what is still open.
    fn disagreement(&mut self) -> Result<Result<BTreeSet<String>, String>, String> {
        let mut first: Option<BTreeSet<String>> = None;
        let hostile = self.hostile_peer();
        let honest = self.nodes.iter_mut().enumerate().filter(|(n, _)| Some(*n) != hostile);
        for (_, node) in honest {
            let open = node.running.as_ref().map_or(0, |r| r.engine.deliveries_open());
            if open > 0 || node.waits_for_disk() {
                return Ok(Err(format!("{} has {open} open deliveries", node.name)));
            }
            let state = checks::replicated_state(self.at, node)?;
            match &first {
                Some(first) if *first != state => {
                    let here: Vec<_> = state.difference(first).collect();
                    let there: Vec<_> = first.difference(&state).collect();
                    let name = &node.name;
                    let what = format!("n00 and {name} disagree: {there:#?} there, {here:#?} here");
                    return Ok(Err(what));
                }
                _ => first = Some(state),
            }
        }
        Ok(Ok(first.unwrap_or_default()))
    }

    /// Faults end: all start, clocks are right, half of what fires is resolved, and the
    /// configuration is the first one.
    fn heal(&mut self) -> Result<(), String> {
        self.note(|| "everything heals".to_owned());
        self.healed = true;
        self.mend();
        let (delay_max, none) = (Duration::from_millis(20), 0);
        self.network = Network::new(delay_max, none, none);
        for node in 0..self.nodes.len() {
            if self.nodes[node].skew != 0 {
                self.set_clock(node, 0);
            }
        }
        for alert in &mut self.alerts {
            if alert.state == AlertState::Firing && self.actions_rng.permille(500) {
                alert.resolve(self.at);
            }
        }
        if self.variant == Variant::Base { Ok(()) } else { self.reload(Variant::Base) }
    }

    pub fn run_until(&mut self, end: Duration) -> Result<(), String> {
        self.advance(end, |_| true)?;
        self.at = end;
        Ok(())
    }

    /// Stops at the first event after which `goes_on` says so, or after `longest`.
    pub fn run_while(
        &mut self,
        longest: Duration,
        goes_on: impl Fn(&Self) -> bool,
    ) -> Result<(), String> {
        self.advance(self.at + longest, goes_on)
    }

    fn advance(&mut self, end: Duration, goes_on: impl Fn(&Self) -> bool) -> Result<(), String> {
        let mut at_once = 0;
        while goes_on(self) {
            let event_at = self.events.keys().next().map(|(at, _)| *at);
            let wakeups = self.nodes.iter().enumerate();
            let wakeup =
                wakeups.filter_map(|(n, node)| Some((node.wakeup()?.max(self.at), n))).min();
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
                let input = cluster::Input::Datagram { from, source: from.ip, bytes: bytes.into() };
                self.gossip(to, input)
            }
            Event::Opened { to, from, stream, message } => self.opened(to, from, stream, message),
            Event::Ended { stream, outcome } => self.ended(stream, outcome),
            Event::Post { to, reports } => self.post(to, reports),
            Event::Commit { node, boot } => match self.nodes[node].boot == boot {
                true => self.commit(node),
                false => Ok(()),
            },
            Event::Answer { node, boot, delivery, key, outcome } => {
                if self.nodes[node].boot != boot {
                    return Ok(());
                }
                self.note(|| format!("n{node:02} is answered by {}: {outcome:?}", key.0));
                self.forget_attempt(node, &key, delivery);
                let (integration, group) = key;
                let delivered = Delivered { integration, group, delivery };
                let is_delivered = matches!(outcome, Outcome::Delivered { .. });
                let delivered = is_delivered.then_some(delivered);
                self.input(node, Input::Outcome { delivery, outcome }, delivered)
            }
            Event::GiveUp { node, boot, delivery, key } => {
                if self.nodes[node].boot == boot {
                    self.forget_attempt(node, &key, delivery);
                }
                Ok(())
            }
            Event::Start { node } => self.start(node),
            Event::Report => {
                let after = Duration::from_millis(5_000 + self.actions_rng.below(10_000));
                self.plan_event(after, Event::Report);
                self.report();
                Ok(())
            }
            Event::Operate => {
                let after = Duration::from_millis(10_000 + self.actions_rng.below(40_000));
                self.plan_event(after, Event::Operate);
                self.operate()
            }
            Event::Inspect => {
                self.plan_event(INSPECTED_EVERY, Event::Inspect);
                self.inspect()
            }
            Event::Strike => {
                self.plan_event(Duration::from_secs(5), Event::Strike);
                self.strike();
                Ok(())
            }
            Event::Harass => self.harass(),
            Event::Mend => {
                self.mend();
                Ok(())
            }
            Event::Recover { disturbance } => {
                self.explanations.end(disturbance, self.at);
                Ok(())
            }
        }
    }

    fn inspect(&mut self) -> Result<(), String> {
        let mut overdue = std::mem::take(&mut self.overdue);
        let Some(facts) = self.facts() else { return Ok(()) };
        overdue.check(&facts)?;
        let is_time = self.at.as_secs() % 30 < INSPECTED_EVERY.as_secs();
        if is_time && facts.clock_error.is_zero() {
            for (number, node) in self.honest_nodes() {
                let Some(running) = &node.running else { continue };
                if node.waits_for_disk() || node.paused_until > self.at {
                    continue;
                }
                let now = node.wall(self.at);
                let started = node.restored(self.at, &self.plan, 0, &mut Turn::default())?;
                let before = Seen::of(&running.engine, now);
                let after = Seen::of(&started, now);
                checks::start_changes_nothing(&facts, number, &before, &after)?;
            }
        }
        self.overdue = overdue;
        Ok(())
    }

    /// What checks may know; `None` while nothing can be said since clocks are wrong by much.
    fn facts(&self) -> Option<Facts<'_>> {
        if self.conditions.clocks_are_wrong() {
            return None;
        }
        // An end that lies ahead by the node's clock is read as one only when it is repeated.
        let seconds = if self.conditions.has(Fault::Skew) { 25 } else { 0 };
        Some(self.facts_by(Duration::from_secs(seconds)))
    }

    fn facts_by(&self, clock_error: Duration) -> Facts<'_> {
        Facts {
            at: self.at,
            nodes: &self.nodes,
            alerts: &self.alerts,
            silences: &self.silences,
            plan: &self.plan,
            variant: self.variant,
            received: &self.received,
            receiver_faults: &self.receiver_faults,
            clock_error,
            hostile_peer: self.hostile_peer(),
            hostile_receiver: self.conditions.hostile.as_ref().and_then(|it| it.receiver),
        }
    }

    fn honest_nodes(&self) -> impl Iterator<Item = (usize, &Node)> {
        let hostile = self.hostile_peer();
        self.nodes.iter().enumerate().filter(move |(n, _)| Some(*n) != hostile)
    }

    fn is_one_node(&self) -> bool {
        self.nodes.len() == 1
    }

    fn paused_until(&self, node: usize) -> Option<Duration> {
        Some(self.nodes[node].paused_until).filter(|until| *until > self.at)
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
            | Event::Strike
            | Event::Harass
            | Event::Mend
            | Event::Recover { .. } => None,
        }
    }
}

/// What explains a repeated notification at any time.
const DISTURBING: [Fault; 4] =
    [Fault::MuchLoss, Fault::LostPosts, Fault::GreatSkew, Fault::ClockSteps];
/// A node whose turn comes while another one waits for its disk notifies, too.
const COMMIT_SOON: Duration = Duration::from_millis(50);
const INSPECTED_EVERY: Duration = Duration::from_secs(5);
/// Within some push-pulls all nodes have the same state.
const REST_SECONDS: usize = 240;
/// When all receivers answer, deliveries end soon.
const REST_SECONDS_OF_ONE: usize = 20;
/// More happens at one instant only if it never ends.
const AT_ONCE_MAX: usize = 100_000;
