//! How long does a silence take from one node to all?
//!
//! From the sending of the POST until the last of the nodes shows the silence. Posts come at
//! uneven times, so that they meet every phase of the gossip's clock; then many at once.

use std::thread;
use std::time::{Duration, Instant};

use bellwether_e2e::{Client, Program};

use super::nodes::{Cluster, NODES};
use crate::load;
use crate::table::Figures;

pub fn figures(program: Program, figures: &mut Figures) {
    let mut cluster =
        Cluster::start(program, &load::notify_config("http://127.0.0.1:1/", 60, 60), None);
    let mut walls: Vec<Duration> = (0..SILENCES).map(|index| one(&mut cluster, index)).collect();
    walls.sort_unstable();
    figures.time(format!("a silence on all nodes, median of {SILENCES}"), walls[SILENCES / 2]);
    figures.time("a silence on all nodes, p99", walls[SILENCES * 99 / 100 - 1]);

    let begin = Instant::now();
    let ids: Vec<String> = (0..SILENCES)
        .map(|index| cluster.nodes[index % NODES].post_silence(&load::silence(SILENCES + index)))
        .collect();
    for id in &ids {
        wait_until_seen(cluster.nodes.iter_mut().map(|node| &mut node.client), id);
    }
    figures.time(format!("{SILENCES} silences in a row, the last one on all"), begin.elapsed());
}

fn one(cluster: &mut Cluster, index: usize) -> Duration {
    thread::sleep(PAUSE_STEP * (index * 37 % PAUSE_STEPS) as u32);
    let origin = index % NODES;
    let begin = Instant::now();
    let id = cluster.nodes[origin].post_silence(&load::silence(index));
    wait_until_seen(cluster.nodes.iter_mut().map(|node| &mut node.client), &id);
    begin.elapsed()
}

fn wait_until_seen<'a>(clients: impl Iterator<Item = &'a mut Client>, id: &str) {
    let path = format!("/api/v2/silence/{id}");
    let deadline = Instant::now() + SPREADING_MAX;
    for client in clients {
        while client.get(&path).status != 200 {
            assert!(Instant::now() < deadline, "a silence does not reach all nodes");
            thread::sleep(BETWEEN_LOOKS);
        }
    }
}

const SILENCES: usize = 200;
/// Pauses of up to two gossip intervals.
const PAUSE_STEP: Duration = Duration::from_millis(4);
const PAUSE_STEPS: usize = 100;
const BETWEEN_LOOKS: Duration = Duration::from_millis(1);
/// A push-pull would have brought it by then.
const SPREADING_MAX: Duration = Duration::from_secs(150);
