//! Looks up the names of peers.
//!
//! By the system's resolver, on a thread for blocking work. Its own timeout cannot be set, so the
//! wait is limited here; the thread is released when the resolver gives up.

use std::net::SocketAddr;
use std::time::Duration;

/// Looks up `host:port`; the error is for the log.
pub(crate) async fn resolve(name: &str, timeout: Duration) -> Result<Vec<SocketAddr>, String> {
    match tokio::time::timeout(timeout, tokio::net::lookup_host(name)).await {
        Ok(Ok(addresses)) => Ok(addresses.collect()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {timeout:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn an_address_resolves_to_itself() {
        for text in ["127.0.0.1:9094", "[::1]:9094"] {
            assert_eq!(resolve(text, TIMEOUT).await.unwrap(), [text.parse().unwrap()]);
        }
    }

    #[tokio::test]
    async fn what_is_not_a_peer_is_an_error() {
        for text in ["", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:99999"] {
            assert!(resolve(text, TIMEOUT).await.is_err(), "{text}");
        }
    }
}
