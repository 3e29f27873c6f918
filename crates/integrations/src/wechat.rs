//! WeChat Work: a message by an application of a company, to users, parties or tags.
//!
//! A token is fetched with the company's id and secret and used until it expires.

pub mod config;
