//! The text of a failed HTTP request, in the words of Go's `net/http`.
//!
//! `Post "https://hooks.test:8443/<redacted>": dial tcp 10.0.0.1:8443: connect: connection refused`:
//! what was done, for which host, in which phase it failed, and at which address.
//!
//! The HTTP library reports a chain of causes; the one that says most is found by its type.

use std::error::Error;
use std::io;

use reqwest::Method;
use url::Url;

use crate::network::{self, LookupError};
use crate::tls;

/// The other end of a connection.
pub struct Peer {
    /// `10.0.0.1:443`, or all addresses that a name has.
    pub addresses: String,
    pub is_proxy: bool,
    /// Whether connecting includes a TLS handshake.
    pub has_tls: bool,
}

/// `Post "http://host:port/<redacted>"`.
pub fn operation(method: &Method, url: &Url) -> String {
    let (first, rest) = method.as_str().split_at(1);
    format!("{first}{} \"{}\"", rest.to_lowercase(), without_secrets(url))
}

/// Scheme, host and port: the path and the query of a receiver's URL may be secret, as may the
/// user.
fn without_secrets(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let origin = format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default());
    let is_bare = url.path() == "/" && url.query().is_none();
    origin + if is_bare { "/" } else { "/<redacted>" }
}

/// Why the request failed.
pub fn describe(error: reqwest::Error, peer: &Peer) -> String {
    let error = error.without_url();
    let causes = causes(&error);
    let addresses = &peer.addresses;
    let phase = if peer.is_proxy { "proxyconnect tcp: " } else { "" };
    if let Some(error) = find::<LookupError>(&causes) {
        return format!("{phase}dial tcp: {error}");
    }
    if let Some(error) = find::<rustls::Error>(&causes) {
        return format!("{phase}{}", tls::describe(error));
    }
    let io_error = find::<io::Error>(&causes);
    let timed_out = io_error.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut);
    if error.is_connect() {
        if let Some(error) = io_error.filter(|error| error.raw_os_error().is_some()) {
            let call = match error.kind() {
                io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => "read",
                _ => "connect",
            };
            return format!("{phase}dial tcp {addresses}: {call}: {}", network::describe(error));
        }
        if error.is_timeout() || timed_out {
            let handshake =
                if peer.has_tls && !timed_out { " or TLS handshake timeout" } else { "" };
            return format!("{phase}dial tcp {addresses}: i/o timeout{handshake}");
        }
        if io_error.is_some_and(|error| error.kind() == io::ErrorKind::UnexpectedEof) {
            return format!("{phase}TLS handshake with {addresses}: EOF");
        }
    }
    if find::<hyper::Error>(&causes).is_some_and(hyper::Error::is_incomplete_message) {
        return "EOF".to_owned();
    }
    if let Some(error) = find::<hyper::Error>(&causes).filter(|error| error.is_parse()) {
        return format!("malformed HTTP response: {error}");
    }
    match io_error {
        Some(error) => format!("read tcp {addresses}: {}", network::describe(error)),
        None => joined(&causes),
    }
}

/// The error and all that caused it.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut all = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        all.push(error);
        // The standard library's errors skip what they wrap.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    all
}

/// The innermost cause of a type.
fn find<'a, E: Error + 'static>(causes: &[&'a (dyn Error + 'static)]) -> Option<&'a E> {
    causes.iter().rev().find_map(|cause| cause.downcast_ref())
}

/// All texts in one line; each only if those before do not contain it.
fn joined(causes: &[&(dyn Error + 'static)]) -> String {
    let mut text = String::new();
    for cause in causes {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            text.push_str(if text.is_empty() { "" } else { ": " });
            text.push_str(&cause);
        }
    }
    text
}
