use std::collections::BTreeMap;
use std::path::Path;

use bellwether_courier::{Client, Dials, NetworkPolicy, Redactor};
use bellwether_integrations::http::{
    Authorization, BasicAuth, Header, HttpConfig, RequestError, TlsConfig,
};
use bellwether_model::Secret;

use crate::server::{Server, client, ok, post_to, transport_error};

/// What the server saw as `Authorization`.
async fn seen(config: impl FnOnce(&mut HttpConfig)) -> Option<String> {
    let server = Server::start(ok).await;
    post_to(&client(config), &server.url("/")).await.expect("an answer");
    server.only().header("Authorization")
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[tokio::test]
async fn basic_auth_is_sent() {
    let basic = BasicAuth {
        username: "Aladdin".into(),
        password: Secret::new("open sesame"),
        ..BasicAuth::default()
    };
    let header = seen(|config| config.basic_auth = Some(basic)).await;
    assert_eq!(header.as_deref(), Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
    let empty = seen(|config| config.basic_auth = Some(BasicAuth::default())).await;
    assert_eq!(empty.as_deref(), Some("Basic Og=="));
}

#[tokio::test]
async fn files_with_credentials_are_read_for_each_request() {
    let server = Server::start(ok).await;
    let folder = tempfile::tempdir().expect("a folder");
    let (user, password) = (folder.path().join("user"), folder.path().join("password"));
    let client = client(|config| {
        config.basic_auth = Some(BasicAuth {
            username_file: text(&user),
            password_file: text(&password),
            ..BasicAuth::default()
        });
    });
    for (name, word) in [(" a\n", "b\n"), ("Aladdin", "\topen sesame ")] {
        std::fs::write(&user, name).expect("written");
        std::fs::write(&password, word).expect("written");
        post_to(&client, &server.url("/")).await.expect("an answer");
    }
    let headers: Vec<_> =
        server.received().iter().map(|one| one.header("Authorization").expect("sent")).collect();
    assert_eq!(headers, ["Basic YTpi", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="]);

    std::fs::remove_file(&password).expect("removed");
    let error = transport_error(post_to(&client, &server.url("/")).await);
    assert!(error.contains(": unable to read basic auth password: "), "{error}");
    assert_eq!(server.received().len(), 2);
}

#[tokio::test]
async fn an_authorization_has_its_type_and_credentials() {
    let plain = Authorization {
        kind: "GenieKey".into(),
        credentials: Secret::new("abc"),
        ..Authorization::default()
    };
    let header = seen(|config| config.authorization = Some(plain)).await;
    assert_eq!(header.as_deref(), Some("GenieKey abc"));

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("token");
    std::fs::write(&path, "xyz\n").expect("written");
    let in_file = Authorization {
        kind: "Bearer".into(),
        credentials_file: text(&path),
        ..Authorization::default()
    };
    let header = seen(|config| config.authorization = Some(in_file)).await;
    assert_eq!(header.as_deref(), Some("Bearer xyz"));
}

#[tokio::test]
async fn credentials_that_do_not_fit_a_header_are_refused_and_not_shown() {
    let evil = Authorization {
        kind: "Bearer".into(),
        credentials: Secret::new("MARKER\r\nX-Evil: 1"),
        ..Authorization::default()
    };
    let server = Server::start(ok).await;
    let client = client(|config| config.authorization = Some(evil));
    match post_to(&client, &server.url("/")).await {
        Err(RequestError::Unusable(text)) => assert!(!text.contains("MARKER"), "{text}"),
        other => panic!("{other:?}"),
    }
    assert!(server.received().is_empty());
}

#[tokio::test]
async fn added_headers_join_those_of_the_request() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("value");
    std::fs::write(&path, " from file\n").expect("written");
    let added = Header {
        values: vec!["one".into(), "two".into()],
        secrets: vec![Secret::new("three")],
        files: vec![text(&path)],
    };
    let server = Server::start(ok).await;
    let client = client(|config| {
        config.http_headers = BTreeMap::from([("X-Added".into(), added)]);
    });
    let mut request = crate::server::post(&server.url("/"));
    request.headers.push(("X-Added".into(), "zero".into()));
    client.send(request, &Redactor::default(), crate::server::soon()).await.expect("an answer");
    let seen = server.only().header("X-Added");
    assert_eq!(seen.as_deref(), Some("zero|one|two|three|from file"));

    std::fs::remove_file(&path).expect("removed");
    let error = transport_error(post_to(&client, &server.url("/")).await);
    assert!(error.contains(": unable to read headers file"), "{error}");
}

#[track_caller]
fn refused(change: impl FnOnce(&mut HttpConfig), piece: &str) {
    let mut config = HttpConfig::default();
    change(&mut config);
    let error = Client::build(&config, &NetworkPolicy::default(), &Dials::default())
        .expect_err("it must be refused")
        .to_string();
    assert!(error.contains(piece), "{error}");
    assert!(!error.contains("MARKER"), "{error}");
}

#[test]
fn secret_references_are_refused() {
    let name = || "MARKER".to_owned();
    let basic = |change: fn(&mut BasicAuth)| {
        let mut basic = BasicAuth::default();
        change(&mut basic);
        Some(basic)
    };
    refused(|c| c.basic_auth = basic(|b| b.username_ref = "MARKER".into()), "username_ref");
    refused(|c| c.basic_auth = basic(|b| b.password_ref = "MARKER".into()), "password_ref");
    let authorization = Authorization { credentials_ref: name(), ..Authorization::default() };
    refused(|c| c.authorization = Some(authorization), "credentials_ref");
    refused(|c| c.tls_config = TlsConfig { ca_ref: name(), ..TlsConfig::default() }, "ca_ref");
    refused(|c| c.tls_config = TlsConfig { cert_ref: name(), ..TlsConfig::default() }, "cert_ref");
    refused(|c| c.tls_config = TlsConfig { key_ref: name(), ..TlsConfig::default() }, "key_ref");
}

#[test]
fn an_invalid_header_name_is_refused() {
    let header = Header { secrets: vec![Secret::new("MARKER")], ..Header::default() };
    refused(|c| c.http_headers = BTreeMap::from([("X Y".into(), header)]), "http_headers X Y");
}

#[test]
fn debug_output_of_a_client_contains_no_secret() {
    let shown = format!(
        "{:?}",
        client(|config| {
            config.basic_auth = Some(BasicAuth {
                username: "MARKER".into(),
                password: Secret::new("MARKER"),
                ..BasicAuth::default()
            });
            config.proxy.proxy_url = Some(Secret::new("http://u:MARKER@proxy.test"));
        })
    );
    assert!(!shown.contains("MARKER"), "{shown}");
}
