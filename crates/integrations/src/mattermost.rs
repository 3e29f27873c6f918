//! Mattermost: a message posted to an incoming webhook, in the attachment format that it shares with Slack.
//!
//! If attachments are listed they are sent as they are; otherwise one is made of the top-level fields.

pub mod config;
