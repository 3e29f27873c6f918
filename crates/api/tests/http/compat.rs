//! Hundreds of requests and what upstream answered to them.
//!
//! Each line of `upstream.jsonl` is a request of ours, sent to Alertmanager 0.35.0 in this order,
//! and the answer that is expected here. Where ours differs on purpose, `upstream` has the
//! original. `prefix` and `origins` are the values of `--web.route-prefix` and `--web.cors.origin`.
//! Ids are written as `UUID`, times of the day of the recording as `NOW`.
//!
//! To renew it, send the lines to the Go program with the routes of `backend.rs`, one process for each
//! pair of these flags. It lists allowed methods in random order: here they are as in `paths.rs`.

use std::collections::BTreeMap;

use axum::body::Body;
use http::Request;
use serde_json::Value;

use crate::{Reply, send, setup, setup_with};
use bellwether_api::{ApiSettings, CrossOrigin};

#[tokio::test]
async fn answers_equal_the_recorded_ones() {
    let (_house, at_root) = setup();
    let (_house, below) =
        setup_with(ApiSettings { route_prefix: "/am".into(), ..ApiSettings::default() });
    let (_house, with_origins) = setup_with(ApiSettings {
        cross_origin: CrossOrigin::parse(ORIGINS).expect("a fixed pattern"),
        ..ApiSettings::default()
    });
    let mut count = 0;
    for (number, line) in include_str!("upstream.jsonl").lines().enumerate() {
        let case: Value = serde_json::from_str(line).expect("a line of JSON");
        let router = match (case["prefix"].as_str(), case["origins"].as_str()) {
            (None, None) => &at_root,
            (Some("/am"), None) => &below,
            (None, Some(ORIGINS)) => &with_origins,
            other => panic!("line {}: no server has {other:?}", number + 1),
        };
        let mut reply = send(router, request(&case)).await;
        reply.text = normal(&reply.text);
        reply.headers.remove("content-length");
        if case["method"] == "HEAD" {
            // The HTTP server removes the body.
            reply.text.clear();
        }
        let headers = case["answer"].as_object().expect("headers").iter();
        let expected = Reply {
            status: case["status"].as_u64().expect("a status") as u16,
            headers: headers
                .map(|(name, value)| (name.clone(), value.as_str().expect("text").to_string()))
                .collect::<BTreeMap<_, _>>(),
            text: case["text"].as_str().expect("a text").to_string(),
        };
        assert_eq!(reply, expected, "line {}: {} {}", number + 1, case["method"], case["path"]);
        count += 1;
    }
    assert!(count > 400, "the recording is there");
}

const ORIGINS: &str = r"https?://(o|a\.example)";

fn request(case: &Value) -> Request<Body> {
    let text = |name: &str| case[name].as_str().unwrap_or_default();
    let mut request = Request::builder().method(text("method")).uri(text("path"));
    for (name, value) in case["headers"].as_object().into_iter().flatten() {
        request = request.header(name, value.as_str().expect("text"));
    }
    // Each character represents one byte.
    let bytes: Vec<u8> = text("body").chars().map(|c| u32::from(c) as u8).collect();
    request.body(Body::from(bytes)).expect("a recorded request")
}

/// Puts placeholders for what differs from run to run.
fn normal(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if rest.get(..36).is_some_and(is_uuid) {
            out.push_str("UUID");
            rest = &rest[36..];
        } else if rest.starts_with("2026-11-22T") && rest.get(23..24) == Some("Z") {
            out.push_str("NOW");
            rest = &rest[24..];
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    out
}

fn is_uuid(text: &str) -> bool {
    text.char_indices().all(|(at, c)| match at {
        8 | 13 | 18 | 23 => c == '-',
        14 => c == '4',
        _ => c.is_ascii_hexdigit(),
    })
}

#[tokio::test]
async fn a_filter_may_be_sent_unescaped() {
    let (_house, router) = setup();
    crate::post(&router, "/api/v2/alerts", r#"[{"labels":{"a":"<é>"}}]"#).await;
    let address = crate::serve(&router).await;
    for filter in ["a=\"<é>\"", "a=~\".{3}|^x\""] {
        let head = format!("GET /api/v2/alerts?filter={filter} HTTP/1.1\r\nHost: x\r\n");
        let reply = crate::exchange(address, &format!("{head}Connection: close\r\n\r\n")).await;
        assert!(reply.starts_with("HTTP/1.1 200 "), "{filter}: {reply}");
        assert!(reply.contains(r#""labels":{"a":"\u003cé\u003e"}"#), "{filter}: {reply}");
    }
}
