//! Slack: a message with one attachment, to an incoming webhook or by an app's token.
//!
//! With a token the app URL is used and the token travels as bearer authorization. Only a token can
//! update an earlier message, whose place is then remembered with the delivery.

pub mod config;
