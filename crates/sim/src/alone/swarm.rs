//! Which misfortunes a life has: every seed turns some off and others up, because faults that are
//! always all there hide each other.

use crate::receivers::Temper;
use crate::rng::Rng;

/// Chances in a thousand, unless they say otherwise.
#[derive(Clone, Debug)]
pub struct Swarm {
    /// At each step at which a kill can fall.
    pub crash: u64,
    /// How long a commit takes at most, in milliseconds.
    pub commit_millis: u64,
    /// How long the process is down at most, in seconds.
    pub down_seconds: u64,
    pub receivers: Temper,
    /// Each time a sender reports.
    pub resolves: u64,
    pub stops: u64,
    pub fires: u64,
    /// Each time an operator looks.
    pub silences: u64,
    pub expires: u64,
    pub reloads_same: u64,
    pub reloads_other: u64,
}

impl Swarm {
    pub fn draw(rng: &mut Rng) -> Self {
        let mut some = |most: u64| if rng.permille(500) { 1 + rng.below(most) } else { 0 };
        Swarm {
            crash: some(25),
            commit_millis: some(3000),
            down_seconds: some(400),
            receivers: Temper {
                fails: some(400),
                denies: 0,
                refuses: some(200),
                limits: some(300),
                hangs: some(150),
                lies: some(200),
                vanishes: some(60),
                slow: some(500),
            },
            resolves: 20 + some(200),
            stops: some(80),
            fires: 100 + some(400),
            silences: some(250),
            expires: some(400),
            reloads_same: some(200),
            reloads_other: some(150),
        }
    }
}
