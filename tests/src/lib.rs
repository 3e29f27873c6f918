//! How are real processes tested from the outside?
//!
//! This crate starts Bellwether, Debian's Go Alertmanager and Debian's Prometheus on loopback with
//! ports that the kernel chooses, sends them HTTP requests, receives what they send, and kills them
//! without notice. The end-to-end tests in `e2e/` and the benchmark in `bench/` use it.
//!
//! Two rules hold everywhere. A wait is for an event (a log line, a request, an exit) and has a
//! generous limit, so that a slow machine does not fail a test. And an error panics at once with
//! everything that is known: functions that return errors would only make each test write `expect`.
//!
//! It deliberately knows nothing of our other crates. A server is a program, its flags and its
//! HTTP API, exactly what a user has.

pub mod alertmanager;
pub mod certificates;
pub mod cluster;
pub mod fixtures;
pub mod http;
pub mod log;
pub mod namespaces;
pub mod process;
pub mod programs;
pub mod sink;
pub mod small_disk;
pub mod wait;

pub use alertmanager::{Running, Setup};
pub use cluster::{Cluster, Node};
pub use http::{Client, Response};
pub use namespaces::Namespaces;
pub use process::Process;
pub use programs::Program;
pub use sink::{Answer, Request, Sink};
pub use small_disk::SmallDisk;
