use std::collections::BTreeMap;

use bellwether_integrations::http::{HttpConfig, TlsConfig};
use bellwether_model::Secret;
use rustls::version::TLS13;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::certificates::{Authority, server_config};
use crate::server::{Answer, Server, client, ok, plain, post_to, transport_error};

fn through(proxy: &Server, config: &mut HttpConfig) {
    config.proxy.proxy_url = Some(Secret::new(format!("http://u:p%40@{}", proxy.address)));
    let header = vec![Secret::new("one"), Secret::new("two")];
    config.proxy.proxy_connect_header = BTreeMap::from([("X-Connect".into(), header)]);
}

/// u:p@
const PROXY_CREDENTIALS: &str = "Basic dTpwQA==";

#[tokio::test]
async fn http_requests_reach_the_proxy_in_absolute_form() {
    let proxy = Server::start(|_| plain(200, "from proxy")).await;
    let client = client(|config| through(&proxy, config));
    let answer = post_to(&client, "http://nowhere.test:81/path?q").await.expect("an answer");
    assert_eq!(answer.body, "from proxy");
    let received = proxy.only();
    assert_eq!(received.line, "POST http://nowhere.test:81/path?q HTTP/1.1");
    assert_eq!(received.header("Host").as_deref(), Some("nowhere.test:81"));
    assert_eq!(received.header("Proxy-Authorization").as_deref(), Some(PROXY_CREDENTIALS));
    assert_eq!(received.header("X-Connect"), None);
    assert_eq!(received.body, "{}");
}

#[tokio::test]
async fn https_requests_go_through_a_connect_tunnel() {
    let authority = Authority::new();
    let identity = authority.sign(&["nowhere.test"]);
    let server = Server::start_tls(server_config(&identity, None, &[&TLS13]), ok).await;
    let address = server.address;
    let proxy = Server::start(move |_| Answer::Tunnel(address)).await;
    let client = client(|config| {
        through(&proxy, config);
        config.tls_config.ca = authority.pem.clone();
    });
    post_to(&client, "https://nowhere.test/path").await.expect("an answer");
    let connect = proxy.only();
    assert_eq!(connect.line, "CONNECT nowhere.test:443 HTTP/1.1");
    assert_eq!(connect.header("Proxy-Authorization").as_deref(), Some(PROXY_CREDENTIALS));
    assert_eq!(connect.header("X-Connect").as_deref(), Some("one|two"));
    let inner = server.only();
    assert_eq!(inner.line, "POST /path HTTP/1.1");
    assert_eq!(inner.header("Proxy-Authorization"), None);
    assert_eq!(inner.header("X-Connect"), None);
    assert_eq!(inner.tls.expect("TLS").server_name.as_deref(), Some("nowhere.test"));
}

#[tokio::test]
async fn through_a_tunnel_the_certificate_must_carry_server_name() {
    let authority = Authority::new();
    let identity = authority.sign(&["inner.test"]);
    let server = Server::start_tls(server_config(&identity, None, &[&TLS13]), ok).await;
    let address = server.address;
    let proxy = Server::start(move |_| Answer::Tunnel(address)).await;
    let named = |server_name: &str| {
        client(|config| {
            through(&proxy, config);
            let (ca, server_name) = (authority.pem.clone(), server_name.to_owned());
            config.tls_config = TlsConfig { ca, server_name, ..TlsConfig::default() };
        })
    };
    post_to(&named("inner.test"), "https://nowhere.test/").await.expect("an answer");
    assert_eq!(proxy.only().line, "CONNECT nowhere.test:443 HTTP/1.1");
    assert_eq!(server.only().header("Host").as_deref(), Some("nowhere.test"));
    assert_eq!(server.only().tls.expect("TLS").server_name.as_deref(), Some("inner.test"));
    transport_error(post_to(&named("other.test"), "https://nowhere.test/").await);
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_refusing_proxy_is_a_transport_error_without_secrets() {
    let proxy = Server::start(|_| plain(407, "MARKER")).await;
    let client = client(|config| {
        config.proxy.proxy_url = Some(Secret::new(format!("http://u:MARKER@{}", proxy.address)));
    });
    let text = transport_error(post_to(&client, "https://nowhere.test/MARKER").await);
    assert!(!text.contains("MARKER"), "{text}");
    let answer = post_to(&client, "http://nowhere.test/MARKER").await.expect("an answer");
    assert_eq!(answer.status, 407);
}

#[tokio::test]
async fn no_proxy_hosts_are_reached_directly() {
    let server = Server::start(|_| plain(200, "direct")).await;
    let proxy = Server::start(|_| plain(200, "proxied")).await;
    let body = async |no_proxy: &str, url: &str| {
        let client = client(|config| {
            through(&proxy, config);
            config.proxy.no_proxy = no_proxy.into();
        });
        post_to(&client, url).await.expect("an answer").body
    };
    // Loopback is exempt as soon as there are exceptions.
    assert_eq!(body("", &server.url("/")).await, "proxied");
    assert_eq!(body("other.test", &server.url("/")).await, "direct");
    assert_eq!(body("other.test", "http://nowhere.test/").await, "proxied");
    let by_name = format!("http://localhost:{}/", server.address.port());
    assert_eq!(body("other.test", &by_name).await, "direct");
}

#[tokio::test]
async fn the_proxy_is_chosen_anew_for_each_redirect() {
    let server = Server::start(|_| plain(200, "direct")).await;
    let url = server.url("/");
    let proxy = Server::start(move |_| {
        crate::server::with_headers(307, &format!("Location: {url}\r\n"), "")
    });
    let proxy = proxy.await;
    let client = client(|config| {
        through(&proxy, config);
        config.proxy.no_proxy = "other.test".into();
    });
    let answer = post_to(&client, "http://nowhere.test/").await.expect("an answer");
    assert_eq!(answer.body, "direct");
    assert_eq!(proxy.received().len(), 1);
}

#[tokio::test]
async fn socks_proxies_resolve_host_names() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has ports");
    let address = listener.local_addr().expect("it is bound");
    let asked = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut greeting = [0; 3];
        stream.read_exact(&mut greeting).await.expect("a greeting");
        stream.write_all(&[5, 0]).await.expect("sent");
        let mut head = [0; 5];
        stream.read_exact(&mut head).await.expect("a request");
        let mut name = vec![0; usize::from(head[4]) + 2];
        stream.read_exact(&mut name).await.expect("a name and a port");
        stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.expect("sent");
        let mut byte = [0];
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n{}") {
            stream.read_exact(&mut byte).await.expect("an HTTP request");
            request.push(byte[0]);
        }
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(answer).await.expect("sent");
        (head, name)
    });
    let client = client(|config| {
        config.proxy.proxy_url = Some(Secret::new(format!("socks5://{address}")));
    });
    post_to(&client, "http://nowhere.test:81/").await.expect("an answer");
    let (head, name) = asked.await.expect("the proxy ran");
    assert_eq!(head, [5, 1, 0, 3, 12]);
    assert_eq!(name, b"nowhere.test\x00\x51");
}

#[tokio::test]
async fn the_connection_to_the_proxy_may_use_tls() {
    let authority = Authority::new();
    let identity = authority.sign(&["localhost"]);
    let tls = server_config(&identity, None, &[&TLS13]);
    let proxy = Server::start_tls(tls, |_| plain(200, "from proxy")).await;
    let client = client(|config| {
        let url = format!("https://localhost:{}", proxy.address.port());
        config.proxy.proxy_url = Some(Secret::new(url));
        config.tls_config.ca = authority.pem.clone();
    });
    let answer = post_to(&client, "http://nowhere.test/path").await.expect("an answer");
    assert_eq!(answer.body, "from proxy");
    assert_eq!(proxy.only().line, "POST http://nowhere.test/path HTTP/1.1");
    assert!(proxy.only().tls.is_some());
}

#[tokio::test]
async fn an_unreachable_proxy_is_a_transport_error_without_secrets() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has ports");
    let address = listener.local_addr().expect("it is bound");
    drop(listener);
    let client = client(|config| {
        let url = format!("http://MARKER:MARKER@{address}/MARKER");
        config.proxy.proxy_url = Some(Secret::new(url));
    });
    for url in ["http://nowhere.test/MARKER", "https://nowhere.test/MARKER"] {
        let text = transport_error(post_to(&client, url).await);
        let refused = format!("proxyconnect tcp: dial tcp {address}: connect: connection refused");
        assert!(text.ends_with(&refused), "{text}");
        assert!(!text.contains("MARKER"), "{text}");
    }
}
