use std::time::Duration;

use bellwether_courier::Redactor;
use bellwether_integrations::http::{Method, RESPONSE_BODY_MAX_BYTES, Request, RequestError};
use bellwether_model::Secret;
use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::server::{
    Answer, FullPort, Server, client, closed_port, ok, plain, post, post_to, soon, transport_error,
    with_headers,
};

#[tokio::test]
async fn a_request_arrives_as_it_was_written() {
    let server = Server::start(ok).await;
    let request = Request {
        method: Method::Put,
        headers: vec![("X-One".into(), "1".into()), ("Content-Type".into(), "text/plain".into())],
        body: Bytes::from("größe"),
        ..post(&server.url("/a%20b?c=d&e#f"))
    };
    client(|_| {}).send(request, &Redactor::default(), soon()).await.expect("an answer");
    let received = server.only();
    assert_eq!(received.line, "PUT /a%20b?c=d&e HTTP/1.1");
    assert_eq!(received.body, "größe");
    assert_eq!(received.header("X-One").as_deref(), Some("1"));
    assert_eq!(received.header("Content-Type").as_deref(), Some("text/plain"));
    assert_eq!(received.header("User-Agent").as_deref(), Some("Alertmanager/0.35.0"));
    assert_eq!(received.header("Host"), Some(server.address.to_string()));
    assert_eq!(received.header("Content-Length").as_deref(), Some("7"));
    for absent in ["Authorization", "Accept-Encoding", "Transfer-Encoding", "Connection"] {
        assert_eq!(received.header(absent), None, "{absent}");
    }
    assert!(received.headers.iter().any(|(name, _)| name == "X-One"), "{received:?}");
}

#[tokio::test]
async fn a_post_without_a_body_has_content_length_zero() {
    let server = Server::start(ok).await;
    let is_length = |(name, _): &&(String, String)| name.eq_ignore_ascii_case("content-length");
    for (method, length) in
        [(Method::Post, Some("0")), (Method::Put, Some("0")), (Method::Get, None)]
    {
        let request = Request { method, body: Bytes::new(), ..post(&server.url("/")) };
        client(|_| {}).send(request, &Redactor::default(), soon()).await.expect("an answer");
        let received = server.received().pop().expect("it came");
        assert_eq!(received.header("Content-Length").as_deref(), length, "{method:?}");
        let times = received.headers.iter().filter(is_length).count();
        assert_eq!(times, usize::from(length.is_some()), "{method:?}");
    }
}

#[tokio::test]
async fn an_integration_may_name_another_user_agent() {
    let server = Server::start(ok).await;
    let mut request = post(&server.url("/"));
    request.headers.push(("User-Agent".into(), "Other/1".into()));
    client(|_| {}).send(request, &Redactor::default(), soon()).await.expect("an answer");
    assert_eq!(server.only().header("User-Agent").as_deref(), Some("Other/1"));
}

#[tokio::test]
async fn the_response_is_returned_whatever_its_status() {
    let server = Server::start(|received| {
        let status = received.line["POST /".len()..][..3].parse().expect("a status");
        with_headers(status, "Content-Type: text/x\r\nRetry-After: 7\r\n", "why")
    });
    let server = server.await;
    let client = client(|_| {});
    for status in [200, 204, 300, 304, 400, 429, 500, 599] {
        let answer = post_to(&client, &server.url(&format!("/{status}"))).await.expect("an answer");
        assert_eq!(answer.status, status);
        assert_eq!(answer.content_type.as_deref(), Some("text/x"));
        assert_eq!(answer.retry_after, Some(Duration::from_secs(7)));
        let expected = if matches!(status, 204 | 304) { "" } else { "why" };
        assert_eq!(answer.body, expected, "{status}");
    }
}

#[tokio::test]
async fn connections_are_reused() {
    let server = Server::start(|_| plain(200, "some body")).await;
    let client = client(|_| {});
    for _ in 0..5 {
        post_to(&client, &server.url("/")).await.expect("an answer");
    }
    let connections: Vec<usize> = server.received().iter().map(|one| one.connection).collect();
    assert_eq!(connections, [0; 5]);
}

#[tokio::test]
async fn an_invalid_url_is_refused_and_not_shown() {
    for url in ["", "MARKER", "ftp://MARKER/", "http://"] {
        let request = Request { url: Secret::new(url), ..post("http://unused.test") };
        match client(|_| {}).send(request, &Redactor::default(), soon()).await {
            Err(RequestError::Unusable(text)) => {
                assert!(text.contains("<redacted>") && !text.contains("MARKER"), "{url}: {text}");
            }
            other => panic!("{url}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn an_invalid_header_is_refused_and_not_shown() {
    let mut request = post("http://unused.test/");
    request.headers.push(("X-Key".into(), "MARKER\nX-Evil: 1".into()));
    match client(|_| {}).send(request, &Redactor::default(), soon()).await {
        Err(RequestError::Unusable(text)) => assert!(!text.contains("MARKER"), "{text}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_request_ends_at_its_timeout_or_deadline() {
    let server = Server::start(|_| Answer::Hang(String::new())).await;
    let client = client(|_| {});
    let short = Duration::from_millis(50);

    let deadline = Instant::now() + short;
    let answer = client.send(post(&server.url("/MARKER")), &Redactor::default(), deadline).await;
    assert_eq!(answer.expect_err("no answer"), RequestError::DeadlinePassed);

    let request = Request { timeout: Some(short), ..post(&server.url("/MARKER")) };
    let answer = client.send(request.clone(), &Redactor::default(), soon()).await;
    assert_eq!(answer.expect_err("no answer"), RequestError::TimedOut(short));

    let answer = client.send(request, &Redactor::default(), Instant::now()).await;
    assert_eq!(answer.expect_err("no answer"), RequestError::DeadlinePassed);

    let forever = Request { timeout: Some(Duration::MAX), ..post(&server.url("/MARKER")) };
    let answer = client.send(forever, &Redactor::default(), Instant::now() + short).await;
    assert_eq!(answer.expect_err("no answer"), RequestError::DeadlinePassed);
}

#[tokio::test]
async fn a_refused_connection_is_a_transport_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has ports");
    let url = format!("http://{}/MARKER", listener.local_addr().expect("it is bound"));
    drop(listener);
    let address = url.trim_start_matches("http://").trim_end_matches("/MARKER");
    let refused = format!("dial tcp {address}: connect: connection refused");
    let text = transport_error(post_to(&client(|_| {}), &url).await);
    assert_eq!(text, format!("Post \"http://{address}/<redacted>\": {refused}"));
    let bare = format!("https://{address}");
    let text = transport_error(post_to(&client(|_| {}), &bare).await);
    assert_eq!(text, format!("Post \"{bare}/\": {refused}"));
}

#[tokio::test]
async fn an_unknown_host_is_named() {
    let text = transport_error(post_to(&client(|_| {}), "http://nosuch.invalid/MARKER").await);
    assert_eq!(
        text,
        "Post \"http://nosuch.invalid/<redacted>\": dial tcp: lookup nosuch.invalid: no such host"
    );
}

#[tokio::test]
async fn the_addresses_of_a_name_are_shown() {
    let port = closed_port().await;
    let url = format!("http://localhost:{port}/MARKER");
    let text = transport_error(post_to(&client(|_| {}), &url).await);
    assert!(text.starts_with(&format!("Post \"http://localhost:{port}/<redacted>\": dial tcp ")));
    assert!(text.contains(&format!("127.0.0.1:{port}")), "{text}");
    assert!(text.ends_with(": connect: connection refused"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_not_accepted_times_out_with_its_address() {
    let full = FullPort::new().await;
    let url = format!("http://{}/MARKER", full.address);
    let deadline = Instant::now() + Duration::from_secs(60);
    let response = client(|_| {}).send(post(&url), &Redactor::default(), deadline).await;
    let expected = format!(
        "Post \"http://{address}/<redacted>\": dial tcp {address}: i/o timeout",
        address = full.address
    );
    assert_eq!(transport_error(response), expected);
}

#[tokio::test]
async fn a_response_that_breaks_off_is_named() {
    let check = async |response: &'static str, expected: &str| {
        let server = Server::start(move |_| Answer::Close(response.to_owned())).await;
        let text = transport_error(post_to(&client(|_| {}), &server.url("/MARKER")).await);
        let operation = format!("Post \"http://{}/<redacted>\": ", server.address);
        assert_eq!(text.strip_prefix(&operation), Some(expected), "{text}");
    };
    check("", "EOF").await;
    check("HTTP/1.1 200 OK\r\nContent-", "EOF").await;
    let broken = "net/http: HTTP/1.x transport connection broken: ";
    let reason = format!("{broken}malformed HTTP response \"nonsense\"");
    check("nonsense\r\n\r\n", &reason).await;
}

#[tokio::test]
async fn responses_that_go_accepts_are_accepted() {
    let many: String = (0..300).map(|number| format!("X-{number}: y\r\n")).collect();
    let odd = ["Server : x\r\n", "X: a\r\n b\r\n", &many].map(str::to_owned);
    let answers =
        odd.map(|fields| format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 2\r\n\r\nok"));
    let version = "HTTP/1.2 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
    for answer in answers.into_iter().chain([version.to_owned()]) {
        let server = Server::start(move |_| Answer::Keep(answer.clone())).await;
        let client = client(|_| {});
        for _ in 0..2 {
            let answer = post_to(&client, &server.url("/")).await.expect("an answer");
            assert_eq!((answer.status, answer.body.as_ref()), (200, b"ok".as_slice()));
        }
        let connections: Vec<usize> = server.received().iter().map(|one| one.connection).collect();
        assert_eq!(connections, [0; 2]);
    }
}

#[tokio::test]
async fn invalid_responses_are_transport_errors() {
    for nonsense in [
        "",
        "HTTP/1.1 2",
        "HTTP/1.1 200 OK\r\nContent-",
        "nonsense\r\n\r\n",
        "HTTP/1.1 99999 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: nonsense\r\n\r\n",
        "\u{0}\u{1}\u{2}",
    ] {
        let server = Server::start(move |_| Answer::Close(nonsense.to_owned())).await;
        let text = transport_error(post_to(&client(|_| {}), &server.url("/MARKER")).await);
        assert!(!text.contains("MARKER"), "{nonsense}: {text}");
    }
    let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "y".repeat(11 << 20));
    let server = Server::start(move |_| Answer::Close(endless.clone())).await;
    transport_error(post_to(&client(|_| {}), &server.url("/")).await);
}

#[tokio::test]
async fn a_response_with_a_truncated_body_counts_as_a_response() {
    let server = Server::start(|_| {
        Answer::Close("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf".into())
    });
    let answer = post_to(&client(|_| {}), &server.await.url("/")).await.expect("an answer");
    assert_eq!((answer.status, answer.body.as_ref()), (200, b"half".as_slice()));
}

#[tokio::test]
async fn a_response_without_its_body_is_returned_at_the_deadline() {
    let server = Server::start(|_| {
        Answer::Hang("HTTP/1.1 202 OK\r\nContent-Length: 100\r\n\r\nhalf".into())
    });
    let server = server.await;
    let deadline = Instant::now() + Duration::from_millis(300);
    let answer = client(|_| {})
        .send(post(&server.url("/")), &Redactor::default(), deadline)
        .await
        .expect("an answer");
    assert_eq!((answer.status, answer.body.as_ref()), (202, b"half".as_slice()));
    assert!(deadline.elapsed() < Duration::from_secs(5), "{:?} late", deadline.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_missing_body_is_not_awaited_until_a_far_deadline() {
    let server = Server::start(|_| {
        Answer::Hang("HTTP/1.1 202 OK\r\nContent-Length: 100\r\n\r\nhalf".into())
    });
    let server = server.await;
    let begun = Instant::now();
    let deadline = begun + Duration::from_secs(24 * 60 * 60);
    let answer = client(|_| {})
        .send(post(&server.url("/")), &Redactor::default(), deadline)
        .await
        .expect("an answer");
    assert_eq!((answer.status, answer.body.as_ref()), (202, b"half".as_slice()));
    // Other timers may pass on the way, since the virtual clock jumps from one to the next.
    assert!(begun.elapsed() < Duration::from_secs(60 * 60), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn only_the_beginning_of_a_large_body_is_read() {
    for head in ["HTTP/1.1 500 X\r\nContent-Length: 1073741824\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"]
    {
        let mut server = Server::start(move |_| Answer::Flood(head.into())).await;
        let answer = post_to(&client(|_| {}), &server.url("/")).await.expect("an answer");
        assert_eq!(answer.body.len(), RESPONSE_BODY_MAX_BYTES);
        let flooded = server.flooded.wait_for(Option::is_some).await.expect("the server runs");
        let written = flooded.expect("it was waited for");
        assert!(written < 64 << 20, "{written} bytes were taken");
    }
}

#[tokio::test]
async fn the_secret_parts_of_a_url_are_never_shown() {
    let request = post("http://MARKER:MARKER@127.0.0.1:1/MARKER?MARKER");
    let shown = format!("{request:?}");
    assert!(!shown.contains("MARKER"), "{shown}");
    let answer = client(|_| {}).send(request, &Redactor::default(), soon()).await;
    let text = transport_error(answer);
    assert!(!text.contains("MARKER"), "{text}");
    let bad = Request { url: Secret::new("http://[MARKER"), ..post("") };
    match client(|_| {}).send(bad, &Redactor::default(), soon()).await {
        Err(RequestError::Unusable(text)) => assert!(!text.contains("MARKER"), "{text}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_url_is_asked_for_as_it_was_written() {
    let server = Server::start(|_| plain(200, "")).await;
    let client = client(|_| {});
    for (written, asked) in [
        ("/hook/../admin", "/hook/../admin"),
        ("/a/./b//c/%2e%2E/%2F%c3%A4", "/a/./b//c/%2e%2E/%2F%c3%A4"),
        ("/(a)'!*[b]?x='../y'&z=%zz|", "/(a)'!*[b]?x='../y'&z=%zz|"),
        ("/a b|c#f", "/a%20b%7Cc"),
        ("?q=a b", "/?q=a%20b"),
    ] {
        post_to(&client, &server.url(written)).await.expect("an answer");
        let line = server.received().last().expect("a request").line.clone();
        assert_eq!(line, format!("POST {asked} HTTP/1.1"), "{written}");
    }
}
