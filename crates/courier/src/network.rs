//! Names and addresses, and their failures in the words of Go's `net` package.
//!
//! Operators search logs for these texts and alert on them: `dial tcp 10.0.0.1:25: connect:
//! connection refused`, `lookup mail.test: no such host`, `i/o timeout`.

use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::firewall::Firewall;
use crate::tls;

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    #[error("{0}")]
    Failed(String),
    /// The firewall is against it; nothing was sent.
    #[error("{0}")]
    Denied(String),
}

/// Why a name has no address.
#[derive(Debug, thiserror::Error)]
#[error("lookup {host}: {reason}")]
pub struct LookupError {
    host: String,
    reason: String,
}

impl From<String> for ConnectError {
    fn from(text: String) -> Self {
        ConnectError::Failed(text)
    }
}

/// The addresses of a name or address; an IPv6 address may stand in brackets.
pub async fn lookup(host: &str, port: u16) -> Result<Vec<SocketAddr>, LookupError> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let failed = |reason: &str| LookupError { host: host.to_owned(), reason: reason.to_owned() };
    if host.parse::<IpAddr>().is_err() && is_number(host) {
        return Err(failed(NO_SUCH_HOST));
    }
    let found = tokio::net::lookup_host((host, port)).await;
    let found: Vec<SocketAddr> =
        found.map_err(|error| failed(lookup_reason(&error.to_string())))?.collect();
    if found.is_empty() { Err(failed(NO_SUCH_HOST)) } else { Ok(found) }
}

/// Those of the addresses that a connection may be opened to.
///
/// # Errors
/// If there is none among them.
pub fn permitted(
    mut found: Vec<SocketAddr>,
    firewall: &Firewall,
) -> Result<Vec<SocketAddr>, ConnectError> {
    let mut refusal = None;
    found.retain(|address| match firewall.refusal(address.ip()) {
        None => true,
        Some(reason) => {
            refusal.get_or_insert(reason);
            false
        }
    });
    match refusal {
        Some(reason) if found.is_empty() => {
            Err(ConnectError::Denied(format!("dial tcp: {reason}")))
        }
        _ => Ok(found),
    }
}

/// Whether the system's resolver would take a name for an address in an old notation, as `010.0.0.1`
/// or `2130706433`. Compat: Go takes it for a name, and there is none that ends in a number.
fn is_number(host: &str) -> bool {
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    match last.strip_prefix("0x").or_else(|| last.strip_prefix("0X")) {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

const NO_SUCH_HOST: &str = "no such host";

/// What Go says for a failure of the system's resolver.
fn lookup_reason(text: &str) -> &str {
    match text.strip_prefix("failed to lookup address information: ").unwrap_or(text) {
        "Name or service not known"
        | "No address associated with hostname"
        | "Name does not resolve" => NO_SUCH_HOST,
        reason => reason,
    }
}

/// Connects to the first address of `host` that accepts within `timeout_each`, and calls
/// `trying` with each.
///
/// As in Go, the failure that is shown is that of the first address.
pub async fn dial(
    host: &str,
    port: u16,
    timeout_each: Duration,
    firewall: &Firewall,
    trying: impl Fn(SocketAddr),
) -> Result<TcpStream, ConnectError> {
    let found = lookup(host, port).await.map_err(|error| format!("dial tcp: {error}"))?;
    let mut first_failure = None;
    for address in permitted(found, firewall)? {
        trying(address);
        let failure = match timeout(timeout_each, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => format!("dial tcp {address}: connect: {}", describe(&error)),
            Err(_) => format!("dial tcp {address}: i/o timeout"),
        };
        first_failure.get_or_insert(failure);
    }
    let failure = first_failure;
    Err(failure.unwrap_or_else(|| format!("dial tcp: lookup {host}: {NO_SUCH_HOST}")).into())
}

/// The text of a failure, without the number of the operating system's error.
pub fn describe(error: &io::Error) -> String {
    if let Some(tls_error) = error.get_ref().and_then(|inner| inner.downcast_ref()) {
        return tls::describe(tls_error);
    }
    let text = error.to_string();
    match (error.kind(), error.raw_os_error()) {
        (io::ErrorKind::UnexpectedEof, _) => "EOF".to_owned(),
        (_, None) => text,
        (_, Some(_)) => {
            let text = text.split(" (os error ").next().unwrap_or_default();
            let mut letters = text.chars();
            let first = letters.next().map(|first| first.to_ascii_lowercase());
            first.into_iter().chain(letters).collect()
        }
    }
}

/// The error and all that caused it.
pub fn causes<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
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
pub fn find<'a, E: Error + 'static>(causes: &[&'a (dyn Error + 'static)]) -> Option<&'a E> {
    causes.iter().rev().find_map(|cause| cause.downcast_ref())
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::{describe, is_number, lookup_reason};

    #[test]
    fn old_notations_of_addresses_are_found() {
        for host in ["010.0.0.1", "2130706433", "127.1", "0x7f.0.0.0x1", "0x", "mail.1."] {
            assert!(is_number(host), "{host}");
        }
        for host in ["mail", "mail1", "1.example", "10.0.0.1a", "", "."] {
            assert!(!is_number(host), "{host}");
        }
    }

    #[test]
    fn failures_have_the_texts_of_go() {
        let check = |number, expected| {
            assert_eq!(describe(&io::Error::from_raw_os_error(number)), expected);
        };
        check(104, "connection reset by peer");
        check(110, "connection timed out");
        check(111, "connection refused");
        check(113, "no route to host");
        let eof = io::Error::new(io::ErrorKind::UnexpectedEof, "tls handshake eof");
        assert_eq!(describe(&eof), "EOF");
        let prefix = "failed to lookup address information: ";
        assert_eq!(lookup_reason(&format!("{prefix}Name or service not known")), "no such host");
        let temporary = "Temporary failure in name resolution";
        assert_eq!(lookup_reason(&format!("{prefix}{temporary}")), temporary);
    }
}
