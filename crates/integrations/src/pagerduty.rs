//! PagerDuty: an event of its Events API, version 2 (a routing key) or 1 (a service key).
//!
//! The deduplication key is the group key's hash. If both kinds of keys are set, version 1 is used.

pub mod config;
