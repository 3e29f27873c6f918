//! What does a peer's name stand for?
//!
//! The system's resolver answers, on one of the runtime's threads for blocking work. It has no
//! timeout of its own that we could set, so the wait is limited; the thread is given back when the
//! resolver gives up.

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
    async fn an_address_stands_for_itself() {
        for text in ["127.0.0.1:9094", "[::1]:9094"] {
            assert_eq!(resolve(text, TIMEOUT).await.unwrap(), [text.parse().unwrap()]);
        }
    }

    #[tokio::test]
    async fn what_is_no_peer_is_an_error() {
        for text in ["", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:99999"] {
            assert!(resolve(text, TIMEOUT).await.is_err(), "{text}");
        }
    }
}
