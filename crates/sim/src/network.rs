//! The network: when does what one node sends arrive at another, if it does?
//!
//! Datagrams are lost, doubled, late and overtake each other. Streams are only late, but for
//! partitions: one direction that is cut is enough to stop them.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::rng::Rng;

#[derive(Debug)]
pub struct Network {
    pub delay_max: Duration,
    /// Of a thousand datagrams.
    pub loss: u64,
    pub duplication: u64,
    /// Who does not reach whom, in one direction.
    cut: BTreeSet<(usize, usize)>,
}

impl Network {
    pub fn new(delay_max: Duration, loss: u64, duplication: u64) -> Self {
        Network { delay_max, loss, duplication, cut: BTreeSet::new() }
    }

    /// How long a datagram is under way; twice if it is doubled.
    pub fn datagram(&self, from: usize, to: usize, rng: &mut Rng) -> Vec<Duration> {
        if self.cut.contains(&(from, to)) || rng.permille(self.loss) {
            return Vec::new();
        }
        let copies = if rng.permille(self.duplication) { 2 } else { 1 };
        (0..copies).map(|_| self.delay(rng)).collect()
    }

    /// How long a few bytes of a stream are under way; `None` if they do not get through.
    pub fn stream(&self, from: usize, to: usize, rng: &mut Rng) -> Option<Duration> {
        if self.cut.contains(&(from, to)) || self.cut.contains(&(to, from)) {
            return None;
        }
        let mut delay = self.delay(rng);
        // What is lost is sent again.
        while rng.permille(self.loss) {
            delay += RETRANSMITTED_AFTER;
        }
        Some(delay)
    }

    /// Parts some nodes from the others; returns whether it did.
    pub fn part(&mut self, nodes: usize, one_way: bool, rng: &mut Rng) -> bool {
        let sides: Vec<bool> = (0..nodes).map(|_| rng.permille(500)).collect();
        for from in 0..nodes {
            for to in 0..nodes {
                if sides[from] != sides[to] && (!one_way || sides[from]) {
                    self.cut.insert((from, to));
                }
            }
        }
        self.is_parted()
    }

    pub fn is_parted(&self) -> bool {
        !self.cut.is_empty()
    }

    pub fn mend(&mut self) {
        self.cut.clear();
    }

    fn delay(&self, rng: &mut Rng) -> Duration {
        let most = self.delay_max.as_micros() as u64;
        Duration::from_micros(100 + rng.below(most))
    }
}

const RETRANSMITTED_AFTER: Duration = Duration::from_millis(200);
