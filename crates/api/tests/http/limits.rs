//! The limits of the API: number, time and size.

use std::net::SocketAddr;
use std::time::Duration;

use bellwether_api::{ApiSettings, Observation};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{get, post, serve, setup, setup_with};

#[tokio::test]
async fn gets_beyond_the_limit_are_rejected_and_other_methods_are_not() {
    let (backend, router) =
        setup_with(ApiSettings { get_concurrency: 1, ..ApiSettings::default() });
    // A read that waits for its view holds the only place.
    backend.views.forget_permits(1_000);
    let waiting = tokio::spawn({
        let router = router.clone();
        async move { get(&router, "/api/v2/alerts").await }
    });
    while !backend.observations.lock().expect("no panic").contains(&Observation::GetStarted) {
        tokio::task::yield_now().await;
    }
    for path in ["/api/v2/status", "/metrics", "/nowhere"] {
        let refused = get(&router, path).await;
        assert_eq!(refused.status, 503, "{path}");
        let text = "Limit of concurrent GET requests reached (1), try again later.\n\n";
        assert_eq!(refused.text, text);
        assert_eq!(refused.header("x-content-type-options"), "nosniff");
    }
    assert_eq!(post(&router, "/api/v2/alerts", r#"[{"labels":{"a":"b"}}]"#).await.status, 200);
    backend.views.add_permits(1_000);
    assert_eq!(waiting.await.expect("no panic").status, 200);
    assert_eq!(get(&router, "/api/v2/alerts").await.status, 200);
    let seen = backend.observations.lock().expect("no panic");
    assert_eq!(seen.iter().filter(|it| **it == Observation::GetRejected).count(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_takes_too_long_is_a_timeout() {
    let timeout = Some(Duration::from_millis(1500));
    let (backend, router) = setup_with(ApiSettings { timeout, ..ApiSettings::default() });
    backend.views.forget_permits(1_000);
    let late = get(&router, "/api/v2/alerts").await;
    assert_eq!((late.status, late.text.as_str()), (503, "Exceeded configured timeout of 1.5s.\n"));
    backend.views.add_permits(1_000);
    assert_eq!(get(&router, "/-/healthy").await.status, 200);
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_before_or_while_it_is_read() {
    let settings = ApiSettings { body_bytes_max: 1_000, ..ApiSettings::default() };
    let (backend, router) = setup_with(settings);
    let address = serve(&router).await;
    let too_large = |reply: String| {
        assert!(reply.starts_with("HTTP/1.1 413 "), "{reply}");
        assert!(reply.ends_with(r#"{"code":413,"message":"body is larger than 1000 bytes"}"#));
    };
    // Nothing of the body is sent: the announcement is enough.
    too_large(exchange(address, "Content-Length: 1001\r\n\r\n").await);
    let piece = format!("258\r\n{}\r\n", " ".repeat(600));
    too_large(
        exchange(address, &format!("Transfer-Encoding: chunked\r\n\r\n{piece}{piece}")).await,
    );
    let fits = format!(r#"[{{"labels":{{"a":"{}"}}}}]"#, "b".repeat(900));
    assert_eq!(post(&router, "/api/v2/alerts", fits).await.status, 200);
    assert_eq!(backend.commands.lock().expect("no panic").len(), 1);
}

#[tokio::test]
async fn a_body_of_a_hundred_mebibytes_is_refused_before_it_is_sent() {
    let (backend, router) = setup();
    let address = serve(&router).await;
    let reply = exchange(address, "Content-Length: 104857600\r\n\r\n[").await;
    assert!(reply.ends_with(r#""message":"body is larger than 67108864 bytes"}"#), "{reply}");
    assert!(backend.commands.lock().expect("no panic").is_empty());
}

#[tokio::test]
async fn a_client_that_stops_half_way_does_not_affect_others() {
    let (backend, router) = setup();
    let address = serve(&router).await;
    let begun = r#"[{"labels":{"a":"b"}},"#;
    for framing in ["Content-Length: 500\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n16\r\n"] {
        let mut client = TcpStream::connect(address).await.expect("a listener");
        let head = "POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
        client.write_all(format!("{head}{framing}{begun}").as_bytes()).await.expect("sent");
        client.shutdown().await.expect("half closed");
        // The server has seen the end when it closes its side.
        let mut reply = Vec::new();
        client.read_to_end(&mut reply).await.expect("an end");
        assert!(!reply.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&reply));
    }
    assert!(backend.commands.lock().expect("no panic").is_empty());
    assert_eq!(get(&router, "/api/v2/alerts").await.text, "[]\n");
}

/// Sends a POST whose last headers and body are given.
async fn exchange(address: SocketAddr, rest: &str) -> String {
    let head = "POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
                Content-Type: application/json\r\n";
    crate::exchange(address, &format!("{head}{rest}")).await
}
