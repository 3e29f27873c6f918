//! The limits of the API: number, time and size.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use bellwether_api::{ApiSettings, Observation};
use bytes::Bytes;
use http::Request;
use http_body_util::channel::Channel;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{get, post, send, serve, setup, setup_with};

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

#[tokio::test]
async fn bodies_are_charged_for_what_came_and_not_for_what_they_announce() {
    let (_, router) = setup();
    let address = serve(&router).await;
    let mut begun = Vec::new();
    for number in 0..40 {
        let framing = match number % 2 {
            0 => "Content-Length: 67108864\r\n\r\n[",
            _ => "Transfer-Encoding: chunked\r\n\r\n1\r\n[\r\n",
        };
        let mut client = TcpStream::connect(address).await.expect("a listener");
        let head = "POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
        client.write_all(format!("{head}{framing}").as_bytes()).await.expect("sent");
        begun.push(client);
    }
    let good = post(&router, "/api/v2/alerts", r#"[{"labels":{"a":"b"}}]"#);
    let good = tokio::time::timeout(Duration::from_secs(10), good).await.expect("room for it");
    assert_eq!(good.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_body_without_progress_ends_and_one_that_is_slow_does_not() {
    let (backend, router) = setup();
    let (mut slow, body) = Channel::<Bytes>::new(1);
    let answer = tokio::spawn({
        let router = router.clone();
        async move { post(&router, "/api/v2/alerts", Body::new(body)).await }
    });
    for piece in [r#"[{"labels":"#, r#"{"a":"#, r#""b"}}"#, "]"] {
        tokio::time::sleep(Duration::from_secs(29)).await;
        slow.send_data(Bytes::from(piece)).await.expect("it is read");
    }
    drop(slow);
    assert_eq!(answer.await.expect("no panic").status, 200);

    for method in ["POST", "GET", "DELETE"] {
        let (mut stalled, body) = Channel::<Bytes>::new(1);
        stalled.send_data(Bytes::from("[")).await.expect("room for one");
        let path = match method {
            "DELETE" => "/api/v2/silence/0e9a7a1c-5b1b-4ad3-8f0f-0d0d0d0d0d0d",
            _ => "/api/v2/alerts",
        };
        let request = Request::builder().method(method).uri(path);
        let request = request.header("content-type", "application/json");
        let begun = tokio::time::Instant::now();
        let answer = send(&router, request.body(Body::new(body)).expect("a fixed request")).await;
        assert_eq!(answer.status, 408, "{method}");
        assert_eq!(answer.text, r#"{"code":408,"message":"nothing of the body came for 30 s"}"#);
        assert_eq!(begun.elapsed().as_secs(), 30, "{method}");
    }
    let seen = backend.observations.lock().expect("no panic");
    let abandoned = Observation::BodyAbandoned { reason: "no_progress" };
    assert_eq!(seen.iter().filter(|it| **it == abandoned).count(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_also_ends_the_reading_of_the_body() {
    let timeout = Some(Duration::from_secs(2));
    let (backend, router) = setup_with(ApiSettings { timeout, ..ApiSettings::default() });
    let (mut stalled, body) = Channel::<Bytes>::new(1);
    stalled.send_data(Bytes::from("[")).await.expect("room for one");
    let late = post(&router, "/api/v2/alerts", Body::new(body)).await;
    assert_eq!((late.status, late.text.as_str()), (503, "Exceeded configured timeout of 2s.\n"));
    // What read the body has let go of it.
    while stalled.send_data(Bytes::from(" ")).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let seen = backend.observations.lock().expect("no panic");
    assert!(seen.contains(&Observation::BodyAbandoned { reason: "timeout" }));
}

#[tokio::test]
async fn a_body_that_nobody_asks_for_must_claim_to_be_json_and_is_not_kept() {
    let (_, router) = setup();
    let with_body = async |content_type: &str, body: Body| {
        let request = Request::get("/api/v2/alerts").header("content-type", content_type);
        send(&router, request.body(body).expect("a fixed request")).await
    };
    assert_eq!(with_body("text/plain", Body::from("x")).await.status, 415);
    assert_eq!(with_body("application/json", Body::from("{no JSON")).await.status, 200);
    let long = Body::from(vec![b' '; 100 << 20]);
    assert_eq!(with_body("application/json", long).await.status, 200);
    // A length is not needed, and nothing is waited for.
    let address = serve(&router).await;
    let head = "GET /api/v2/alerts HTTP/1.1\r\nHost: x\r\nContent-Length: 67108864\r\n\r\n";
    let reply = crate::exchange(address, head).await;
    assert!(reply.starts_with("HTTP/1.1 415 "), "{reply}");
}

/// Sends a POST whose last headers and body are given.
async fn exchange(address: SocketAddr, rest: &str) -> String {
    let head = "POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
                Content-Type: application/json\r\n";
    crate::exchange(address, &format!("{head}{rest}")).await
}
