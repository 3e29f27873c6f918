use std::path::PathBuf;
use std::sync::Arc;

use bellwether_courier::{BuildError, Client, Dials, NetworkPolicy};
use bellwether_integrations::http::{HttpConfig, TlsConfig, TlsVersion};
use bellwether_model::Secret;
use bytes::Bytes;
use rcgen::date_time_ymd;
use rustls::version::{TLS12, TLS13};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use crate::certificates::{
    Authority, Identity, self_signed, self_signed_small_rsa, self_signed_small_rsa_version_1,
    self_signed_version_1, server_config,
};
use crate::server::{Server, client, ok, post_to, transport_error};

type Versions = &'static [&'static rustls::SupportedProtocolVersion];

const ANY: Versions = &[&TLS12, &TLS13];
const OLDER: Versions = &[&TLS12];
const NEWER: Versions = &[&TLS13];

async fn showing(identity: &Identity) -> Server {
    Server::start_tls(server_config(identity, None, ANY), ok).await
}

fn with_tls(tls_config: TlsConfig) -> Client {
    client(|config| config.tls_config = tls_config)
}

fn trusting(authority: &Authority) -> TlsConfig {
    TlsConfig { ca: authority.pem.clone(), ..TlsConfig::default() }
}

/// The server's URL under the name `localhost`.
fn named(server: &Server) -> String {
    format!("https://localhost:{}/MARKER", server.address.port())
}

fn numbered(server: &Server) -> String {
    format!("https://{}/MARKER", server.address)
}

#[track_caller]
fn refused_by_us(text: &str) {
    assert!(text.to_lowercase().contains("certificate"), "{text}");
    assert!(!text.contains("MARKER"), "{text}");
}

#[tokio::test]
async fn a_certificate_of_a_trusted_authority_is_accepted() {
    let authority = Authority::new();
    let server = showing(&authority.sign(&["localhost", "127.0.0.1"])).await;
    let client = with_tls(trusting(&authority));
    post_to(&client, &named(&server)).await.expect("an answer");
    post_to(&client, &numbered(&server)).await.expect("an answer");
    let received = server.received();
    let name = |index: usize| received[index].tls.clone().expect("TLS").server_name;
    assert_eq!(name(0).as_deref(), Some("localhost"));
    assert_eq!(name(1), None);
}

#[tokio::test]
async fn other_certificates_are_refused() {
    let authority = Authority::new();
    let good = authority.sign(&["localhost"]);
    let cases = [
        (TlsConfig::default(), &good),
        (trusting(&Authority::new()), &good),
        (trusting(&authority), &authority.sign(&["other.test"])),
        (trusting(&authority), &authority.sign_expired(&["localhost"])),
    ];
    for (index, (tls_config, identity)) in cases.into_iter().enumerate() {
        let server = showing(identity).await;
        let text = transport_error(post_to(&with_tls(tls_config), &named(&server)).await);
        refused_by_us(&text);
        assert!(server.received().is_empty(), "case {index}");
    }
}

#[tokio::test]
async fn verification_can_be_skipped() {
    let server = showing(&Authority::new().sign_expired(&["other.test"])).await;
    let tls = TlsConfig { insecure_skip_verify: true, ..TlsConfig::default() };
    post_to(&with_tls(tls), &named(&server)).await.expect("an answer");
}

#[tokio::test]
async fn old_certificates_are_accepted_without_verification() {
    for identity in [
        Authority::new().sign_version_1("localhost"),
        self_signed_version_1("localhost"),
        self_signed_small_rsa(&["localhost"]),
        self_signed_small_rsa_version_1("localhost"),
    ] {
        for versions in [OLDER, NEWER] {
            let server = Server::start_tls(server_config(&identity, None, versions), ok).await;
            let tls = TlsConfig { insecure_skip_verify: true, ..TlsConfig::default() };
            post_to(&with_tls(tls), &named(&server)).await.expect("an answer");
            let text = transport_error(post_to(&client(|_| {}), &named(&server)).await);
            refused_by_us(&text);
        }
    }
}

#[tokio::test]
async fn a_named_authority_may_be_old_but_a_server_without_names_is_refused() {
    let authority = Authority::version_1();
    let server = showing(&authority.sign(&["localhost"])).await;
    post_to(&with_tls(trusting(&authority)), &named(&server)).await.expect("an answer");

    let small = self_signed_small_rsa(&["localhost"]);
    let tls = TlsConfig { ca: small.cert.clone(), ..TlsConfig::default() };
    post_to(&with_tls(tls), &named(&showing(&small).await)).await.expect("an answer");

    let nameless = self_signed_version_1("localhost");
    let tls = TlsConfig { ca: nameless.cert.clone(), ..TlsConfig::default() };
    let text = transport_error(post_to(&with_tls(tls), &named(&showing(&nameless).await)).await);
    let reason = "tls: failed to verify certificate: x509: certificate is not valid for any \
                  names, but wanted to match localhost (it is of version 1; make it with a \
                  subjectAltName, or set insecure_skip_verify)";
    assert!(text.ends_with(reason), "{text}");
}

#[tokio::test]
async fn a_certificate_may_be_trusted_without_its_authority() {
    let authority = Authority::new();
    let good = authority.sign(&["localhost"]);
    let check = async |identity: &Identity| {
        let server = showing(identity).await;
        let tls = TlsConfig { ca: identity.cert.clone(), ..TlsConfig::default() };
        post_to(&with_tls(tls), &named(&server)).await
    };
    check(&good).await.expect("an answer");
    refused_by_us(&transport_error(check(&authority.sign(&["other.test"])).await));
    refused_by_us(&transport_error(check(&authority.sign_expired(&["localhost"])).await));
}

#[tokio::test]
async fn a_self_signed_certificate_is_valid_for_its_name_until_it_expires() {
    let check = async |identity: &Identity, ca: &Identity| {
        let server = showing(identity).await;
        let tls = TlsConfig { ca: ca.cert.clone(), ..TlsConfig::default() };
        post_to(&with_tls(tls), &named(&server)).await
    };
    let good = self_signed(&["localhost"], |_| {});
    check(&good, &good).await.expect("an answer");
    let other_name = self_signed(&["other.test"], |_| {});
    refused_by_us(&transport_error(check(&other_name, &other_name).await));
    let past = self_signed(&["localhost"], |params| params.not_after = date_time_ymd(2001, 1, 1));
    refused_by_us(&transport_error(check(&past, &past).await));
    let other_key = self_signed(&["localhost"], |_| {});
    refused_by_us(&transport_error(check(&good, &other_key).await));
}

#[tokio::test]
async fn server_name_replaces_the_host_in_sni_and_verification() {
    let authority = Authority::new();
    let server = showing(&authority.sign(&["inner.test"])).await;
    let tls = TlsConfig { server_name: "inner.test".into(), ..trusting(&authority) };
    let client = with_tls(tls);
    for url in [numbered(&server), named(&server)] {
        post_to(&client, &url).await.expect("an answer");
    }
    let received = server.received();
    let port = server.address.port();
    for (received, host) in received.iter().zip(["127.0.0.1", "localhost"]) {
        let handshake = received.tls.as_ref().expect("TLS");
        assert_eq!(handshake.server_name.as_deref(), Some("inner.test"));
        assert_eq!(received.header("Host"), Some(format!("{host}:{port}")));
        assert_eq!(received.line, "POST /MARKER HTTP/1.1");
    }
    assert_eq!(received.len(), 2);

    let other = TlsConfig { server_name: "other.test".into(), ..trusting(&authority) };
    refused_by_us(&transport_error(post_to(&with_tls(other), &numbered(&server)).await));
}

#[tokio::test]
async fn hosts_with_the_same_server_name_have_their_own_connections() {
    let authority = Authority::new();
    let identity = authority.sign(&["inner.test"]);
    let (one, two) = (showing(&identity).await, showing(&identity).await);
    let tls = TlsConfig { server_name: "inner.test".into(), ..trusting(&authority) };
    let client = with_tls(tls);
    for server in [&one, &two, &one, &two] {
        post_to(&client, &numbered(server)).await.expect("an answer");
    }
    assert_eq!((one.received().len(), two.received().len()), (2, 2));
}

#[tokio::test]
async fn server_name_may_be_an_address() {
    let authority = Authority::new();
    let server = showing(&authority.sign(&["192.0.2.1"])).await;
    let tls = TlsConfig { server_name: "192.0.2.1".into(), ..trusting(&authority) };
    post_to(&with_tls(tls), &named(&server)).await.expect("an answer");
}

#[tokio::test]
async fn the_client_certificate_is_sent() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let identity = authority.sign(&["localhost"]);
    let server = Server::start_tls(server_config(&identity, Some(&clients), ANY), ok).await;
    let ours = clients.sign(&["us.test"]);
    let tls = TlsConfig { cert: ours.cert, key: Secret::new(ours.key), ..trusting(&authority) };
    post_to(&with_tls(tls), &named(&server)).await.expect("an answer");
    assert_eq!(server.only().tls.expect("TLS").client_certificates, 1);

    transport_error(post_to(&with_tls(trusting(&authority)), &named(&server)).await);
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn versions_can_be_limited() {
    let authority = Authority::new();
    let identity = authority.sign(&["localhost"]);
    let version = async |min: Option<TlsVersion>, max: Option<TlsVersion>, spoken: Versions| {
        let server = Server::start_tls(server_config(&identity, None, spoken), ok).await;
        let tls = TlsConfig { min_version: min, max_version: max, ..trusting(&authority) };
        post_to(&with_tls(tls), &named(&server)).await.ok()?;
        Some(server.only().tls.expect("TLS").version)
    };
    use TlsVersion::{Tls10, Tls12, Tls13};
    use rustls::ProtocolVersion::{TLSv1_2, TLSv1_3};
    assert_eq!(version(None, None, ANY).await, Some(TLSv1_3));
    assert_eq!(version(Some(Tls10), Some(Tls12), ANY).await, Some(TLSv1_2));
    assert_eq!(version(Some(Tls13), None, ANY).await, Some(TLSv1_3));
    assert_eq!(version(Some(Tls13), Some(Tls13), OLDER).await, None);
    assert_eq!(version(None, Some(Tls12), NEWER).await, None);
    assert_eq!(version(None, None, OLDER).await, Some(TLSv1_2));
}

/// A configuration whose three parts are in files, and the files.
fn in_files(folder: &tempfile::TempDir) -> (TlsConfig, [PathBuf; 3]) {
    let paths = ["ca", "cert", "key"].map(|name| folder.path().join(name));
    let [ca_file, cert_file, key_file] = paths.clone().map(|path| path.display().to_string());
    (TlsConfig { ca_file, cert_file, key_file, ..TlsConfig::default() }, paths)
}

#[tokio::test]
async fn files_that_change_are_read_again() {
    let (old, new) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().expect("a folder");
    let (tls, [ca, cert, key]) = in_files(&folder);
    let write = |authority: &Authority| {
        let ours = authority.sign(&["us.test"]);
        std::fs::write(&ca, &authority.pem).expect("written");
        std::fs::write(&cert, ours.cert).expect("written");
        std::fs::write(&key, ours.key).expect("written");
    };
    write(&old);
    let client = with_tls(tls);
    let start = async |authority: &Authority| {
        let identity = authority.sign(&["localhost"]);
        Server::start_tls(server_config(&identity, Some(authority), ANY), ok).await
    };
    let (before, after) = (start(&old).await, start(&new).await);
    post_to(&client, &named(&before)).await.expect("an answer");
    post_to(&client, &named(&before)).await.expect("an answer");
    transport_error(post_to(&client, &named(&after)).await);
    let connections: Vec<_> = before.received().iter().map(|one| one.connection).collect();
    assert_eq!(connections, [0, 0]);

    write(&new);
    post_to(&client, &named(&after)).await.expect("an answer");
    transport_error(post_to(&client, &named(&before)).await);

    std::fs::write(&ca, "half a fi").expect("written");
    let text = transport_error(post_to(&client, &named(&after)).await);
    assert!(text.contains("unable to use specified CA cert"), "{text}");
    std::fs::remove_file(&ca).expect("removed");
    let text = transport_error(post_to(&client, &named(&after)).await);
    assert!(text.contains("unable to read CA cert"), "{text}");
    write(&new);
    post_to(&client, &named(&after)).await.expect("an answer");
}

#[test]
fn unusable_tls_settings_are_refused_when_the_client_is_built() {
    let refused = |tls_config: TlsConfig| {
        let config = HttpConfig { tls_config, ..HttpConfig::default() };
        let error = Client::build(&config, &NetworkPolicy::default(), &Dials::default())
            .expect_err("it must be refused");
        assert!(!error.to_string().contains("MARKER"), "{error}");
        error
    };
    let authority = Authority::new();
    let (one, two) = (authority.sign(&["us.test"]), authority.sign(&["us.test"]));
    let of = |cert: &str, key: &str| TlsConfig {
        cert: cert.into(),
        key: Secret::new(key),
        ..TlsConfig::default()
    };
    for text in [
        refused(TlsConfig { ca: "MARKER".into(), ..TlsConfig::default() }),
        refused(of(&one.cert, &two.key)),
        refused(of("MARKER", &one.key)),
        refused(of(&one.cert, "MARKER")),
        refused(TlsConfig { server_name: "not a name".into(), ..TlsConfig::default() }),
    ] {
        assert!(matches!(text, BuildError::Unusable { .. }), "{text}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let missing = |name: &str| folder.path().join(name).display().to_string();
    for error in [
        refused(TlsConfig { ca_file: missing("ca"), ..TlsConfig::default() }),
        refused(TlsConfig { cert_file: missing("cert"), ..of("", &one.key) }),
        refused(TlsConfig { key_file: missing("key"), ..of(&one.cert, "") }),
    ] {
        assert!(matches!(error, BuildError::Unreadable { .. }), "{error}");
    }
    let limited =
        |min_version, max_version| TlsConfig { min_version, max_version, ..TlsConfig::default() };
    use TlsVersion::{Tls11, Tls12, Tls13};
    let error = refused(limited(None, Some(Tls11)));
    assert!(matches!(error, BuildError::Unsupported { .. }), "{error}");
    let error = refused(limited(Some(Tls13), Some(Tls12)));
    assert!(matches!(error, BuildError::Unusable { .. }), "{error}");
}

/// Serves one HTTP/2 request, or reports that HTTP/2 was not used.
async fn second_generation(identity: &Identity) -> (u16, tokio::task::JoinHandle<Option<String>>) {
    let mut config = server_config(identity, None, ANY);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has ports");
    let port = listener.local_addr().expect("it is bound").port();
    let served = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let stream = acceptor.accept(stream).await.expect("a handshake");
        if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            return None;
        }
        let mut connection = h2::server::handshake(stream).await.expect("HTTP/2");
        let (request, mut respond) =
            connection.accept().await.expect("a request").expect("a good one");
        let answer = http::Response::builder().status(202).body(()).expect("an answer");
        let mut body = respond.send_response(answer, false).expect("sent");
        body.send_data(Bytes::from("two"), true).expect("sent");
        tokio::spawn(async move { while connection.accept().await.is_some() {} });
        request.uri().authority().map(ToString::to_string)
    });
    (port, served)
}

#[tokio::test]
async fn http2_is_used_where_it_is_enabled() {
    let authority = Authority::new();
    let identity = authority.sign(&["localhost"]);

    let (port, served) = second_generation(&identity).await;
    let url = format!("https://localhost:{port}/");
    let answer = post_to(&with_tls(trusting(&authority)), &url).await.expect("an answer");
    assert_eq!((answer.status, answer.body.as_ref()), (202, b"two".as_slice()));
    assert_eq!(served.await.expect("it ran"), Some(format!("localhost:{port}")));

    let (port, served) = second_generation(&identity).await;
    let avoiding = client(|config| {
        config.tls_config = trusting(&authority);
        config.enable_http2 = false;
    });
    transport_error(post_to(&avoiding, &format!("https://localhost:{port}/")).await);
    assert_eq!(served.await.expect("it ran"), None);
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_a_transport_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has ports");
    let url = format!("https://{}/MARKER", listener.local_addr().expect("it is bound"));
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        stream.write_all(b"HTTP/1.1 400 MARKER\r\n\r\n").await.expect("sent");
    });
    let text = transport_error(post_to(&client(|_| {}), &url).await);
    let expected = "/<redacted>\": tls: first record does not look like a TLS handshake";
    assert!(text.starts_with("Post \"https://127.0.0.1:") && text.ends_with(expected), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_stalled_handshake_times_out_before_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has ports");
    let url = format!("https://{}/", listener.local_addr().expect("it is bound"));
    let begun = Instant::now();
    let text = transport_error(post_to(&client(|_| {}), &url).await);
    assert_eq!(begun.elapsed().as_secs(), 10);
    assert!(text.ends_with(": net/http: TLS handshake timeout"), "{text}");
}
