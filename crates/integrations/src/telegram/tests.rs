use std::time::Duration;

use bellwether_model::{FailureReason, Outcome, Secret};

use super::Telegram;
use super::config::Config;
use crate::outcome::delivered;
use crate::tests::{Harness, check_snapshot, firing, json_answer, many, mixed, resolved};

fn config() -> Config {
    Config {
        api_url: "http://telegram.example".to_owned(),
        bot_token: Secret::new("1:token"),
        chat_id: -42,
        ..Config::default()
    }
}

fn harness(config: &Config) -> Harness {
    Harness::new(|templates| Telegram::build(config, templates))
}

const OK: &str = r#"{"ok":true,"result":{"message_id":1,"chat":{"id":-42}}}"#;

#[test]
fn requests_match_their_snapshots() {
    for (name, notification) in [("firing", firing()), ("resolved", resolved()), ("mixed", mixed())]
    {
        let said = harness(&config()).transcript(&notification, [json_answer(200, OK)]);
        check_snapshot(&format!("telegram/tests/{name}.txt"), &said);
    }
    let config = Config {
        bot_token: Secret::default(),
        bot_token_file: "/token".to_owned(),
        chat_id: 0,
        chat_id_file: "/chat".to_owned(),
        message_thread_id: 7,
        disable_notifications: true,
        parse_mode: String::new(),
        ..config()
    };
    let harness = harness(&config).file("/token", "2:other\n").file("/chat", " -7\n");
    let said = harness.transcript(&mixed(), [json_answer(200, OK)]);
    check_snapshot("telegram/tests/files.txt", &said);
}

#[test]
fn every_error_is_retried() {
    let harness = harness(&config());
    assert_eq!(harness.outcome(json_answer(200, OK)), delivered());
    let retry = |after: Option<u64>, reason, detail: &str| Outcome::Retry {
        after: after.map(Duration::from_secs),
        reason,
        detail: detail.to_owned(),
    };
    for (status, body, expected) in [
        (
            400,
            r#"{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}"#,
            retry(None, FailureReason::ClientError, "telegram: Bad Request: chat not found (400)"),
        ),
        (
            429,
            r#"{"ok":false,"error_code":429,"description":"Too Many Requests","parameters":{"retry_after":9}}"#,
            retry(Some(9), FailureReason::RateLimited, "telegram: Too Many Requests (429)"),
        ),
        (
            200,
            r#"{"ok":false}"#,
            retry(None, FailureReason::Other, "telegram: no description (200)"),
        ),
        (502, "<html>", retry(None, FailureReason::ServerError, "telegram: no description (502)")),
    ] {
        assert_eq!(harness.outcome(json_answer(status, body)), expected);
    }
}

#[test]
fn message_too_long_lists_fewer_alerts() {
    let request = harness(&config()).request(&many(100));
    let body: serde_json::Value = serde_json::from_slice(&request.body).expect("JSON");
    let text = body["text"].as_str().expect("a text");
    assert!(text.chars().count() <= 4096);
    assert!(text.ends_with("more alerts did not fit"), "{text}");
}
