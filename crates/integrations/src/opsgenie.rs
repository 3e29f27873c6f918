//! Opsgenie: an alert is created, closed, and if wished updated, by alias.
//!
//! The alias is the group key's hash, so that every instance speaks of the same alert. An update is two
//! more requests.

pub mod config;
