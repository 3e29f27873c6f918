//! What does a settled cluster spend while nothing happens?

use std::thread;
use std::time::Duration;

use bellwether_e2e::Program;

use super::namespace;
use super::nodes::{Cluster, NODES};
use crate::load;
use crate::table::{Figures, Unit};

/// What one node spends by itself in a second.
pub struct Idle {
    pub cpu: Duration,
    pub bytes: f64,
}

pub fn figures(program: Program, figures: &mut Figures) {
    let cluster =
        Cluster::start(program, &load::notify_config("http://127.0.0.1:1/", 60, 60), None);
    let Idle { cpu, bytes } = watch(&cluster, WATCHED);
    figures.push("idle: CPU of a node, of one core", cpu.as_secs_f64(), Unit::Share);
    figures.push("idle: bytes that a node sends in a second", bytes, Unit::Bytes);
    let resident = cluster.resident_bytes() as f64;
    figures.push("idle: resident, largest node", resident, Unit::Bytes);
}

/// Looks at a cluster for so long without disturbing it.
pub fn watch(cluster: &Cluster, time: Duration) -> Idle {
    let (cpu, bytes) = (cluster.cpu(), namespace::carried_bytes());
    thread::sleep(time);
    let seconds = time.as_secs_f64() * NODES as f64;
    Idle {
        cpu: (cluster.cpu() - cpu).div_f64(seconds),
        bytes: (namespace::carried_bytes() - bytes) as f64 / seconds,
    }
}

/// Contains the push-pull that each node begins every minute.
const WATCHED: Duration = Duration::from_secs(60);
