use std::sync::Arc;

use bellwether_courier::{Firewall, NetworkPolicy};
use bellwether_integrations::http::{OAuth2, RequestError};
use bellwether_model::Secret;

use crate::server::{Server, client_with, ok, post_to, with_headers};

/// Everything is on loopback: `127.0.0.1` is where receivers may be, the rest is denied.
fn only_home() -> NetworkPolicy {
    policy(&["127.0.0.1/32"])
}

fn policy(allowed: &[&str]) -> NetworkPolicy {
    let networks = allowed.iter().map(|text| text.parse().expect("a fixed network"));
    let firewall =
        Firewall { deny_private: true, allowed: networks.collect(), ..Firewall::default() };
    NetworkPolicy { firewall: Arc::new(firewall), ..NetworkPolicy::default() }
}

fn denied<T: std::fmt::Debug>(result: Result<T, RequestError>) -> String {
    match result.expect_err("it is denied") {
        RequestError::Denied(text) => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_denied_address_gets_no_connection_whatever_its_name() {
    let server = Server::start(ok).await;
    let port = server.address.port();
    let nowhere = client_with(&policy(&[]), |_| {});
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"] {
        let text = denied(post_to(&nowhere, &format!("http://{host}:{port}/x")).await);
        let operation = format!("Post \"http://{host}:{port}/<redacted>\": dial tcp: ");
        assert!(
            text.starts_with(&operation.replace("::ffff:127.0.0.1", "::ffff:7f00:1")),
            "{text}"
        );
        assert!(text.contains("is denied by --receivers.deny-private"), "{text}");
    }
    assert_eq!(server.received().len(), 0);
    let home = client_with(&only_home(), |_| {});
    assert!(post_to(&home, &server.url("/x")).await.is_ok());
}

#[tokio::test]
async fn a_redirect_does_not_lead_to_a_denied_address() {
    let inside = Server::start(ok).await;
    let target = format!("http://127.0.0.2:{}/inside", inside.address.port());
    let home = Server::start(move |_| with_headers(307, &format!("Location: {target}\r\n"), ""));
    let home = home.await;
    let client = client_with(&only_home(), |_| {});
    let text = denied(post_to(&client, &home.url("/start")).await);
    assert!(text.contains("127.0.0.2 is denied"), "{text}");
    assert_eq!(home.received().len(), 1);
    assert_eq!(inside.received().len(), 0);
}

#[tokio::test]
async fn tokens_are_not_fetched_from_a_denied_address() {
    let receiver = Server::start(ok).await;
    let client = client_with(&only_home(), |config| {
        config.oauth2 = Some(OAuth2 {
            client_id: "id".into(),
            client_secret: Secret::new("MARKER"),
            token_url: "http://127.0.0.2:1/token".into(),
            ..OAuth2::default()
        });
    });
    let text = denied(post_to(&client, &receiver.url("/x")).await);
    assert!(text.contains(": oauth2: cannot fetch token: "), "{text}");
    assert_eq!(receiver.received().len(), 0);
}

#[tokio::test]
async fn a_proxy_may_be_private_but_is_not_asked_for_a_denied_address() {
    let proxy = Server::start(ok).await;
    let client = client_with(&policy(&[]), |config| {
        config.proxy.proxy_url = Some(Secret::new(proxy.url("")));
    });
    assert!(post_to(&client, "http://receiver.example/x").await.is_ok());
    let text = denied(post_to(&client, "http://169.254.169.254/latest").await);
    assert!(text.contains("169.254.169.254 is denied"), "{text}");
    assert_eq!(proxy.received().len(), 1);
}
