//! Writing text inside JSON, HTML and URLs, and reading heads of HTTP/1, byte for byte as Go's
//! standard library does.
//!
//! Clients and receivers of the Go Alertmanager compare, sign and log these bytes, so each encoding
//! exists once, and all crates use it from here.

pub mod go_url;
pub mod html;
pub mod http1;
pub mod json;
pub mod url;
pub mod word;
