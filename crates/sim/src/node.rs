//! One node: the engine, its disk, and the effects that wait for the disk.

use std::collections::VecDeque;
use std::fmt::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use bellwether_engine::{Effect, Engine, Input, LedgerKey, Plan, Record, Settings, Turn};
use bellwether_model::{Mono, Now, Outcome, Timestamp};

use crate::disk::Disk;
use crate::rng::Rng;

pub struct Node {
    /// `None` while the process is down.
    pub engine: Option<Engine>,
    pub plan: Arc<Plan>,
    pub disk: Disk,
    held: VecDeque<Held>,
    booted_at: Duration,
    boots: u128,
    pub hash: u64,
    pub turns: u64,
}

/// Effects that wait until a batch is durable.
struct Held {
    batch: u64,
    effects: Vec<Effect>,
    told: Option<LedgerKey>,
}

/// What a commit lets out.
#[derive(Default)]
pub struct Released {
    pub effects: Vec<Effect>,
    /// What was delivered, and is durably noted now.
    pub told: Vec<LedgerKey>,
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
            hash: 0xcbf2_9ce4_8422_2325,
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
        self.hold(turn, false);
        Ok(())
    }

    /// A second engine with the memory that a start now would have.
    pub fn shadow(&self, at: Duration) -> Result<Engine, String> {
        self.restored(at, &mut Turn::default())
    }

    /// Handles one input and holds the effects; returns them to be judged.
    pub fn handle(&mut self, at: Duration, input: Input) -> &[Effect] {
        let now = self.now(at);
        let Some(engine) = &mut self.engine else { return &[] };
        let is_delivered =
            matches!(input, Input::Outcome { outcome: Outcome::Delivered { .. }, .. });
        let mut turn = Turn::default();
        engine.handle(now, input, &mut turn);
        self.hold(turn, is_delivered);
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
            released.told.extend(held.told);
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

    fn hold(&mut self, turn: Turn, is_delivered: bool) {
        self.turns += 1;
        let mut hash = Hash(self.hash);
        write!(hash, "{turn:?}").expect("a hash takes all");
        self.hash = hash.0;
        let batch = if turn.keep.is_empty() {
            // A turn without records waits for those before it.
            self.held.back().map_or(0, |held| held.batch)
        } else {
            self.disk.submit(&turn.keep)
        };
        // An answer is noted before anything else that the turn notes.
        let told = turn.keep.into_iter().filter(|_| is_delivered).find_map(|record| match record {
            Record::Told(entry) => Some(entry.key),
            _ => None,
        });
        self.held.push_back(Held { batch, effects: turn.after, told });
    }
}

/// FNV-1a over what is written to it.
struct Hash(u64);

impl fmt::Write for Hash {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}

fn settings() -> Settings {
    Settings {
        retention: Duration::from_secs(3600),
        alerts_gc_interval: Duration::from_secs(30 * 60),
        maintenance_interval: Duration::from_secs(15 * 60),
        ..Settings::default()
    }
}
