//! What can be set, with the values that every Alertmanager has.

use std::time::Duration;

use crate::machine;
use crate::message::{Address, NodeName};

/// How one node takes part in its cluster.
#[derive(Debug, Clone)]
pub struct ClusterSettings {
    /// Name, address, label, member_filter and the figures of the protocol.
    pub machine: machine::MemberlistSettings,
    /// `host:port` of the peers to join; names are looked up again and again.
    pub peers: Vec<String>,
    /// The keys of the full state. Go nodes complain of any but `nfl` and `sil`.
    pub state_keys: Vec<String>,
    /// Settled or not, after that time the cluster counts as settled.
    pub settle_timeout: Duration,
    /// How often a peer that failed is tried again; zero is never.
    pub reconnect_interval: Duration,
    /// For how long; zero is for ever.
    pub reconnect_timeout: Duration,
    /// How often the names of the peers are looked up.
    pub refresh_interval: Duration,
}

impl ClusterSettings {
    /// What the Go Alertmanager uses if no flag says otherwise, but for one figure: updates are
    /// gossiped three times as often. With its figure, one update in some hundreds misses a node
    /// even where no datagram is lost, until the next push-pull; and who misses that something was
    /// told tells it again.
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
