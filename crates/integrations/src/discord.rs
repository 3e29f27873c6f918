//! Discord: a message with one embed, posted to a channel's webhook.
//!
//! The URL is the credential. Texts have limits of their own (title 256, description 4096, content
//! 2000 characters), which the message keeps by cutting; colours follow the status.

pub mod config;
