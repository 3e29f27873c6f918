//! Whole lives of a node, with every misfortune, on one thread and in no time.
//!
//! In: a seed. Out: what the node did, or the first promise that it broke. The seed decides which
//! faults there are and how often, what senders report, what operators do, how receivers answer,
//! how long the disk takes, and at which steps the process is killed. A run ends with a quiet time
//! in which everything heals; then all that was owed must have been told.
//!
//! The engine runs unchanged between a simulated disk (`disk`), receivers that keep their own book
//! (`receivers`), and senders and operators that remember what was promised to them (`people`). The
//! judges in `checks` look at nothing but these memories: they do not ask the engine whether it was
//! right. A world has one node now; nothing in it but [`World`](world) knows that.
//!
//! It has no clock, socket, file or thread: equal seeds give equal runs.

mod checks;
mod disk;
mod node;
mod people;
mod plans;
mod receivers;
mod rng;
mod swarm;
mod world;

use std::fmt;

/// What a run without a broken promise did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Life {
    /// Over every turn of the engine, in order.
    pub hash: u64,
    pub turns: u64,
    pub crashes: u64,
    pub notifications: u64,
    /// Notifications that said nothing new, each explained by a lost answer or a crash.
    pub repeated: u64,
}

/// A promise that was not kept.
#[derive(Clone, Debug)]
pub struct Broken {
    pub seed: u64,
    pub what: String,
}

/// Lives one life; `trace` gets one line for every step.
pub fn live(seed: u64, trace: Option<&mut dyn FnMut(String)>) -> Result<Life, Broken> {
    world::World::new(seed, trace).live().map_err(|what| Broken { seed, what })
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Broken { seed, what } = self;
        write!(f, "{what}\nreplay it with: cargo run -p bellwether-sim -- --seed {seed}")
    }
}

impl std::error::Error for Broken {}
