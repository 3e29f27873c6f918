//! Lives of one node, with every misfortune but peers.
//!
//! The seed decides which faults there are and how often, what senders report, what operators do,
//! how receivers answer, how long the disk takes, and at which steps the process is killed. A run
//! ends with a quiet time in which everything heals; then all that was owed must have been told.
//!
//! The engine runs unchanged between a simulated disk, receivers that keep their own book (`book`),
//! and senders and operators that remember what was promised to them (`people`). The judges in
//! `checks` look at nothing but these memories: they do not ask the engine whether it was right.

mod book;
mod checks;
mod node;
mod people;
mod swarm;
mod world;

use crate::{Broken, Trace};

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

/// Lives one life; `trace` gets one line for every step.
pub fn live(seed: u64, trace: Trace<'_>) -> Result<Life, Broken> {
    let replay = format!("cargo run -p bellwether-sim -- --seed {seed}");
    world::World::new(seed, trace).live().map_err(|what| Broken { what, replay })
}
