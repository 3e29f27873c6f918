//! Counters of the cluster layer, for metrics.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cluster::failure::JoinFailure;
use crate::message::NodeName;

/// All counters since the start.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counters {
    pub sent: Traffic,
    pub received: Traffic,
    /// Including this node.
    pub peers_joined: u64,
    pub peers_left: u64,
    pub peers_updated: u64,
    pub reconnections: u64,
    pub reconnections_failed: u64,
    pub refresh_joins: u64,
    pub refresh_joins_failed: u64,
    pub name_conflicts: u64,
    /// Messages about nodes that were not taken as members since there are too many.
    pub members_refused: u64,
    /// Failed joins, for whatever cause, by reason.
    pub joins_failed: BTreeMap<JoinFailure, u64>,
    /// Inbound connections whose TLS handshake failed.
    pub handshakes_failed: u64,
    /// Push-pulls with nodes of a different cluster, which were not merged.
    pub foreign_refused: u64,
    /// Queued messages dropped because the queue was full.
    pub messages_pruned: u64,
    /// By key.
    pub oversize: BTreeMap<String, OversizeCounters>,
    /// Updates of peers that were forwarded, by key.
    pub forwarded: BTreeMap<String, u64>,
    /// By peer; only of known ones.
    pub peers: BTreeMap<NodeName, PeerCounters>,
    /// Network messages dropped, by reason.
    pub dropped: BTreeMap<&'static str, u64>,
}

/// Messages by `msg_type`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traffic {
    pub full_state: Volume,
    pub update: Volume,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Volume {
    pub messages: u64,
    pub bytes: u64,
}

/// Of messages that are too large for a datagram.
#[derive(Debug, Clone, PartialEq)]
pub struct OversizeCounters {
    /// Counted once for each peer.
    pub sent: u64,
    pub failed: u64,
    pub dropped: u64,
    pub duration: Histogram,
}

#[derive(Debug, Clone, PartialEq)]
pub struct PeerCounters {
    /// Alive messages received about the peer.
    pub alive_messages: u64,
    /// Latencies of direct probes.
    pub pings: Histogram,
}

/// A histogram of durations.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// Upper bounds in seconds, ascending.
    pub bounds: &'static [f64],
    /// One for each bound and one for what is above the last; not cumulative.
    pub counts: Vec<u64>,
    pub sum_seconds: f64,
}

impl Volume {
    pub(super) fn add(&mut self, messages: usize, bytes: usize) {
        self.messages += messages as u64;
        self.bytes += bytes as u64;
    }
}

impl Histogram {
    pub fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, counts: vec![0; bounds.len() + 1], sum_seconds: 0.0 }
    }

    pub fn observe(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let bucket = self.bounds.partition_point(|bound| *bound < seconds);
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += 1;
        }
        self.sum_seconds += seconds;
    }

    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

impl Default for OversizeCounters {
    fn default() -> Self {
        Self { sent: 0, failed: 0, dropped: 0, duration: Histogram::new(&OVERSIZE_BOUNDS) }
    }
}

impl Default for PeerCounters {
    fn default() -> Self {
        Self { alive_messages: 0, pings: Histogram::new(&PING_BOUNDS) }
    }
}

const PING_BOUNDS: [f64; 7] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5];
const OVERSIZE_BOUNDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_counts_in_the_first_bucket_that_holds_it() {
        let mut histogram = Histogram::new(&PING_BOUNDS);
        for millis in [5, 6, 500, 501] {
            histogram.observe(Duration::from_millis(millis));
        }
        assert_eq!(histogram.counts, [1, 1, 0, 0, 0, 0, 1, 1]);
        assert_eq!(histogram.count(), 4);
        assert!((histogram.sum_seconds - 1.012).abs() < 1e-9);
    }
}
