//! How soon does another node notify when the one whose turn it is has just died?
//!
//! One alert goes to all nodes. Shortly before its group is due, the first node by name is killed
//! without notice, and no other can know it yet. Counted is the time from when the group was due
//! until the webhook gets its notification. Then the node is started again, and the next round begins.

use std::thread;
use std::time::{Duration, Instant};

use bellwether_e2e::{Program, Sink};

use super::nodes::Cluster;
use crate::load::{self, Times};
use crate::table::Figures;

pub fn figures(program: Program, figures: &mut Figures) {
    let sink = Sink::start();
    let config = load::notify_config(&sink.url("/"), GROUP_WAIT.as_secs(), 3600);
    let mut cluster = Cluster::start(program, &config, None);
    let mut delays: Vec<Duration> = (0..ROUNDS)
        .map(|round| {
            let alert = load::bodies(round + 1, 1, Times::from_now()).pop().expect("one a round");
            // Early by what the posts take, so that no delay looks shorter than it is.
            let due = Instant::now() + GROUP_WAIT;
            cluster.post_alerts(&alert);
            thread::sleep(due - KILLED_BEFORE - Instant::now());
            let killed = cluster.kill(0);
            let instance = load::instance(round);
            let notified = sink.wait_at_most(FAILOVER_MAX, "notification", |requests| {
                requests.iter().find(|it| it.text().contains(&instance)).map(|it| it.arrived)
            });
            cluster.restart(killed);
            notified.saturating_duration_since(due)
        })
        .collect();
    delays.sort_unstable();
    figures.time(format!("failover, median of {ROUNDS}"), delays[ROUNDS / 2]);
    figures.time("failover, longest", delays[ROUNDS - 1]);
}

const ROUNDS: usize = 5;
const GROUP_WAIT: Duration = Duration::from_secs(4);
const KILLED_BEFORE: Duration = Duration::from_millis(200);
/// Beyond two peer timeouts of 15 s.
const FAILOVER_MAX: Duration = Duration::from_secs(60);
