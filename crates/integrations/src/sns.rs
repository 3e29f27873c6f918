//! Amazon SNS: one `Publish` call, signed with Signature Version 4.
//!
//! The target is a topic, a device endpoint or a phone number. Credentials not given here are looked for
//! as the AWS tools do.

pub mod config;
