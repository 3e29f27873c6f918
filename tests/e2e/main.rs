//! Whole processes on loopback, as a user runs them.
//!
//! One binary, so that it links once. Each module is about one thing that a running server does. The
//! crate's library holds what the tests start from, starts servers, sends requests, receives
//! notifications and kills.

mod amtool;
mod api_comparison;
mod bad_requests;
mod cluster;
mod crash;
mod disk;
mod examples;
mod failing_receivers;
mod import;
mod lifecycle;
mod mail;
mod notification_comparison;
mod peer_tls;
mod procedures;
mod prometheus;
mod receivers_test;
mod reload;
mod secrets;
mod sns;
mod tools;
mod web_config;
