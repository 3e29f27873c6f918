//! Pushover: a short text to a user's phones, with the priority that decides how loud it is.
//!
//! An emergency (priority 2) is repeated by Pushover itself: every `retry`, until `expire`.

pub mod config;
