//! Jira: one issue per group, found again by a label that carries the group's hash.
//!
//! An exchange of several requests: search, then create, update or transition. The API differs between
//! Jira Cloud and Data Center, in its paths and in how a description is written.

pub mod config;
