//! Simulated clusters of machines, with and without faults.
//!
//! The tests in `scenarios` run on the [`Simulation`] of `harness`: machines on one thread, in
//! virtual time, over a network that drops, delays, duplicates and reorders as its seed decides.
//! Everything sent is really encoded and decoded. A failed scenario prints its seed.

mod harness;
mod scenarios;
