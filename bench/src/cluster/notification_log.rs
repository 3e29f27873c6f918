//! What does a large notification log cost while nothing happens?
//!
//! Every node starts with the same file of 100,000 entries, as a Go server leaves it behind, and
//! they exchange their full states once a minute, though there is nothing new. What an idle
//! cluster without entries spends is in a row of its own, and not taken off here.

use std::thread;
use std::time::{Duration, Instant};

use bellwether_e2e::Program;
use bellwether_engine::{LogEntry, LogKey, Notified, wire};
use bellwether_model::{GroupKey, IntegrationId, Remembered, Timestamp};

use super::nodes::{Cluster, NODES};
use super::{idle, namespace};
use crate::load;
use crate::table::{Figures, Unit};

pub fn figures(program: Program, figures: &mut Figures) {
    let config = load::notify_config("http://127.0.0.1:1/", 60, 60);
    let begin = Instant::now();
    let mut cluster = Cluster::start(program, &config, Some(&log()));
    thread::sleep(FIRST_EXCHANGES.saturating_sub(begin.elapsed()));
    let before = Sent::read(&mut cluster);
    let carried = namespace::carried_bytes();
    let spent = idle::watch(&cluster, WATCHED);
    let carried = namespace::carried_bytes() - carried;
    let after = Sent::read(&mut cluster);

    let row = |name: &str| format!("{ENTRIES} log entries: {name}");
    figures.time(row("CPU of a node in a minute"), spent.cpu * 60);
    figures.push(row("resident, largest node"), cluster.resident_bytes() as f64, Unit::Bytes);
    let states = after.states - before.states;
    figures.push(row("state of a push-pull"), (after.bytes - before.bytes) / states, Unit::Bytes);
    let per_state = carried as f64 / states;
    figures.push(row("on the wire for each state sent"), per_state, Unit::Bytes);
    let per_node = states / NODES as f64 / (WATCHED.as_secs_f64() / 60.0);
    figures.push(row("states that a node sent in a minute"), per_node, Unit::Count);
}

/// Full states that all nodes have sent.
struct Sent {
    states: f64,
    bytes: f64,
}

impl Sent {
    fn read(cluster: &mut Cluster) -> Self {
        let labels = "msg_type=\"full_state\"";
        Sent {
            states: cluster.metric("alertmanager_cluster_messages_sent_total", labels),
            bytes: cluster.metric("alertmanager_cluster_messages_sent_size_total", labels),
        }
    }
}

/// A file `nflog`, each entry of a group with one firing alert.
fn log() -> Vec<u8> {
    let notified_at = Timestamp::from_unix(jiff::Timestamp::now().as_second() - 60, 0);
    let mut file = Vec::new();
    for index in 0..ENTRIES {
        let entry = LogEntry {
            key: LogKey {
                group: GroupKey::from_text(load::group_key(index)),
                integration: IntegrationId {
                    receiver: "sink".into(),
                    kind: "webhook".into(),
                    index: 0,
                },
            },
            notified: Notified {
                // Spread like a hash.
                firing: vec![(index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)],
                ..Notified::default()
            },
            at: notified_at,
            expires_at: notified_at.plus(Duration::from_secs(120 * 3600)),
            remembered: Remembered::default(),
            wire: None,
        };
        wire::append_message(&mut file, &wire::encode_entry(&entry));
    }
    file
}

const ENTRIES: usize = 100_000;
/// Nodes begin their first push-pull one to two minutes after their start, all others a minute
/// after the one before.
const FIRST_EXCHANGES: Duration = Duration::from_secs(125);
const WATCHED: Duration = Duration::from_secs(60);
