//! How do we watch real processes from the outside?
//!
//! This crate is the bench on which whole servers are put: it starts Bellwether, Debian's Go
//! Alertmanager and Debian's Prometheus on loopback with ports that the kernel chooses, speaks
//! HTTP with them, catches what they send, and kills them without notice. The end-to-end tests
//! in `e2e/` and the load generator in `bench/` both stand on it.
//!
//! Two habits hold everywhere. Waiting is for an event (a log line, a request, an exit) with a
//! generous limit, so a slow machine is slow and not red. And what goes wrong panics at once with
//! all that is known: a harness that returns errors only makes each test write `expect` itself.
//!
//! It deliberately knows nothing of our other crates. A server is a program, its flags and its
//! HTTP surface, exactly what a user has.

pub mod alertmanager;
pub mod certificates;
pub mod flock;
pub mod http;
pub mod log;
pub mod namespaces;
pub mod process;
pub mod programs;
pub mod sink;
pub mod wait;

pub use alertmanager::{Running, Setup};
pub use flock::{Flock, Node};
pub use http::{Client, Response};
pub use namespaces::Namespaces;
pub use process::Process;
pub use programs::Program;
pub use sink::{Answer, Request, Sink};
