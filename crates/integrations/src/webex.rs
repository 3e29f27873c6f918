//! Webex: a Markdown message to a room, by a bot whose token is `http_config.authorization`.
//!
//! The authorization must be the receiver's own; a global one does not count.

pub mod config;
