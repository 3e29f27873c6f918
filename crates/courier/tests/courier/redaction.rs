//! Servers that echo the request in their response: no secret of it may appear in an outcome.

use std::collections::BTreeMap;

use bellwether_integrations::http::{BasicAuth, Header, HttpConfig, ProxyConfig};
use bellwether_model::{Outcome, Secret};

use crate::exchange::{notify, webhook_at};
use crate::server::{Received, Server, client, plain, soon};

/// The request as text, with status 400.
fn repeat(received: &Received) -> crate::server::Answer {
    let headers = received.headers.iter().map(|(name, value)| format!("{name}: {value}\n"));
    plain(400, &format!("{}\n{}{}", received.line, headers.collect::<String>(), received.body))
}

/// What the log would say of a POST to `url`.
async fn said(url: String, change: impl FnOnce(&mut HttpConfig)) -> String {
    match notify(&webhook_at(url), &client(change), soon()).await {
        Outcome::Refused { detail, .. } => detail,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_url_in_a_response_is_redacted() {
    let server = Server::start(repeat).await;
    let url = server.url("/MARKER/a%20b?key=MAR%4BER").replace("//", "//me:MARKER@");
    let detail = said(url, |_| {}).await;
    assert!(detail.starts_with("unexpected status code 400: POST <secret> HTTP/1.1\n"), "{detail}");
    assert!(detail.contains("Authorization: Basic <secret>\n"), "{detail}");
    assert!(!detail.contains("MAR"), "{detail}");
}

#[tokio::test]
async fn credentials_in_a_response_are_redacted() {
    let server = Server::start(repeat).await;
    let basic = BasicAuth {
        username: "me".into(),
        password: Secret::new("MARKER"),
        ..BasicAuth::default()
    };
    let detail = said(server.url("/"), |config| config.basic_auth = Some(basic)).await;
    assert!(detail.contains(": Basic <secret>\n"), "{detail}");

    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("value").to_string_lossy().into_owned();
    std::fs::write(&file, "MARKER two\n").expect("written");
    let added = Header {
        values: vec!["open".into()],
        secrets: vec![Secret::new("MARKER one")],
        files: vec![file],
    };
    let headers = BTreeMap::from([("X-Added".into(), added)]);
    let detail = said(server.url("/"), |config| config.http_headers = headers).await;
    assert!(detail.contains(": open\n"), "{detail}");
    assert_eq!(detail.matches(": <secret>\n").count(), 2, "{detail}");
    assert!(!detail.contains("MARKER"), "{detail}");
}

#[tokio::test]
async fn proxy_credentials_in_a_response_are_redacted() {
    let server = Server::start(repeat).await;
    let url = server.url("/").replace("//", "//me:MARKER@");
    let proxy = ProxyConfig { proxy_url: Some(Secret::new(url)), ..ProxyConfig::default() };
    let detail = said("http://far.test/hook".into(), |config| config.proxy = proxy).await;
    assert!(detail.contains(": Basic <secret>\n"), "{detail}");
}
