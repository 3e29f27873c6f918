use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bellwether_courier::{Client, Dials, NetworkPolicy, Redactor};
use bellwether_integrations::http::{HttpConfig, OAuth2, TlsConfig};
use bellwether_model::{FailureReason, Outcome, Secret};
use rustls::version::TLS13;
use tokio::time::Instant;

use crate::certificates::{Authority, server_config};
use crate::exchange::{notify, webhook_at};
use crate::server::{
    Answer, FullPort, Received, Server, client, closed_port, ok, plain, post, post_to,
    transport_error, with_headers,
};

fn oauth2(tokens: &Server) -> OAuth2 {
    OAuth2 {
        client_id: "me & you".into(),
        client_secret: Secret::new("MARKER/+"),
        token_url: tokens.url("/token"),
        ..OAuth2::default()
    }
}

fn using(oauth2: OAuth2) -> Client {
    client(|config| config.oauth2 = Some(oauth2))
}

/// A server that hands out the tokens `t0`, `t1`, … with these further fields.
async fn numbering(fields: &'static str) -> Server {
    let count = AtomicU32::new(0);
    Server::start(move |_| {
        let number = count.fetch_add(1, Ordering::Relaxed);
        plain(200, &format!(r#"{{"access_token":"t{number}"{fields}}}"#))
    })
    .await
}

fn authorizations(server: &Server) -> Vec<String> {
    let header = |one: &Received| one.header("Authorization").unwrap_or_default();
    server.received().iter().map(header).collect()
}

#[tokio::test]
async fn a_token_is_fetched_once_and_used_until_it_expires() {
    let tokens = numbering(r#","token_type":"bearer","expires_in":3600"#).await;
    let server = Server::start(ok).await;
    let config = OAuth2 {
        scopes: vec!["a".into(), "b/c".into()],
        endpoint_params: BTreeMap::from([("audience".into(), "x y".into())]),
        ..oauth2(&tokens)
    };
    let client = using(config);
    for _ in 0..3 {
        post_to(&client, &server.url("/")).await.expect("an answer");
    }
    assert_eq!(authorizations(&server), ["Bearer t0"; 3]);
    let asked = tokens.only();
    assert_eq!(asked.line, "POST /token HTTP/1.1");
    assert_eq!(asked.body, "audience=x+y&grant_type=client_credentials&scope=a+b%2Fc");
    // me+%26+you:MARKER%2F%2B
    let expected = "Basic bWUrJTI2K3lvdTpNQVJLRVIlMkYlMkI=";
    assert_eq!(asked.header("Authorization").as_deref(), Some(expected));
    let form = Some("application/x-www-form-urlencoded");
    assert_eq!(asked.header("Content-Type").as_deref(), form);
    assert_eq!(asked.header("User-Agent").as_deref(), Some("Alertmanager/0.35.0"));
}

#[tokio::test]
async fn an_expiring_token_is_renewed_and_one_without_expiry_is_kept() {
    for (fields, expected) in [
        (r#","expires_in":10"#, ["Bearer t0", "Bearer t1"]),
        (r#","expires_in":"3600""#, ["Bearer t0", "Bearer t0"]),
        (r#","expires_in":0"#, ["Bearer t0", "Bearer t0"]),
        ("", ["Bearer t0", "Bearer t0"]),
        (r#","token_type":"MAC""#, ["MAC t0", "MAC t0"]),
        (r#","token_type":"Own""#, ["Own t0", "Own t0"]),
    ] {
        let tokens = numbering(fields).await;
        let server = Server::start(ok).await;
        let client = using(oauth2(&tokens));
        for _ in 0..2 {
            post_to(&client, &server.url("/")).await.expect("an answer");
        }
        assert_eq!(authorizations(&server), expected, "{fields}");
    }
}

#[tokio::test]
async fn requests_at_the_same_time_share_one_fetch() {
    let tokens = numbering("").await;
    let server = Server::start(ok).await;
    let client = using(oauth2(&tokens));
    let url = server.url("/");
    let (a, b, c) =
        tokio::join!(post_to(&client, &url), post_to(&client, &url), post_to(&client, &url));
    for answer in [a, b, c] {
        answer.expect("an answer");
    }
    assert_eq!(authorizations(&server), ["Bearer t0"; 3]);
    assert_eq!(tokens.received().len(), 1);
}

#[tokio::test]
async fn the_client_secret_is_sent_in_the_form_if_the_header_is_refused() {
    let tokens = Server::start(|received| {
        if received.header("Authorization").is_some() {
            return plain(401, "no");
        }
        let form = "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n";
        with_headers(200, form, "access_token=in+form&expires_in=1")
    })
    .await;
    let server = Server::start(ok).await;
    let client = using(oauth2(&tokens));
    for _ in 0..2 {
        post_to(&client, &server.url("/")).await.expect("an answer");
    }
    assert_eq!(authorizations(&server), ["Bearer in form"; 2]);
    let asked = tokens.received();
    let form = "client_id=me+%26+you&client_secret=MARKER%2F%2B&grant_type=client_credentials";
    assert_eq!(asked[1].body, form);
    // The second token is asked for in the way that worked.
    assert_eq!(asked.len(), 3);
    assert_eq!(asked[2].body, form);
    assert_eq!(asked[2].header("Authorization"), None);
}

#[tokio::test]
async fn a_refused_request_does_not_end_the_token() {
    let tokens = numbering("").await;
    let server = Server::start(|_| plain(401, "")).await;
    let client = using(oauth2(&tokens));
    for _ in 0..2 {
        assert_eq!(post_to(&client, &server.url("/")).await.expect("an answer").status, 401);
    }
    assert_eq!(authorizations(&server), ["Bearer t0"; 2]);
}

#[tokio::test]
async fn a_token_comes_before_the_user_in_a_url() {
    let tokens = numbering("").await;
    let server = Server::start(ok).await;
    let url = format!("http://user:password@{}/", server.address);
    post_to(&using(oauth2(&tokens)), &url).await.expect("an answer");
    assert_eq!(authorizations(&server), ["Bearer t0"]);
}

#[tokio::test]
async fn a_changed_secret_file_invalidates_the_token() {
    let tokens = numbering("").await;
    let server = Server::start(ok).await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("secret");
    let client = using(OAuth2 {
        client_secret: Secret::default(),
        client_secret_file: path.display().to_string(),
        ..oauth2(&tokens)
    });
    for secret in ["one", "one\n", "two"] {
        std::fs::write(&path, secret).expect("written");
        post_to(&client, &server.url("/")).await.expect("an answer");
    }
    assert_eq!(authorizations(&server), ["Bearer t0", "Bearer t0", "Bearer t1"]);
    std::fs::remove_file(&path).expect("removed");
    let text = transport_error(post_to(&client, &server.url("/")).await);
    assert!(text.contains(": unable to read oauth2 client secret"), "{text}");
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    for (status, body, piece) in [
        (400, r#"{"error":"MARKER"}"#, "status 400"),
        (503, "MARKER", "status 503"),
        (200, "MARKER", "cannot parse json"),
        (200, r#"["MARKER"]"#, "cannot parse json"),
        (200, r#"{"token":"MARKER"}"#, "missing access_token"),
        (200, r#"{"access_token":""}"#, "missing access_token"),
        (302, "", "status 302"),
    ] {
        let tokens = Server::start(move |_| plain(status, body)).await;
        let server = Server::start(ok).await;
        let text = transport_error(post_to(&using(oauth2(&tokens)), &server.url("/")).await);
        assert!(text.starts_with(&fetching(&server, &tokens)), "{text}");
        assert!(text.contains(piece) && !text.contains("MARKER"), "{text}");
        assert!(server.received().is_empty());
    }
}

/// How every failure to fetch a token begins.
fn fetching(server: &Server, tokens: &Server) -> String {
    let (server, tokens) = (server.address, tokens.address);
    format!(
        "Post \"http://{server}/\": oauth2: cannot fetch token: \
         Post \"http://{tokens}/<redacted>\": "
    )
}

#[tokio::test]
async fn a_token_endpoint_that_cannot_be_reached_is_named() {
    let server = Server::start(ok).await;
    let port = closed_port().await;
    let text = async |token_url: &str| {
        let config = OAuth2 { token_url: token_url.into(), ..oauth2(&server) };
        let text = transport_error(post_to(&using(config), &server.url("/")).await);
        let prefix = format!("Post \"http://{}/\": oauth2: cannot fetch token: ", server.address);
        text.strip_prefix(&prefix).expect("what was done").to_owned()
    };
    assert_eq!(
        text(&format!("http://localhost:{port}/MARKER")).await.replace("[::1]:", "127.0.0.1:"),
        format!(
            "Post \"http://localhost:{port}/<redacted>\": dial tcp 127.0.0.1:{port}: connect: connection refused"
        )
    );
    let unknown = "Post \"http://nosuch.invalid/<redacted>\": \
                   dial tcp: lookup nosuch.invalid: no such host";
    assert_eq!(text("http://nosuch.invalid/MARKER").await, unknown);
    assert!(server.received().is_empty());
}

/// What an attempt with this token endpoint reports when its time is over.
async fn late(server: &Server, token_url: &str) -> String {
    let config =
        OAuth2 { client_id: "me".into(), token_url: token_url.into(), ..OAuth2::default() };
    let webhook = webhook_at(server.url("/MARKER"));
    let deadline = Instant::now() + Duration::from_millis(200);
    match notify(&webhook, &using(config), deadline).await {
        Outcome::Retry { reason: FailureReason::ContextDeadlineExceeded, detail, .. } => {
            let prefix = format!(
                "Post \"http://{}/<redacted>\": oauth2: cannot fetch token: ",
                server.address
            );
            detail.strip_prefix(&prefix).expect("what was done").to_owned()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_token_endpoint_that_hangs_ends_with_the_attempt_and_is_named() {
    let server = Server::start(ok).await;
    let silent = Server::start(|_| Answer::Hang(String::new())).await;
    let address = silent.address;
    let expected = format!(
        "Post \"http://{address}/<redacted>\": awaiting headers from {address}: \
         context deadline exceeded"
    );
    assert_eq!(late(&server, &silent.url("/MARKER")).await, expected);
    let expected = format!(
        "Post \"https://{address}/<redacted>\": TLS handshake with {address}: \
         context deadline exceeded"
    );
    assert_eq!(late(&server, &format!("https://{address}/MARKER")).await, expected);
    let full = FullPort::new().await;
    let address = full.address;
    let expected = format!(
        "Post \"http://{address}/<redacted>\": dial tcp {address}: context deadline exceeded"
    );
    assert_eq!(late(&server, &format!("http://{address}/MARKER")).await, expected);
    assert!(server.received().is_empty());
}

#[tokio::test]
async fn an_attempt_that_waits_for_the_token_of_another_says_so() {
    let server = Server::start(ok).await;
    let silent = Server::start(|_| Answer::Hang(String::new())).await;
    let client = using(oauth2(&silent));
    let webhook = webhook_at(server.url("/MARKER"));
    let deadline = Instant::now() + Duration::from_millis(200);
    let (first, second) = tokio::join!(
        notify(&webhook, &client, deadline + Duration::from_secs(1)),
        notify(&webhook, &client, deadline),
    );
    for (outcome, step) in [(first, "awaiting headers"), (second, "another attempt's Post")] {
        let Outcome::Retry { reason: FailureReason::ContextDeadlineExceeded, detail, .. } = outcome
        else {
            panic!("{outcome:?}")
        };
        assert!(detail.contains(step), "{detail}");
    }
    assert_eq!(silent.received().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_endpoint_that_hangs_does_not_take_a_long_attempt_whole() {
    let server = Server::start(ok).await;
    let silent = Server::start(|_| Answer::Hang(String::new())).await;
    let deadline = Instant::now() + Duration::from_secs(300);
    let client = using(oauth2(&silent));
    let answer = client.send(post(&server.url("/")), &Redactor::default(), deadline).await;
    let waited = format!("awaiting headers from {}: i/o timeout", silent.address);
    assert_eq!(transport_error(answer), fetching(&server, &silent) + &waited);
    assert!(Instant::now() < deadline - Duration::from_secs(200));
}

#[tokio::test]
async fn the_token_endpoint_has_its_own_tls_and_proxy() {
    let authority = Authority::new();
    let identity = authority.sign(&["tokens.test"]);
    let secured = Server::start_tls(server_config(&identity, None, &[&TLS13]), |_| {
        plain(200, r#"{"access_token":"t"}"#)
    })
    .await;
    let address = secured.address;
    let proxy = Server::start(move |_| crate::server::Answer::Tunnel(address)).await;
    let server = Server::start(ok).await;
    let mut config = OAuth2 {
        token_url: "https://tokens.test/token".into(),
        tls_config: TlsConfig { ca: authority.pem.clone(), ..TlsConfig::default() },
        ..oauth2(&secured)
    };
    config.proxy.proxy_url = Some(Secret::new(proxy.url("")));
    post_to(&using(config), &server.url("/")).await.expect("an answer");
    assert_eq!(authorizations(&server), ["Bearer t"]);
    assert_eq!(proxy.only().line, "CONNECT tokens.test:443 HTTP/1.1");
}

#[test]
fn unsupported_grant_types_are_refused() {
    let refused = |oauth2: OAuth2, piece: &str| {
        let config = HttpConfig { oauth2: Some(oauth2), ..HttpConfig::default() };
        let error = Client::build(&config, &NetworkPolicy::default(), &Dials::default())
            .expect_err("it must be refused")
            .to_string();
        assert!(error.contains(piece) && !error.contains("MARKER"), "{error}");
    };
    let good = || OAuth2 { token_url: "http://tokens.test".into(), ..OAuth2::default() };
    let grant_type = OAuth2::GRANT_JWT_BEARER.to_owned();
    refused(OAuth2 { grant_type, ..good() }, "client_credentials only");
    refused(OAuth2 { client_secret_ref: "MARKER".into(), ..good() }, "client_secret_ref");
    refused(OAuth2 { token_url: "MARKER".into(), ..good() }, "oauth2.token_url");
    refused(OAuth2 { token_url: "ftp://MARKER".into(), ..good() }, "oauth2.token_url");
    let tls_config = TlsConfig { ca: "MARKER".into(), ..TlsConfig::default() };
    refused(OAuth2 { tls_config, ..good() }, "CA cert");
}
