//! One node: the engine, its disk, and the effects that wait for the disk.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bellwether_engine::{DeliveryId, Effect, Engine, EngineSettings, Input, Plan, Turn};
use bellwether_model::{GroupKey, IntegrationId, Mono, Now, Timestamp};

use crate::disk::Disk;
use crate::hash::Hash;
use crate::rng::Rng;

pub struct Node {
    /// `None` while the process is down.
    pub engine: Option<Engine>,
    pub plan: Arc<Plan>,
    pub disk: Disk,
    held: VecDeque<Held>,
    booted_at: Duration,
    boots: u128,
    pub hash: Hash,
    pub turns: u64,
}

/// Effects that wait until a batch is durable.
struct Held {
    batch: u64,
    effects: Vec<Effect>,
    took: Option<Delivered>,
}

/// What one attempt told successfully, and to whom.
#[derive(Clone, Debug)]
pub struct Delivered {
    pub integration: IntegrationId,
    pub group: GroupKey,
    pub delivery: DeliveryId,
}

/// What a commit lets out.
#[derive(Default)]
pub struct Released {
    pub effects: Vec<Effect>,
    /// Answers that the node has taken, and whatever it noted of them is durable.
    pub took: Vec<Delivered>,
}

impl Node {
    pub fn new(plan: Arc<Plan>) -> Self {
        Node {
            engine: None,
            plan,
            disk: Disk::default(),
            held: VecDeque::new(),
            booted_at: Duration::ZERO,
            boots: 0,
            hash: Hash::default(),
            turns: 0,
        }
    }

    /// The instant at which so much simulated time has passed.
    pub fn wall(at: Duration) -> Timestamp {
        // 2026-01-05 12:00 UTC.
        Timestamp::from_unix(1_767_614_400, 0).plus(at)
    }

    pub fn start(&mut self, at: Duration) -> Result<(), String> {
        self.boots += 1;
        self.booted_at = at;
        let mut turn = Turn::default();
        self.engine = Some(self.restored(at, &mut turn)?);
        self.hold(turn, None);
        Ok(())
    }

    /// A second engine with the memory that a start now would have.
    pub fn shadow(&self, at: Duration) -> Result<Engine, String> {
        self.restored(at, &mut Turn::default())
    }

    /// Handles one input and holds the effects; returns them to be judged.
    ///
    /// `took` says what the input is the answer to, if it says that something was delivered.
    pub fn handle(&mut self, at: Duration, input: Input, took: Option<Delivered>) -> &[Effect] {
        let now = self.now(at);
        let Some(engine) = &mut self.engine else { return &[] };
        let mut turn = Turn::default();
        engine.handle(now, input, &mut turn);
        self.hold(turn, took);
        self.held.back().map_or(&[], |held| &held.effects)
    }

    pub fn next_wakeup(&self) -> Option<Duration> {
        let at = self.engine.as_ref()?.next_wakeup()?;
        Some(self.booted_at + Duration::from_nanos(at.0))
    }

    pub fn is_quiet(&self) -> bool {
        self.held.is_empty()
    }

    /// Lets out what the durable batches allow.
    ///
    /// Durability: nothing else lets an effect out.
    pub fn release(&mut self) -> Released {
        let mut released = Released::default();
        let committed = self.disk.committed();
        while self.held.front().is_some_and(|held| held.batch <= committed) {
            let held = self.held.pop_front().expect("it was just seen");
            released.effects.extend(held.effects);
            released.took.extend(held.took);
        }
        released
    }

    /// The process dies; what waited for the disk may be durable or not, and is never performed.
    pub fn crash(&mut self, rng: &mut Rng) {
        self.engine = None;
        self.held.clear();
        self.disk.crash(rng);
    }

    fn restored(&self, at: Duration, turn: &mut Turn) -> Result<Engine, String> {
        let mut engine = Engine::new(self.plan.clone(), settings(), self.boots << 64 | self.boots);
        let now = Now { wall: Self::wall(at), mono: Mono(0) };
        engine.restore(now, self.disk.read()?, turn);
        Ok(engine)
    }

    pub fn now(&self, at: Duration) -> Now {
        let since_boot = (at - self.booted_at).as_nanos();
        Now { wall: Self::wall(at), mono: Mono(u64::try_from(since_boot).unwrap_or(u64::MAX)) }
    }

    fn hold(&mut self, turn: Turn, took: Option<Delivered>) {
        self.turns += 1;
        self.hash.add(&turn);
        let batch = if turn.keep.is_empty() {
            // A turn without records waits for those before it.
            self.held.back().map_or(0, |held| held.batch)
        } else {
            self.disk.submit(&turn.keep)
        };
        self.held.push_back(Held { batch, effects: turn.after, took });
    }
}

fn settings() -> EngineSettings {
    EngineSettings {
        retention: Duration::from_secs(3600),
        alerts_gc_interval: Duration::from_secs(30 * 60),
        maintenance_interval: Duration::from_secs(15 * 60),
        ..EngineSettings::default()
    }
}
