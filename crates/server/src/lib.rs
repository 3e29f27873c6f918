//! The server: assembles all parts into one process and runs it.
//!
//! In: the command line and the configuration file. Out: an exit code. This crate is where clocks
//! are read, tasks are started, signals arrive and logs are written; what is true, and which
//! notifications are sent, is decided in the engine.
//!
//! The modules are listed in the order of a start: the configuration (`flags` to `lower`), the start
//! itself (`boot`), and what then runs.

mod command;
mod version;

mod checks;
mod connect_settings;
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

mod go_files;
mod import;
mod restore;

mod connections;
mod http_servers;
mod reload;
mod web;

mod main_loop;
mod outbox;

mod attempts;
mod metrics;
mod notes;
mod receivers;
mod rendering;

mod backend;

mod check_config;
mod demo_webhook;
mod export;
mod receiver_test;

pub use command::run;
pub use flags::version_text;
pub use version::COMPATIBLE as COMPATIBLE_VERSION;
