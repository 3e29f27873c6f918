//! What does a cluster of three cost, how fast is it, and does it hold its tongue?
//!
//! Three nodes of one program on loopback, with the flags that operators leave alone left alone:
//! first ours, then the Go Alertmanager's, one story after the other, each in a fresh cluster.
//! Nodes are watched from outside, as everywhere here; what goes over the wire is counted by the
//! kernel, in a network namespace in which nobody else speaks (`namespace`).
//!
//! In the order of a reading: `flock` (three nodes), `spread` (how fast a silence travels), `idle`
//! (what is spent on nothing), `failover` (who speaks when the first one dies), `ledger` (a large
//! notification log), `chorus` (is anything told twice?).

mod chorus;
mod failover;
mod flock;
mod idle;
mod ledger;
pub mod namespace;
mod spread;

use bellwether_e2e::Program;

use crate::options::Story;
use crate::table::Figures;

/// The figures of one program.
pub fn program(program: Program, stories: &[Story]) -> Figures {
    let mut figures = Figures::default();
    for story in stories {
        eprintln!("# {}: cluster, {story:?}", program.name());
        match story {
            Story::Spread => spread::figures(program, &mut figures),
            Story::Idle => idle::figures(program, &mut figures),
            Story::Failover => failover::figures(program, &mut figures),
            Story::Ledger => ledger::figures(program, &mut figures),
            Story::Chorus => chorus::figures(program, &mut figures),
        }
    }
    figures
}
