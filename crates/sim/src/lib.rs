//! Whole lives of nodes and clusters, with every misfortune, on one thread and in no time.
//!
//! In: a seed. Out: what happened, or the first promise that was broken. [`alone`] is about one
//! node and all that can befall it between its senders, its disk and its receivers; [`flock`] is
//! about clusters. They share chance (`rng`), disks, receivers and configurations (`plans`).
//!
//! It has no clock, socket, file or thread: equal seeds give equal runs.

pub mod alone;
pub mod flock;

mod disk;
mod hash;
mod plans;
mod receivers;
mod rng;

use std::fmt;

/// Gets one line for every step, if anybody wants to read them.
pub type Trace<'t> = Option<&'t mut dyn FnMut(String)>;

/// A promise that was not kept.
#[derive(Clone, Debug)]
pub struct Broken {
    pub what: String,
    /// The command that shows it again, step by step.
    pub replay: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\nreplay it with: {}", self.what, self.replay)
    }
}

impl std::error::Error for Broken {}
