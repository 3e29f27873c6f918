//! Lives of clusters, with every misfortune.
//!
//! Two to five nodes, each with the real engine and the real membership machine (`host`), live on
//! one network (`network`). All senders tell all nodes, each in its time; operators silence on one
//! node and expire on another (`people`). The seed decides which kinds of misfortune there are at
//! all (`swarm`). A life ends with a quiet time in which everything heals; then all that was owed
//! must have been told, and all nodes must remember the same.
//!
//! A notification that says nothing new must be explained by something that disturbed the cluster
//! (`excuses`); in a life without misfortune nothing explains it. The judges (`judges`, `book`)
//! look at what was promised and what arrived, and ask no engine whether it was right.

mod book;
mod excuses;
mod host;
mod judges;
pub mod measure;
mod network;
mod people;
mod swarm;
mod world;

use crate::{Broken, Trace};

/// What a life without a broken promise was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Life {
    /// Over every turn of every engine, in order, and what all remember in the end.
    pub hash: u64,
    pub turns: u64,
    pub crashes: u64,
    pub notifications: u64,
    /// Notifications that said nothing new, each explained by a disturbance.
    pub repeated: u64,
    /// Whether nothing went wrong in it.
    pub calm: bool,
}

/// Lives one life; `trace` gets one line for every step.
pub fn live(seed: u64, trace: Trace<'_>) -> Result<Life, Broken> {
    let replay = format!("cargo run -p bellwether-sim -- --flock --seed {seed}");
    world::World::new(seed, trace).live().map_err(|what| Broken { what, replay })
}
