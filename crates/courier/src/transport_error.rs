//! The text of a failed HTTP request, in the words of Go's `net/http`.
//!
//! `Post "https://hooks.test:8443/<redacted>": dial tcp 10.0.0.1:8443: connect: connection refused`:
//! what was done, for which host, in which phase it failed, and at which address.
//!
//! The HTTP library reports a chain of causes; the one that says most is found by its type.

use std::error::Error;
use std::io;

use http::{Extensions, Method};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::Connected;
use url::Url;

use crate::answers::AnswerFault;
use crate::connector::Addresses;
use crate::network::{self, ConnectError, causes, find};
use crate::tls;

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

/// Whether the firewall is against the connection.
pub fn is_denied(error: &legacy::Error) -> bool {
    matches!(find::<ConnectError>(&causes(error)), Some(ConnectError::Denied(_)))
}

/// Why the request failed.
pub fn describe(error: &legacy::Error) -> String {
    let causes = causes(error);
    if let Some(error) = find::<ConnectError>(&causes) {
        return error.to_string();
    }
    if let Some(fault) = find::<AnswerFault>(&causes) {
        return fault.to_string();
    }
    if let Some(error) = find::<rustls::Error>(&causes) {
        return tls::describe(error);
    }
    if find::<hyper::Error>(&causes).is_some_and(hyper::Error::is_incomplete_message) {
        return "EOF".to_owned();
    }
    if let Some(error) = find::<hyper::Error>(&causes).filter(|error| error.is_parse()) {
        return format!("malformed HTTP response: {error}");
    }
    match find::<io::Error>(&causes) {
        Some(io_error) => {
            let peer = error.connect_info().map(peer).unwrap_or_default();
            format!("read tcp{peer}: {}", network::describe(io_error))
        }
        None => joined(&causes),
    }
}

/// ` 10.0.0.1:443`, if it is known.
pub fn peer(connection: &Connected) -> String {
    let mut extensions = Extensions::new();
    connection.get_extras(&mut extensions);
    extensions.get::<Addresses>().map(|known| format!(" {}", known.0)).unwrap_or_default()
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
