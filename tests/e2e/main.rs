//! Whole processes on loopback, as a user runs them.
//!
//! One binary, so that it links once. Each module is one story about a running server; `given` holds
//! what the stories start from, and the crate's library starts, asks, catches and kills.

mod given;

mod amtool;
mod both;
mod crash;
mod disk;
mod flock;
mod hostile;
mod import;
mod lifecycle;
mod mail;
mod peer_tls;
mod prometheus;
mod receivers;
mod receivers_test;
mod reload;
mod secrets;
mod sns;
mod voices;
mod web_port;
