//! incident.io: a JSON body much like the webhook's, posted to an alert source with its token.
//!
//! The token is given here or as `http_config.authorization`, never as both.

pub mod config;
