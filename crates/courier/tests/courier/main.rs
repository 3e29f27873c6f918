//! The courier against real sockets on loopback: each field of `http_config`, and receivers that
//! misbehave. The servers are made by hand, so that they can say what no library would.

mod authentication;
mod certificates;
mod dials;
mod exchange;
mod firewall;
mod mail;
mod mail_server;
mod oauth2;
mod proxies;
mod redaction;
mod redirects;
mod requests;
mod server;
mod tls;
