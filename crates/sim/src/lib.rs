//! Simulated clusters with every kind of fault, on one thread and in virtual time.
//!
//! In: a seed. Out: what happened, or the first rule that was broken. One to five nodes, each with
//! the real engine and the real membership machine (`node`), run in one `world`: on a simulated
//! `network`, with simulated `disk`s, in front of simulated `receivers`. Senders post alerts to all
//! nodes; operators silence on one node, expire on another and reload (`actors`). The seed decides
//! which kinds of faults there are at all and how often (`conditions`), and in some runs who is hostile
//! (`hostile`). A run ends with a time
//! without faults; then everything must have been notified, and all nodes must have the same state.
//!
//! The `checks` compare what was promised to senders and operators with what receivers got
//! (`received`); they do not ask an engine whether it was right. A notification that contains
//! nothing new must be explained by something that disturbed the cluster (`explanations`). For a
//! single node only a lost answer explains it.
//!
//! It has no clock, socket, file or thread: equal seeds give equal runs.

pub mod measure;

mod actors;
mod checks;
mod conditions;
mod disk;
mod explanations;
mod hash;
mod hostile;
mod network;
mod node;
mod plans;
mod received;
mod receivers;
mod rng;
mod world;

use std::fmt;

use world::World;

/// Gets one line for every step, if it is wanted.
pub type Trace<'t> = Option<&'t mut dyn FnMut(String)>;

/// How many nodes a run has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Only a lost answer, also one lost to a crash, explains a repeated notification.
    OneNode,
    /// Two to five nodes; the seed decides.
    Cluster,
    /// The same, but some alerts are posted to one node only: the others can neither notify them nor
    /// know that they ended. Seeds are known that break a rule.
    OneTarget,
    /// Three to six nodes, where one peer, one receiver or one client is hostile, or several of them
    /// are. What is promised holds for all others.
    Hostile,
}

/// What happened in a run in which no rule was broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// Over every turn of every engine, in order, and the state of all in the end.
    pub hash: u64,
    pub turns: u64,
    pub crashes: u64,
    pub notifications: u64,
    /// Notifications that contain nothing new, each with an explanation.
    pub repeated: u64,
    /// Whether there was no fault.
    pub calm: bool,
}

/// A rule that was broken.
#[derive(Clone, Debug)]
pub struct Violation {
    pub what: String,
    /// The command that shows it again, step by step.
    pub replay: String,
}

/// Simulates one cluster; `trace` gets one line for every step.
pub fn run(seed: u64, size: Size, trace: Trace<'_>) -> Result<Run, Violation> {
    let replay = match size {
        Size::OneNode => format!("make sim NODES=1 SEED={seed}"),
        Size::Cluster => format!("make sim SEED={seed}"),
        Size::OneTarget => format!("make sim ONE_TARGET=1 SEED={seed}"),
        Size::Hostile => format!("make sim HOSTILE=1 SEED={seed}"),
    };
    World::new(seed, size, trace).run().map_err(|what| Violation { what, replay })
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\nreplay it with: {}", self.what, self.replay)
    }
}

impl std::error::Error for Violation {}
