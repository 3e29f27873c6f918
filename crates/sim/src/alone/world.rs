//! The world: moves time from one event to the next, and lets misfortune have its chances.
//!
//! A kill can fall after a turn, before its commit, between a commit and its effects, and between
//! any two effects.

use std::collections::BTreeMap;
use std::time::Duration;

use bellwether_engine::{Answer, Attempt, DeliveryId, Effect, Input, Ticket};
use bellwether_model::{GroupKey, IntegrationId, Outcome};

use super::Life;
use super::book::Book;
use super::checks::{self, Excuses, Memory, Patience};
use super::node::{Delivered, Node};
use super::people::{self, Promised, Report, Sent, SentState};
use super::swarm::Swarm;
use crate::Trace;
use crate::plans::{self, VARIANTS, Variant};
use crate::receivers::{Answered, Manner};
use crate::rng::Rng;

pub struct World<'t> {
    at: Duration,
    /// None when everything heals.
    swarm: Option<Swarm>,
    /// One generator for each kind of chance.
    faults: Rng,
    deeds: Rng,
    events: BTreeMap<(Duration, u64), Event>,
    events_made: u64,
    node: Node,
    variant: Variant,
    booted_at: Duration,
    commit_is_due: bool,
    sent: Vec<Sent>,
    promised: Vec<Promised>,
    requests: BTreeMap<Ticket, Request>,
    tickets: u64,
    attempts: BTreeMap<(IntegrationId, GroupKey), DeliveryId>,
    trouble: BTreeMap<String, Duration>,
    book: Book,
    patience: Patience,
    crashes: u64,
    trace: Trace<'t>,
}

enum Event {
    Commit,
    Report,
    Operate,
    Inspect,
    Start { crashed_at: Duration },
    Answer { boot: u64, delivery: DeliveryId, key: (IntegrationId, GroupKey), outcome: Outcome },
    GiveUp { boot: u64, delivery: DeliveryId, key: (IntegrationId, GroupKey) },
}

/// What an answer will be the answer to.
enum Request {
    Post(Vec<(usize, Report)>),
    Silence { number: usize, ends_at: bellwether_model::Timestamp },
}

impl<'t> World<'t> {
    pub fn new(seed: u64, trace: Trace<'t>) -> Self {
        let mut rng = Rng::new(seed);
        World {
            at: Duration::ZERO,
            swarm: Some(Swarm::draw(&mut rng)),
            faults: rng.fork(),
            deeds: rng.fork(),
            events: BTreeMap::new(),
            events_made: 0,
            node: Node::new(plans::plan(Variant::Base)),
            variant: Variant::Base,
            booted_at: Duration::ZERO,
            commit_is_due: false,
            sent: people::all_alerts(),
            promised: Vec::new(),
            requests: BTreeMap::new(),
            tickets: 0,
            attempts: BTreeMap::new(),
            trouble: BTreeMap::new(),
            book: Book::default(),
            patience: Patience::default(),
            crashes: 0,
            trace,
        }
    }

    pub fn live(mut self) -> Result<Life, String> {
        let swarm = self.swarm.clone();
        self.note(|| format!("{swarm:?}"));
        for event in [Event::Report, Event::Operate, Event::Inspect] {
            self.plan_event(Duration::from_secs(1), event);
        }
        self.plan_event(Duration::ZERO, Event::Start { crashed_at: Duration::ZERO });
        self.run_until(CHAOS)?;
        self.heal()?;
        self.run_until(CHAOS + HEALING)?;
        for _ in 0..20 {
            if !self.is_idle() {
                self.run_until(self.at + Duration::from_secs(1))?;
            }
        }
        if !self.is_idle() {
            return Err("deliveries stay open though all receivers answer".to_owned());
        }
        let Self { at, sent, book, promised, trouble, .. } = &self;
        let excuses =
            Excuses { variant: self.variant, booted_at: self.booted_at, trouble, promised };
        checks::all_is_told(*at, sent, book, &excuses)?;
        Ok(Life {
            hash: self.node.hash.0,
            turns: self.node.turns,
            crashes: self.crashes,
            notifications: self.book.notifications,
            repeated: self.book.repeated,
        })
    }

    /// Misfortune ends: half of what fires is resolved, silences are lifted, the plan is the first.
    fn heal(&mut self) -> Result<(), String> {
        self.note(|| "everything heals".to_owned());
        self.swarm = None;
        for alert in &mut self.sent {
            if alert.state == SentState::Firing && self.deeds.permille(500) {
                alert.resolve(self.at);
            }
        }
        if self.node.engine.is_some() {
            for number in 0..self.promised.len() {
                self.expire(number)?;
            }
        }
        self.reload(Variant::Base)
    }

    fn run_until(&mut self, end: Duration) -> Result<(), String> {
        loop {
            let event_at = self.events.keys().next().map(|(at, _)| *at);
            let wakeup = self.node.next_wakeup().map(|at| at.max(self.at));
            let Some(next) = event_at.into_iter().chain(wakeup).min().filter(|at| *at <= end)
            else {
                break;
            };
            self.at = next;
            if event_at == Some(next) {
                let (_, event) = self.events.pop_first().expect("it was just seen");
                self.happen(event)?;
            } else {
                self.input(Input::Tick)?;
            }
        }
        self.at = end;
        Ok(())
    }

    fn happen(&mut self, event: Event) -> Result<(), String> {
        match event {
            Event::Commit => self.commit(),
            Event::Report => {
                self.plan_event(Duration::from_secs(20), Event::Report);
                self.report()
            }
            Event::Operate => {
                self.plan_event(Duration::from_secs(45), Event::Operate);
                self.operate()
            }
            Event::Inspect => {
                self.plan_event(Duration::from_secs(5), Event::Inspect);
                self.inspect()
            }
            Event::Start { crashed_at } => self.start(crashed_at),
            Event::Answer { boot, delivery, key, outcome } => {
                if boot == self.crashes {
                    self.note(|| format!("{} answers {outcome:?}", key.0));
                    self.forget_attempt(&key, delivery);
                    let (integration, group) = key;
                    let is_delivered = matches!(outcome, Outcome::Delivered { .. });
                    let took = Delivered { integration, group, delivery };
                    let took = Some(took).filter(|_| is_delivered);
                    self.answer(Input::Outcome { delivery, outcome }, took)?;
                }
                Ok(())
            }
            Event::GiveUp { boot, delivery, key } => {
                if boot == self.crashes {
                    self.forget_attempt(&key, delivery);
                }
                Ok(())
            }
        }
    }

    /// One input to the node; what it wants to say is judged at once, and said after the commit.
    fn input(&mut self, input: Input) -> Result<(), String> {
        self.answer(input, None)
    }

    fn answer(&mut self, input: Input, took: Option<Delivered>) -> Result<(), String> {
        let mono = self.node.now(self.at).mono;
        for effect in self.node.handle(self.at, input, took) {
            if let Effect::Attempt(attempt) = effect {
                checks::content_is_right(self.at, mono, attempt, &self.sent, &self.promised)?;
            }
        }
        self.misfortune();
        self.expect_commit();
        Ok(())
    }

    fn expect_commit(&mut self) {
        if !self.node.is_quiet() && !self.commit_is_due {
            let most = self.swarm.as_ref().map_or(0, |swarm| swarm.commit_millis);
            let after = Duration::from_millis(self.faults.below(most));
            self.commit_is_due = true;
            self.plan_event(after, Event::Commit);
        }
    }

    fn commit(&mut self) -> Result<(), String> {
        self.commit_is_due = false;
        self.node.disk.sync();
        if self.misfortune() {
            return Ok(());
        }
        let released = self.node.release();
        for delivered in released.took {
            self.book.confirm(delivered);
        }
        for effect in released.effects {
            match effect {
                Effect::Reply { ticket, answer } => self.answered(ticket, answer),
                Effect::Attempt(attempt) => self.attempt(attempt)?,
                Effect::Broadcast { .. }
                | Effect::Forward { .. }
                | Effect::CheckLiveness { .. }
                | Effect::SendStatus { .. } => return Err("a node alone spoke to peers".into()),
            }
            if self.misfortune() {
                break;
            }
        }
        self.expect_commit();
        Ok(())
    }

    fn attempt(&mut self, attempt: Attempt) -> Result<(), String> {
        let told = &attempt.notification;
        let key = (told.integration.clone(), told.group_key.clone());
        if self.attempts.insert(key.clone(), attempt.delivery).is_some() {
            return Err(format!("two attempts at a time to tell {} about {}", key.0, key.1));
        }
        let manner = Manner::draw(self.swarm.as_ref().map(|s| &s.receivers), &mut self.faults);
        self.note(|| format!("tell {} about {}, {}: {manner:?}", key.0, key.1, told.reason.text()));
        if manner.is_trouble {
            self.trouble.insert(key.0.receiver.to_string(), self.at);
        }
        if manner.arrives {
            self.book.enter(self.at, attempt.delivery, told)?;
        }
        let (boot, delivery) = (self.crashes, attempt.delivery);
        let deadline = self.booted_at + Duration::from_nanos(attempt.deadline.0);
        let Some((when, outcome)) = manner.answer else {
            let after = deadline.saturating_sub(self.at) + GRACE;
            self.plan_event(after, Event::GiveUp { boot, delivery, key });
            return Ok(());
        };
        let latest = deadline.saturating_sub(self.at);
        let after = match when {
            Answered::After(after) => after.min(latest),
            Answered::AtTheDeadline => latest,
        };
        self.plan_event(after, Event::Answer { boot, delivery, key, outcome });
        Ok(())
    }

    fn answered(&mut self, ticket: Ticket, answer: Answer) {
        let Some(request) = self.requests.remove(&ticket) else { return };
        match request {
            Request::Post(reports) => {
                for (number, report) in reports {
                    let alert = &mut self.sent[number];
                    alert.in_flight -= 1;
                    alert.uncertain = false;
                    alert.acknowledged = Some(report);
                }
            }
            Request::Silence { number, ends_at } => {
                let silence = &mut self.promised[number];
                silence.uncertain = false;
                silence.ends_at = ends_at;
                if let Answer::SilencePosted { id } = answer {
                    silence.id = Some(id);
                }
            }
        }
    }

    /// A round of reports by all senders, in one POST.
    fn report(&mut self) -> Result<(), String> {
        let at = self.at;
        if let Some(swarm) = &self.swarm {
            for alert in &mut self.sent {
                match alert.state {
                    SentState::Firing if self.deeds.permille(swarm.resolves) => alert.resolve(at),
                    SentState::Firing if self.deeds.permille(swarm.stops) => alert.stop(),
                    SentState::Firing => {}
                    _ if self.deeds.permille(swarm.fires / 4) => alert.fire(at),
                    _ => {}
                }
            }
        }
        let reports: Vec<(usize, Report)> = self
            .sent
            .iter_mut()
            .enumerate()
            .filter_map(|(number, alert)| alert.report(at).map(|report| (number, report)))
            .collect();
        if self.node.engine.is_none() || reports.is_empty() {
            return Ok(());
        }
        let alerts = reports.iter().map(|(n, report)| self.sent[*n].new_alert(*report)).collect();
        for (number, _) in &reports {
            self.sent[*number].in_flight += 1;
        }
        self.note(|| format!("report {reports:?}"));
        let ticket = self.request(Request::Post(reports));
        self.input(Input::Alerts { alerts, refused: 0, ticket })
    }

    fn operate(&mut self) -> Result<(), String> {
        let Some(swarm) = self.swarm.clone().filter(|_| self.node.engine.is_some()) else {
            return Ok(());
        };
        if self.deeds.permille(swarm.silences) {
            self.silence()?;
        }
        if self.deeds.permille(swarm.expires) {
            let number = self.deeds.below(self.promised.len() as u64) as usize;
            self.expire(number)?;
        }
        if self.deeds.permille(swarm.reloads_same) {
            self.reload(self.variant)?;
        }
        if self.deeds.permille(swarm.reloads_other) {
            let variant = *self.deeds.pick(&VARIANTS).expect("there are some");
            self.reload(variant)?;
        }
        Ok(())
    }

    /// Creates a silence, or makes one longer that is known to hold.
    fn silence(&mut self) -> Result<(), String> {
        if self.node.engine.is_none() {
            return Ok(());
        }
        let now = Node::wall(self.at);
        let ends_at = now.plus(Duration::from_secs(30 + self.deeds.below(500)));
        let known = self.promised.iter().position(|s| {
            !s.uncertain && s.id.is_some() && s.ends_at > now.plus(Duration::from_secs(5))
        });
        let number = known.filter(|_| self.deeds.permille(300)).unwrap_or_else(|| {
            let host = self.deeds.pick(&["h1", "h2", "h3"]).expect("there are some");
            let host = (*host).to_owned();
            let silence = Promised { id: None, host, starts_at: now, ends_at, uncertain: true };
            self.promised.push(silence);
            self.promised.len() - 1
        });
        let silence = &mut self.promised[number];
        silence.uncertain = true;
        let posted = silence.posted(ends_at);
        self.note(|| format!("post silence {posted:?}"));
        let ticket = self.request(Request::Silence { number, ends_at });
        self.input(Input::PostSilence { silence: posted, ticket })
    }

    fn expire(&mut self, number: usize) -> Result<(), String> {
        let now = Node::wall(self.at);
        let Some(silence) = self.promised.get_mut(number) else { return Ok(()) };
        let Some(id) = silence.id.clone().filter(|_| silence.ends_at > now) else { return Ok(()) };
        if self.node.engine.is_none() || silence.uncertain {
            return Ok(());
        }
        silence.uncertain = true;
        self.note(|| format!("expire silence {id}"));
        let ticket = self.request(Request::Silence { number, ends_at: now });
        self.input(Input::ExpireSilence { id, ticket })
    }

    fn reload(&mut self, variant: Variant) -> Result<(), String> {
        self.note(|| format!("reload {variant:?}"));
        let plan = plans::plan(variant);
        if variant != self.variant {
            self.patience.start_anew();
            if variant == Variant::Merged {
                // Attempts of a route that is gone end by themselves, beside those of its successor.
                self.attempts.retain(|(integration, _), _| *integration.receiver != *"db");
            }
            let sent = &self.sent;
            self.book.excuse(|integration, alert| {
                let labels = sent.iter().find(|s| s.fingerprint == alert).map(|s| &s.labels);
                labels.is_some_and(|l| plan.receivers_of(l).contains(&integration.receiver))
            });
        }
        self.variant = variant;
        self.node.plan = plan.clone();
        if self.node.engine.is_some() {
            self.input(Input::Plan(plan))?;
        }
        Ok(())
    }

    fn inspect(&mut self) -> Result<(), String> {
        let Some(engine) = &self.node.engine else { return Ok(()) };
        let Self { at, sent, book, promised, trouble, patience, .. } = self;
        let excuses =
            Excuses { variant: self.variant, booted_at: self.booted_at, trouble, promised };
        patience.is_kept(*at, sent, book, &excuses)?;
        if self.node.is_quiet() && at.as_secs().is_multiple_of(30) {
            let now = Node::wall(*at);
            let shadow = self.node.shadow(*at)?;
            let (before, after) = (Memory::of(engine, now), Memory::of(&shadow, now));
            checks::a_start_changes_nothing(&before, &after, sent)?;
        }
        Ok(())
    }

    fn start(&mut self, crashed_at: Duration) -> Result<(), String> {
        self.note(|| "start".to_owned());
        self.booted_at = self.at;
        self.patience.start_anew();
        self.node.start(self.at)?;
        if let Some(engine) = &self.node.engine {
            let memory = Memory::of(engine, Node::wall(self.at));
            checks::nothing_is_lost(&memory, crashed_at, &self.sent, &self.promised)?;
        }
        self.expect_commit();
        Ok(())
    }

    /// Perhaps the process is killed here; returns whether it was.
    fn misfortune(&mut self) -> bool {
        let Some(swarm) = &self.swarm else { return false };
        if self.node.engine.is_none() || !self.faults.permille(swarm.crash) {
            return false;
        }
        let down = Duration::from_millis(1 + self.faults.below(swarm.down_seconds * 1000));
        self.note(|| format!("crash, for {down:?}"));
        self.crashes += 1;
        self.node.crash(&mut self.faults);
        self.attempts.clear();
        for request in std::mem::take(&mut self.requests).into_values() {
            match request {
                Request::Post(reports) => {
                    for (number, _) in reports {
                        self.sent[number].in_flight = 0;
                        self.sent[number].uncertain = true;
                    }
                }
                Request::Silence { number, .. } => self.promised[number].uncertain = true,
            }
        }
        self.plan_event(down, Event::Start { crashed_at: self.at });
        true
    }

    fn is_idle(&self) -> bool {
        self.node.is_quiet() && self.node.engine.as_ref().is_some_and(|e| e.deliveries_open() == 0)
    }

    fn forget_attempt(&mut self, key: &(IntegrationId, GroupKey), delivery: DeliveryId) {
        if self.attempts.get(key) == Some(&delivery) {
            self.attempts.remove(key);
        }
    }

    fn request(&mut self, request: Request) -> Ticket {
        self.tickets += 1;
        self.requests.insert(Ticket(self.tickets), request);
        Ticket(self.tickets)
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

/// How long misfortune lasts.
const CHAOS: Duration = Duration::from_secs(30 * 60);
/// Longer than silences, resolve timeouts and two intervals together.
const HEALING: Duration = Duration::from_secs(16 * 60);
/// How long the engine waits behind a deadline for an answer.
const GRACE: Duration = Duration::from_secs(30);
