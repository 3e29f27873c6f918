//! Settings of the cluster layer, with the Go Alertmanager's defaults.

use std::time::Duration;

use crate::machine;
use crate::message::{Address, NodeName};

/// How one node takes part in its cluster.
#[derive(Debug, Clone)]
pub struct ClusterSettings {
    /// Identity and parameters of the membership machine.
    pub machine: machine::MemberlistSettings,
    /// `host:port` of the peers to join; names are looked up again and again.
    pub peers: Vec<String>,
    /// The keys of the full state. Go nodes log a warning for any but `nfl` and `sil`.
    pub state_keys: Vec<String>,
    /// After this time the cluster counts as settled in any case.
    pub settle_timeout: Duration,
    /// The interval between attempts to rejoin a failed peer; zero is never.
    pub reconnect_interval: Duration,
    /// How long rejoining is attempted; zero is for ever.
    pub reconnect_timeout: Duration,
    /// The interval between lookups of the peers' names.
    pub refresh_interval: Duration,
}

impl ClusterSettings {
    /// The defaults of the Go Alertmanager, except that updates are retransmitted three times as
    /// often. With Go's value one update in several hundred misses a node until the next push-pull,
    /// even if no datagram is lost; and a node that misses a log entry sends a duplicate.
    pub fn alertmanager(name: NodeName, address: Address, peers: Vec<String>) -> Self {
        let mut machine = machine::MemberlistSettings::alertmanager(name, address, peers.len());
        machine.user_retransmit_mult *= 3;
        Self {
            machine,
            peers,
            state_keys: vec!["nfl".to_owned(), "sil".to_owned()],
            settle_timeout: Duration::from_mins(1),
            reconnect_interval: Duration::from_secs(10),
            reconnect_timeout: Duration::from_hours(6),
            refresh_interval: Duration::from_secs(15),
        }
    }
}
