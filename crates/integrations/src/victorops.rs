//! VictorOps, now Splunk On-Call: one message per notification to its generic REST endpoint.
//!
//! The key and the routing key are parts of the URL. Custom fields sit beside the fixed ones, hence may
//! not take their names.

pub mod config;
