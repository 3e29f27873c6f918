use std::collections::BTreeMap;

use bellwether_integrations::http::{BasicAuth, Header};
use bellwether_model::Secret;

use crate::server::{Answer, Server, client, ok, plain, post_to, transport_error, with_headers};

fn to(status: u16, location: &str) -> Answer {
    with_headers(status, &format!("Location: {location}\r\n"), "moved")
}

fn marked(config: &mut bellwether_integrations::http::HttpConfig) {
    config.basic_auth = Some(BasicAuth {
        username: "user".into(),
        password: Secret::new("MARKER"),
        ..BasicAuth::default()
    });
    let header = |value: &str| Header { secrets: vec![Secret::new(value)], ..Header::default() };
    config.http_headers =
        BTreeMap::from([("Cookie".into(), header("c=MARKER")), ("X-Other".into(), header("o"))]);
}

#[tokio::test]
async fn the_status_decides_whether_method_and_body_are_repeated() {
    for (status, line, body) in [
        (301, "GET /end HTTP/1.1", ""),
        (302, "GET /end HTTP/1.1", ""),
        (303, "GET /end HTTP/1.1", ""),
        (307, "POST /end HTTP/1.1", "{}"),
        (308, "POST /end HTTP/1.1", "{}"),
    ] {
        let server = Server::start(move |received| {
            if received.line.contains("/end") { plain(200, "here") } else { to(status, "/end") }
        });
        let server = server.await;
        let answer = post_to(&client(marked), &server.url("/start")).await.expect("an answer");
        assert_eq!(answer.body, "here", "{status}");
        let received = server.received();
        assert_eq!(received[1].line, line, "{status}");
        assert_eq!(received[1].body, body, "{status}");
        assert_eq!(received[1].header("Content-Type").is_some(), !body.is_empty(), "{status}");
        assert_eq!(received[1].header("Authorization"), received[0].header("Authorization"));
        assert!(received[1].header("Authorization").is_some());
        assert_eq!(received[1].header("Cookie").as_deref(), Some("c=MARKER"));
    }
}

#[tokio::test]
async fn credentials_are_not_sent_after_a_redirect_to_another_host() {
    // Home is 127.0.0.1, abroad is localhost; the chain leaves home and comes back.
    let abroad = Server::start(|received| {
        let home = received.header("X-Home").expect("added headers go along");
        to(307, &format!("http://{home}/back"))
    });
    let abroad = abroad.await;
    let there = format!("http://localhost:{}/there", abroad.address.port());
    let home = Server::start(move |received| {
        if received.line.contains("/back") { plain(200, "") } else { to(307, &there) }
    });
    let home = home.await;
    let address = home.address.to_string();
    let client = client(|config| {
        marked(config);
        let header = Header { values: vec![address], ..Header::default() };
        config.http_headers.insert("X-Home".into(), header);
        let header = Header { values: vec!["t".into()], ..Header::default() };
        config.http_headers.insert("X-Auth-Token".into(), header);
    });
    post_to(&client, &home.url("/start")).await.expect("an answer");
    let on_first_host = home.received();
    assert!(on_first_host[0].header("Authorization").is_some());
    assert_eq!(on_first_host[0].header("X-Other").as_deref(), Some("o"));
    assert_eq!(on_first_host[1].line, "POST /back HTTP/1.1");
    for received in [&on_first_host[1], &abroad.only()] {
        assert_eq!(received.header("Authorization"), None);
        assert_eq!(received.header("Cookie"), None);
        assert_eq!(received.header("X-Other"), None);
        assert_eq!(received.header("X-Auth-Token"), None);
        assert_eq!(received.body, "{}");
    }
}

#[tokio::test]
async fn an_endless_redirect_chain_is_stopped() {
    let server = Server::start(|_| to(302, "/MARKER")).await;
    let text = transport_error(post_to(&client(|_| {}), &server.url("/")).await);
    assert_eq!(text, "stopped after 10 redirects");
    assert_eq!(server.received().len(), 10);
}

#[tokio::test]
async fn a_redirect_that_is_not_followed_is_the_response() {
    let server = Server::start(|_| to(302, "/elsewhere")).await;
    let client = client(|config| config.follow_redirects = false);
    let answer = post_to(&client, &server.url("/")).await.expect("an answer");
    assert_eq!((answer.status, answer.body.as_ref()), (302, b"moved".as_slice()));
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn redirects_lead_only_to_http_and_https_urls() {
    for location in ["file:///etc/MARKER", "http://[MARKER", "gopher://MARKER/"] {
        let server = Server::start(move |_| to(302, location)).await;
        let text = transport_error(post_to(&client(|_| {}), &server.url("/")).await);
        assert_eq!(text, "redirected to what is not an http or https URL");
    }
    let server = Server::start(|_| with_headers(302, "", "nowhere")).await;
    let answer = post_to(&client(|_| {}), &server.url("/")).await.expect("an answer");
    assert_eq!((answer.status, answer.body.as_ref()), (302, b"nowhere".as_slice()));
}

#[tokio::test]
async fn the_user_in_a_url_is_sent_as_credentials() {
    let server = Server::start(ok).await;
    let url = format!("http://me:p%40ss%2B+@{}/", server.address);
    post_to(&client(marked), &url).await.expect("an answer");
    // me:p@ss++
    assert_eq!(server.only().header("Authorization").as_deref(), Some("Basic bWU6cEBzcysr"));
    assert_eq!(server.only().header("Host"), Some(server.address.to_string()));
}
