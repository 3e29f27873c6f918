//! The server: assembles all rooms into one process and runs it.
//!
//! In: the command line and the configuration file. Out: an exit code. This crate is where clocks
//! are read, tasks are started, signals arrive and logs are written; what is true and who must be
//! told is decided in the engine.
//!
//! The modules stand in the order of a start: what the operator says (`flags` to `lower`), the
//! start itself (`boot`), and what then runs (`main_loop` to `house`).

mod checks;
mod clock;
mod command;
mod features;
mod flags;
mod load;
mod logging;
mod lower;
mod version;

mod boot;
mod export;
mod external_url;
mod import;
mod listen;

mod attempts;
mod house;
mod main_loop;
mod metrics;
mod notes;
mod outbox;

mod demo_webhook;

pub use command::run;
