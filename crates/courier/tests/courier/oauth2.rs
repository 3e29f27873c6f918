use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use bellwether_courier::{Client, NetworkPolicy};
use bellwether_integrations::http::{HttpConfig, OAuth2, TlsConfig};
use bellwether_model::Secret;
use rustls::version::TLS13;

use crate::certificates::{Authority, server_config};
use crate::server::{Received, Server, client, ok, plain, post_to, transport_error, with_headers};

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
    assert_eq!(asked.header("User-Agent").as_deref(), Some("Alertmanager/0.34.0"));
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
    assert!(text.starts_with("unable to read oauth2 client secret"), "{text}");
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
        assert!(text.starts_with("oauth2: cannot fetch token: "), "{text}");
        assert!(text.contains(piece) && !text.contains("MARKER"), "{text}");
        assert!(server.received().is_empty());
    }
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
        let error = Client::build(&config, &NetworkPolicy::default())
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
