//! The server: assembles all rooms into one process and runs it.
//!
//! In: the command line and the configuration file. Out: an exit code. This crate is where clocks
//! are read, tasks are started, signals arrive and logs are written; what is true and who must be
//! told is decided in the engine.
//!
//! The modules stand in the order of a start: what the operator says (`flags` to `lower`), the
//! start itself (`boot`), and what then runs (`main_loop` to `house`).

mod command;
mod version;

mod checks;
mod features;
mod flags;

mod clock;
mod file_backed;
mod logging;
mod tls;

mod cluster;

mod load;
mod lower;

mod boot;
mod external_url;
mod listen;

mod import;
mod restore;

mod http_servers;
mod reload;
mod web;

mod main_loop;
mod outbox;

mod attempts;
mod metrics;
mod notes;

mod backend;

mod demo_webhook;
mod export;
mod receiver_test;

pub use command::run;
