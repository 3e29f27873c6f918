//! Microsoft Teams through a Power Automate workflow: a message with one adaptive card.
//!
//! Of a receiver's own `http_config` that names no proxy, the global proxy URL is still used: the only
//! receiver where the two are mixed.

pub mod config;
