//! What does a cluster of three cost, how fast is it, and does it send duplicates?
//!
//! Three nodes of one program on loopback, with default cluster flags: first ours, then the Go
//! Alertmanager's, one scenario after the other, each in a fresh cluster. Nodes are measured from
//! outside, as everywhere here; what goes over the wire is counted by the kernel, in a network
//! namespace that no other program uses (`namespace`).
//!
//! In reading order: `nodes` (three nodes), `spread` (how fast a silence travels), `idle`
//! (what is spent while nothing happens), `failover` (how soon another notifies when the first one dies), `notification_log` (a large
//! one), `duplicates` (of notifications).

mod duplicates;
mod failover;
mod idle;
pub mod namespace;
mod nodes;
mod notification_log;
mod spread;

use bellwether_e2e::Program;

use crate::options::Scenario;
use crate::table::Figures;

/// The figures of one program.
pub fn program(program: Program, scenarios: &[Scenario]) -> Figures {
    let mut figures = Figures::default();
    for scenario in scenarios {
        eprintln!("# {}: cluster, {scenario:?}", program.name());
        match scenario {
            Scenario::Spread => spread::figures(program, &mut figures),
            Scenario::Idle => idle::figures(program, &mut figures),
            Scenario::Failover => failover::figures(program, &mut figures),
            Scenario::NotificationLog => notification_log::figures(program, &mut figures),
            Scenario::Duplicates => duplicates::figures(program, &mut figures),
        }
    }
    figures
}
