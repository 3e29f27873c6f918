//! Tests of receivers, over HTTP.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use bellwether_api::{ApiSettings, Observation};
use http::Request;

use crate::backend::TestBackend;
use crate::{exchange, get, post, send, serve, setup, setup_with};

const PATH: &str = "/api/bellwether/v1/receivers/test";
const TEAM: &str = r#"{"receiver":"team"}"#;

fn allowed() -> (Arc<TestBackend>, Router) {
    setup_with(ApiSettings { receiver_test: true, ..ApiSettings::default() })
}

#[tokio::test]
async fn a_disabled_test_is_rejected_with_the_name_of_the_flag() {
    let (backend, router) = setup();
    let refused = post(&router, PATH, TEAM).await;
    assert_eq!(refused.status, 404);
    assert!(refused.text.contains("--web.enable-receiver-test"), "{}", refused.text);
    assert!(backend.commands.lock().expect("no panic").is_empty());
}

#[tokio::test]
async fn a_test_is_passed_to_the_backend_and_answered() {
    let (backend, router) = allowed();
    let answer = post(&router, PATH, r#"{"receiver":"team","dryRun":true}"#).await;
    let text = "{\"integrations\":[{\"integration\":\"webhook[0]\",\"result\":\"skipped\",\
                \"templateFaults\":[]}],\"ok\":true}\n";
    assert_eq!((answer.status, answer.text.as_str()), (200, text));
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("content-type"), "application/json");
    let asked = backend.commands.lock().expect("no panic").join("");
    assert!(asked.contains("receiver: \"team\"") && asked.contains("dry_run: true"), "{asked}");
    let seen = backend.observations.lock().expect("no panic");
    let is_counted = |one: &Observation| match one {
        Observation::Request { handler, method, code, .. } => {
            (handler.as_str(), *method, *code) == (PATH, "post", 200)
        }
        _ => false,
    };
    assert!(seen.iter().any(is_counted), "{seen:?}");
}

#[tokio::test]
async fn an_invalid_request_is_rejected_and_nothing_is_tested() {
    let (backend, router) = allowed();
    let no_receiver = post(&router, PATH, "{}").await;
    let text = r#"{"code":400,"message":"receiver: missing"}"#;
    assert_eq!((no_receiver.status, no_receiver.text.as_str()), (400, text));
    let as_text = Request::post(PATH).header("content-type", "text/plain");
    let as_text = send(&router, as_text.body(TEAM.into()).expect("a fixed request")).await;
    assert_eq!(as_text.status, 415, "no browser may send it for another site");
    let large = format!(r#"{{"receiver":"{}"}}"#, "x".repeat(64 * 1024));
    let large = post(&router, PATH, large).await;
    assert_eq!(large.status, 413);
    assert!(large.text.contains("larger than 65536 bytes"), "{}", large.text);
    assert_eq!(get(&router, PATH).await.status, 405);
    let preflight = Request::options(PATH).header("origin", "http://other.example");
    let preflight = preflight.header("access-control-request-method", "POST");
    let preflight = preflight.body(Body::empty()).expect("a fixed request");
    assert_eq!(send(&router, preflight).await.header("access-control-allow-origin"), "");
    assert!(backend.commands.lock().expect("no panic").is_empty());

    let unknown = post(&router, PATH, r#"{"receiver":"unknown"}"#).await;
    let text = r#"{"code":400,"message":"unknown receiver \"unknown\""}"#;
    assert_eq!((unknown.status, unknown.text.as_str()), (400, text));
}

#[tokio::test]
async fn only_one_test_runs_at_a_time_even_if_its_client_goes_away() {
    let (backend, router) = allowed();
    backend.tests.forget_permits(1_000);
    let first = tokio::spawn({
        let router = router.clone();
        async move { post(&router, PATH, TEAM).await }
    });
    while backend.commands.lock().expect("no panic").is_empty() {
        tokio::task::yield_now().await;
    }
    first.abort();
    assert!(first.await.is_err(), "the client is gone");
    let busy = post(&router, PATH, TEAM).await;
    assert_eq!(busy.status, 429);
    assert!(busy.text.contains("another receiver is being tested"), "{}", busy.text);
    backend.tests.add_permits(1_000);
    while post(&router, PATH, TEAM).await.status == 429 {
        tokio::task::yield_now().await;
    }
    assert_eq!(post(&router, PATH, TEAM).await.status, 200);
}

#[tokio::test]
async fn a_body_is_refused_by_its_content_length() {
    let (_, router) = allowed();
    let address = serve(&router).await;
    let head = format!("POST {PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
    let rest = "Content-Type: application/json\r\nContent-Length: 65537\r\n\r\n";
    let reply = exchange(address, &format!("{head}{rest}")).await;
    assert!(reply.starts_with("HTTP/1.1 413 "), "{reply}");
}
