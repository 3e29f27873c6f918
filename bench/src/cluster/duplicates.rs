//! Are there duplicate notifications while nothing fails?
//!
//! Thousands of groups fall due at once on all nodes. The first node by name should notify for
//! each, and the others should know of it before their turn comes.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use bellwether_e2e::{Program, Sink};

use super::nodes::{Cluster, NODES};
use crate::load::{self, Times};
use crate::one_server::PER_POST;
use crate::table::{Figures, Unit};

pub fn figures(program: Program, figures: &mut Figures) {
    let sink = Sink::start();
    let config = load::notify_config(&sink.url("/"), GROUP_WAIT_SECONDS, 3600);
    let mut cluster = Cluster::start(program, &config, None);
    let bodies = load::bodies(GROUPS, PER_POST, Times::from_now());
    let before = cluster.cpu();
    let begin = Instant::now();
    for body in &bodies {
        cluster.post_alerts(body);
    }
    assert_eq!(sink.count(), 0, "groups are due before the load is in");
    // Until the last node has had its turn, and some time more.
    while begin.elapsed() < LAST_TURN {
        thread::sleep(Duration::from_millis(200));
    }
    let cpu = (cluster.cpu() - before) / NODES as u32;

    let mut notified: BTreeMap<String, usize> = BTreeMap::new();
    for request in sink.requests() {
        let group = request.json()["groupKey"].as_str().unwrap_or_default().to_owned();
        *notified.entry(group).or_default() += 1;
    }
    let row = |name: &str| format!("{GROUPS} groups on all nodes: {name}");
    figures.push(row("groups notified"), notified.len() as f64, Unit::Count);
    let duplicates: usize = notified.values().map(|times| times - 1).sum();
    figures.push(row("duplicate notifications"), duplicates as f64, Unit::Count);
    figures.time(row("CPU of a node"), cpu);
}

const GROUPS: usize = 3_000;
const GROUP_WAIT_SECONDS: u64 = 5;
/// Group wait and two peer timeouts of 15 s.
const LAST_TURN: Duration = Duration::from_secs(5 + 2 * 15 + 10);
