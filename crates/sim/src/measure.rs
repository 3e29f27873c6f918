//! How fast is a cluster, in virtual time?
//!
//! In: numbers of nodes, and how many clusters to try. Out: how long a silence takes to reach all,
//! how long nodes take to find each other, and how much later a notification comes when the node
//! whose turn it was has just died. Datagrams take up to twenty milliseconds, and none is lost.

use std::fmt;
use std::time::Duration;

use crate::conditions::Conditions;
use crate::plans::GROUP_WAIT;
use crate::rng::Rng;
use crate::world::World;

/// Durations, from the shortest to the longest.
#[derive(Clone, Debug)]
pub struct Measured(Vec<Duration>);

/// From the answer to the operator until a silence holds on every node.
pub fn silence_reaches_all(nodes: usize, clusters: u64) -> Result<Measured, String> {
    let mut took = Vec::new();
    for seed in 0..clusters {
        let mut world = settled(nodes, seed)?;
        for number in 0..SILENCES {
            let began = world.at;
            let node = (seed + number) as usize % nodes;
            world.silence(node, None, "h1", Duration::from_secs(600))?;
            let all_know = |world: &World<'_>| {
                let known = world.nodes.iter().map(|node| node.learned.len() as u64);
                known.min().unwrap_or(0) > number
            };
            world.run_while(Duration::from_secs(120), |world| !all_know(world))?;
            took.push(world.at - began);
            world.run_until(world.at + Duration::from_millis(733))?;
        }
    }
    Ok(Measured::of(took))
}

/// From the start until every node counts all.
pub fn all_converge(nodes: usize, clusters: u64) -> Result<Measured, String> {
    let mut took = Vec::new();
    for seed in 0..clusters {
        let mut rng = Rng::new(seed);
        let mut world = World::with(Conditions::calm(nodes, &mut rng), &mut rng, None);
        world.boot()?;
        let counts_all =
            |world: &World<'_>| world.nodes.iter().all(|node| node.members() == Some(nodes));
        world.run_while(Duration::from_secs(120), |world| !counts_all(world))?;
        took.push(world.at);
    }
    Ok(Measured::of(took))
}

/// From when the second node would have notified, had it been the first, until it notifies: the
/// first one dies shortly before its turn.
pub fn failover(nodes: usize, clusters: u64) -> Result<Measured, String> {
    let mut took = Vec::new();
    for seed in 0..clusters {
        let mut world = settled(nodes, seed)?;
        let began = world.at;
        world.fire_everywhere()?;
        let due = began + GROUP_WAIT;
        world.run_until(due - Duration::from_millis(1 + seed * 37 % 1500))?;
        world.kill(0, Duration::from_secs(3600), false);
        let before = world.arrivals.len();
        world.run_while(Duration::from_secs(120), |world| world.arrivals.len() == before)?;
        took.push(world.at.saturating_sub(due));
    }
    Ok(Measured::of(took))
}

fn settled(nodes: usize, seed: u64) -> Result<World<'static>, String> {
    let mut rng = Rng::new(seed);
    let mut world = World::with(Conditions::calm(nodes, &mut rng), &mut rng, None);
    world.boot()?;
    world.run_until(Duration::from_secs(60))?;
    Ok(world)
}

impl Measured {
    fn of(mut all: Vec<Duration>) -> Self {
        all.sort_unstable();
        Measured(all)
    }

    /// The duration that so many of a hundred do not exceed.
    pub fn percentile(&self, percent: usize) -> Duration {
        let at = (self.0.len() * percent).div_ceil(100).saturating_sub(1);
        self.0.get(at).copied().unwrap_or_default()
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [half, most, all] = [50, 99, 100].map(|percent| self.percentile(percent).as_millis());
        write!(f, "{:>7} | {half:>6} ms | {most:>6} ms | {all:>6} ms", self.0.len())
    }
}

const SILENCES: u64 = 20;
