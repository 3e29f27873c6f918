//! The world around one engine: clocks that are moved by hand, a disk that remembers what was
//! kept, receivers that answer as the scenario says, and the couriers between them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bellwether_engine::{
    Attempt, Channel, DeliveryId, Effect, Engine, EngineSettings, Input, Plan, Record, Reply,
    StatusBroadcast, Turn,
};
use bellwether_model::delivery::RememberedValue;
use bellwether_model::{FailureReason, Mono, Now, Outcome, Remembered, Timestamp};

use super::trace;

/// Monday, 2026-01-05 12:00 UTC.
pub fn start() -> Timestamp {
    Timestamp::from_unix(1_767_614_400, 0)
}

/// How a receiver answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Manner {
    Accepts,
    /// Accepts, and returns a value to remember.
    Remembers,
    /// Says nothing until the courier's time is up.
    Hangs,
    /// Takes it, but the answer is lost, and so is the courier.
    Vanishes,
    Fails,
    Refuses,
    RetryAfter(Duration),
}

pub struct World {
    pub engine: Engine,
    pub plan: Arc<Plan>,
    pub settings: EngineSettings,
    pub mono: Mono,
    pub wall: Timestamp,
    pub silences: Vec<String>,
    pub manners: BTreeMap<String, Manner>,
    pub log: Vec<String>,
    /// Kept since the last look.
    pub kept: Vec<String>,
    /// Peers that answer no liveness check.
    pub unresponsive_peers: BTreeSet<String>,
    /// What this node claimed in its last status that had claims.
    pub claimed: Vec<u64>,
    pub last_received: Option<(Channel, Vec<u8>)>,
    disk: BTreeMap<Vec<u8>, Vec<u8>>,
    hanging: BTreeMap<DeliveryId, Attempt>,
    answers: VecDeque<(DeliveryId, Outcome)>,
    starts: u128,
}

impl World {
    pub fn new(plan: Arc<Plan>, settings: EngineSettings) -> Self {
        let mut world = World {
            engine: Engine::new(plan.clone(), settings.clone(), 1),
            plan,
            settings,
            mono: Mono(0),
            wall: start(),
            silences: Vec::new(),
            manners: BTreeMap::new(),
            log: Vec::new(),
            kept: Vec::new(),
            unresponsive_peers: BTreeSet::new(),
            claimed: Vec::new(),
            last_received: None,
            disk: BTreeMap::new(),
            hanging: BTreeMap::new(),
            answers: VecDeque::new(),
            starts: 1,
        };
        world.restore();
        world
    }

    pub fn now(&self) -> Now {
        Now { wall: self.wall, mono: self.mono }
    }

    pub fn handle(&mut self, input: Input) {
        let mut turn = Turn::default();
        self.engine.handle(self.now(), input, &mut turn);
        self.perform(turn);
        while let Some((delivery, outcome)) = self.answers.pop_front() {
            let mut turn = Turn::default();
            self.engine.handle(self.now(), Input::Outcome { delivery, outcome }, &mut turn);
            self.perform(turn);
        }
    }

    /// Lets time pass, and wakes the engine at each of its deadlines.
    pub fn advance(&mut self, by: Duration) {
        let end = self.mono.plus(by);
        loop {
            let deadlines = self.hanging.values().map(|attempt| attempt.deadline);
            let next = deadlines.chain(self.engine.next_wakeup()).min();
            let Some(at) = next.filter(|at| *at <= end) else { break };
            self.pass_until(at.max(self.mono));
            self.time_out();
            self.handle(Input::Tick);
        }
        self.pass_until(end);
    }

    /// Answers the attempt that this integration has been sitting on.
    pub fn answer(&mut self, integration: &str, manner: Manner) {
        let held = self.hanging.iter().find(|(_, attempt)| is_from(attempt, integration));
        let id = *held.expect("the integration has an attempt to answer").0;
        self.hanging.remove(&id);
        let outcome = outcome(manner).expect("an answer");
        self.handle(Input::Outcome { delivery: id, outcome });
    }

    /// The process is killed, and started again after `down`.
    pub fn crash(&mut self, down: Duration) {
        self.hanging.clear();
        self.wall = self.wall.plus(down);
        self.mono = Mono(0);
        self.starts += 1;
        self.engine = Engine::new(self.plan.clone(), self.settings.clone(), self.starts);
        self.restore();
    }

    pub fn short_id(&self, id: &str) -> String {
        match self.silences.iter().position(|known| known == id) {
            Some(at) => format!("s{}", at + 1),
            None => "of others".to_owned(),
        }
    }

    fn restore(&mut self) {
        let records: Vec<Record> = self
            .disk
            .iter()
            .map(|(key, value)| Record::decode(key, value).expect("what was kept can be read"))
            .collect();
        let mut turn = Turn::default();
        self.engine.restore(self.now(), records, &mut turn);
        self.perform(turn);
    }

    fn pass_until(&mut self, at: Mono) {
        self.wall = self.wall.plus(at.since(self.mono));
        self.mono = at;
    }

    /// Keeps first; then prints and carries out.
    fn perform(&mut self, turn: Turn) {
        for effect in &turn.after {
            if let Effect::Reply(Reply::PostSilence { reply: Ok(id), .. }) = effect
                && !self.silences.contains(id)
            {
                self.silences.push(id.clone());
            }
        }
        for record in &turn.keep {
            let text = trace::record_text(record, self);
            self.kept.push(text);
            match record.encode() {
                (key, Some(value)) => self.disk.insert(key, value),
                (key, None) => self.disk.remove(&key),
            };
        }
        for note in &turn.notes {
            let line = trace::note(note, self);
            self.print(line);
        }
        for effect in turn.after {
            match effect {
                Effect::Reply(reply) => {
                    let line = trace::reply(&reply, self);
                    self.print(line);
                }
                Effect::Attempt(attempt) => self.attempt(attempt),
                other => self.send(other),
            }
        }
    }

    /// Prints what goes to peers, and lets them answer.
    fn send(&mut self, effect: Effect) {
        match effect {
            Effect::Broadcast { channel, data } => {
                let text = trace::messages(channel, &data, self);
                self.print(Some(format!("broadcast {text}")));
            }
            Effect::Forward { channel, data } => {
                let text = trace::messages(channel, &data, self);
                self.print(Some(format!("forward {text}")));
            }
            Effect::CheckLiveness { peer } => {
                if !self.unresponsive_peers.contains(&peer) {
                    self.handle(Input::PeerAlive { peer });
                }
            }
            Effect::SendStatus { peer, data } => {
                let status = StatusBroadcast::decode(&data).expect("a status");
                if !status.claims.is_empty() {
                    let count = status.claims.len();
                    self.claimed = status.claims;
                    self.print(Some(format!("status to {peer}: {count} claimed")));
                }
            }
            Effect::Reply(_) | Effect::Attempt(_) => {}
        }
    }

    fn attempt(&mut self, attempt: Attempt) {
        self.print(Some(trace::attempt(&attempt)));
        let integration = attempt.integration.to_string();
        let manner = self.manners.get(&integration).copied().unwrap_or(Manner::Accepts);
        match (manner, outcome(manner)) {
            (_, Some(outcome)) => self.answers.push_back((attempt.delivery, outcome)),
            (Manner::Vanishes, None) => {}
            (_, None) => {
                self.hanging.insert(attempt.delivery, attempt);
            }
        }
    }

    /// What a courier says when a receiver did not answer in time.
    fn time_out(&mut self) {
        let late = |attempt: &Attempt| attempt.deadline <= self.mono;
        let ids: Vec<DeliveryId> =
            self.hanging.iter().filter(|(_, attempt)| late(attempt)).map(|(id, _)| *id).collect();
        for id in ids {
            self.hanging.remove(&id);
            let outcome = Outcome::Retry {
                after: None,
                reason: FailureReason::ContextDeadlineExceeded,
                detail: "timed out".to_owned(),
            };
            self.answers.push_back((id, outcome));
        }
    }

    fn print(&mut self, line: Option<String>) {
        if let Some(line) = line {
            self.log.push(format!("{} {line}", trace::offset(self.wall)));
        }
    }
}

fn is_from(attempt: &Attempt, integration: &str) -> bool {
    attempt.integration.to_string() == integration
}

fn outcome(manner: Manner) -> Option<Outcome> {
    let retry =
        |after, reason, detail: &str| Outcome::Retry { after, reason, detail: detail.into() };
    let outcome = match manner {
        Manner::Accepts => Outcome::Delivered { remember: Remembered::default() },
        Manner::Remembers => {
            let value = RememberedValue::Text("thread 7".to_owned());
            Outcome::Delivered { remember: Remembered([("thread".to_owned(), value)].into()) }
        }
        Manner::Hangs | Manner::Vanishes => return None,
        Manner::Fails => retry(None, FailureReason::ServerError, "status 500"),
        Manner::Refuses => {
            Outcome::Refused { reason: FailureReason::ClientError, detail: "status 400".to_owned() }
        }
        Manner::RetryAfter(wait) => retry(Some(wait), FailureReason::RateLimited, "status 429"),
    };
    Some(outcome)
}
