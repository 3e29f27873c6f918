//! The pages outside the API, and the headers that all responses have.

use std::io::Read;
use std::sync::atomic::Ordering;

use axum::body::Body;
use bellwether_api::Observation;
use http::Request;

use crate::{get, post, send, setup};

#[tokio::test]
async fn readiness_names_what_is_missing() {
    let (backend, router) = setup();
    assert_eq!((200, "OK"), status_and_text(&get(&router, "/-/ready").await));
    let verbose = get(&router, "/-/ready?verbose").await;
    assert_eq!((200, "OK\n[+] state\n[+] journal\n"), status_and_text(&verbose));
    backend.broken.store(true, Ordering::Relaxed);
    let missing = get(&router, "/-/ready").await;
    assert_eq!((503, "not ready\n[-] journal: cannot be written\n"), status_and_text(&missing));
    let verbose = get(&router, "/-/ready?verbose").await;
    let expected = (503, "not ready\n[+] state\n[-] journal: cannot be written\n");
    assert_eq!(expected, status_and_text(&verbose));
    assert_eq!((200, "OK"), status_and_text(&get(&router, "/-/healthy").await));
    let head = Request::head("/-/ready").body(Body::empty()).expect("a fixed request");
    assert_eq!(send(&router, head).await.status, 503);
}

#[tokio::test]
async fn changes_that_must_be_durable_and_are_not_are_refused() {
    let (backend, router) = setup();
    backend.broken.store(true, Ordering::Relaxed);
    let refusal = "\"the journal cannot be written, so the change would not survive a restart\"\n";
    let alerts = post(&router, "/api/v2/alerts", r#"[{"labels":{"a":"b"}}]"#).await;
    assert_eq!((503, refusal), status_and_text(&alerts));
    let body = r#"{"matchers":[{"name":"a","value":"b","isRegex":false}],"comment":"",
        "createdBy":"","startsAt":"2026-01-01T00:00:00Z","endsAt":"2027-01-01T00:00:00Z"}"#;
    let silence = post(&router, "/api/v2/silences", body).await;
    assert_eq!((503, refusal), status_and_text(&silence));
    let id = "/api/v2/silence/00000000-0000-4000-8000-000000000000";
    let delete = Request::delete(id).body(Body::empty()).expect("a fixed request");
    assert_eq!((503, refusal), status_and_text(&send(&router, delete).await));
}

#[tokio::test]
async fn changes_that_are_taken_and_not_durable_are_answered_so() {
    let (backend, router) = setup();
    let alerts = r#"[{"labels":{"a":"b"}}]"#;
    let silence = r#"{"matchers":[{"name":"a","value":"b","isRegex":false}],"comment":"",
        "createdBy":"","startsAt":"2026-01-01T00:00:00Z","endsAt":"2027-01-01T00:00:00Z"}"#;
    for (unsaved, header) in [(false, ""), (true, "0/1")] {
        backend.unsaved.store(unsaved, Ordering::Relaxed);
        let posted = post(&router, "/api/v2/alerts", alerts).await;
        assert_eq!((200, header), (posted.status, posted.header("x-bellwether-saved")));
        let posted = post(&router, "/api/v2/silences", silence).await;
        assert_eq!((200, header), (posted.status, posted.header("x-bellwether-saved")));
        let id = posted.text.split('"').nth(3).expect("the answer has an id").to_owned();
        let delete = Request::delete(format!("/api/v2/silence/{id}")).body(Body::empty());
        let expired = send(&router, delete.expect("a fixed request")).await;
        assert_eq!((200, header), (expired.status, expired.header("x-bellwether-saved")));
    }
}

#[tokio::test]
async fn a_failed_reload_gives_the_reason() {
    let (backend, router) = setup();
    assert_eq!((200, ""), status_and_text(&post(&router, "/-/reload", "").await));
    backend.broken.store(true, Ordering::Relaxed);
    let failed = post(&router, "/-/reload", "").await;
    assert_eq!((500, "failed to reload config: no such file\n"), status_and_text(&failed));
    assert_eq!(failed.header("content-type"), "text/plain; charset=utf-8");
}

#[tokio::test]
async fn metrics_are_compressed_and_in_the_requested_format() {
    let (_house, router) = setup();
    let plain = get(&router, "/metrics").await;
    assert_eq!((200, "up 1\n"), status_and_text(&plain));
    assert_eq!(plain.header("content-type"), "text/plain");
    let request = Request::get("/metrics")
        .header("accept", "application/openmetrics-text;version=1.0.0")
        .header("accept-encoding", "deflate, gzip;q=0.5");
    let request = request.body(Body::empty()).expect("a fixed request");
    let response = tower::ServiceExt::oneshot(router, request).await.expect("infallible");
    assert_eq!(response.headers()["content-encoding"], "gzip");
    assert_eq!(response.headers()["content-type"], "application/openmetrics-text");
    let packed = axum::body::to_bytes(response.into_body(), 1024).await.expect("in memory");
    let mut text = String::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut text).expect("gzip");
    assert_eq!(text, "up 1\n");
}

#[tokio::test]
async fn the_index_page_links_to_everything_and_has_no_scripts() {
    let (_house, router) = setup();
    let page = get(&router, "/").await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    assert_eq!(page.header("cache-control"), "no-cache, no-store, must-revalidate");
    for link in ["api/v2/alerts", "api/v2/silences", "api/v2/status", "metrics", "-/ready"] {
        assert!(page.text.contains(&format!("href=\"{link}")), "no link to {link}");
    }
    assert!(!page.text.contains("href=\"/"), "links must hold under any prefix");
}

#[tokio::test]
async fn requests_are_observed_under_the_labels_of_upstream() {
    let (backend, router) = setup();
    get(&router, "/api/v2/silence/x").await;
    get(&router, "/api/v2/made-up").await;
    get(&router, "/-/healthy").await;
    get(&router, "/nowhere").await;
    let seen = backend.observations.lock().expect("no panic").clone();
    let requests: Vec<(String, &str, u16, Option<u64>)> = seen
        .iter()
        .filter_map(|observation| match observation {
            Observation::Request { handler, method, code, response_bytes, .. } => {
                Some((handler.clone(), *method, *code, *response_bytes))
            }
            _ => None,
        })
        .collect();
    assert_eq!(
        requests,
        [
            ("/api/v2/silence/{silenceID}".to_string(), "get", 422, None),
            ("/api/v2/{unknown}".to_string(), "get", 404, None),
            ("/-/healthy".to_string(), "get", 200, Some(2)),
        ]
    );
    let begun = seen.iter().filter(|it| **it == Observation::GetStarted).count();
    let ended = seen.iter().filter(|it| **it == Observation::GetFinished).count();
    assert_eq!((begun, ended), (4, 4));
}

#[tokio::test]
async fn an_ambiguous_matcher_is_reported() {
    let (backend, router) = setup();
    assert_eq!(get(&router, "/api/v2/alerts?filter=a%3D").await.status, 200);
    let seen = backend.observations.lock().expect("no panic");
    let warned = seen.iter().any(|it| matches!(it, Observation::MatcherWarning(_)));
    assert!(warned, "{seen:?}");
}

fn status_and_text(reply: &crate::Reply) -> (u16, &str) {
    (reply.status, &reply.text)
}
