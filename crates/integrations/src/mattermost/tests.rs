use bellwether_model::{FailureReason, Outcome, Secret};

use super::Mattermost;
use super::config::{Attachment, Config, Field, Priority, Props};
use crate::outcome::{BeginError, delivered};
use crate::tests::{
    Harness, LIST, answer, check_snapshot, ends_with_missing_count, firing, many, mixed, resolved,
};

fn config() -> Config {
    Config {
        webhook_url: Secret::new("http://mattermost.example/hooks/x"),
        channel: "ops".to_owned(),
        ..Config::default()
    }
}

fn harness(config: &Config) -> Harness {
    Harness::new(|templates| Mattermost::build(config, templates))
}

#[test]
fn requests_match_their_snapshots() {
    for (name, notification) in [("firing", firing()), ("resolved", resolved()), ("mixed", mixed())]
    {
        let said = harness(&config()).transcript(&notification, [answer(200, "ok")]);
        check_snapshot(&format!("mattermost/tests/{name}.txt"), &said);
    }
    let field =
        Field { title: "T".to_owned(), value: "{{ .Status }}".to_owned(), short: Some(true) };
    let config = Config {
        text: "{{ .Status }}".to_owned(),
        attachments: vec![
            Attachment { text: "one".to_owned(), fields: vec![field], ..Attachment::default() },
            Attachment { title: "two".to_owned(), ..Attachment::default() },
        ],
        kind: "custom_x".to_owned(),
        props: Some(Props { card: "**{{ .Receiver }}**".to_owned() }),
        priority: Some(Priority {
            priority: "Urgent".to_owned(),
            requested_ack: true,
            persistent_notifications: true,
        }),
        ..config()
    };
    let said = harness(&config).transcript(&mixed(), [answer(200, "ok")]);
    check_snapshot("mattermost/tests/attachments.txt", &said);
}

#[test]
fn invalid_priorities_are_corrected() {
    for (wanted, expected) in [
        (
            "urgent",
            r#""priority":{"priority":"urgent","requested_ack":true,"persistent_notifications":true}"#,
        ),
        ("important", r#""priority":{"priority":"important","requested_ack":true}"#),
        ("standard", r#""priority":{"priority":"standard"}"#),
        ("whatever", r#""priority":{"priority":"standard"}"#),
    ] {
        let priority = Priority {
            priority: wanted.to_owned(),
            requested_ack: true,
            persistent_notifications: true,
        };
        let config = Config { priority: Some(priority), ..config() };
        let body = harness(&config).request(&firing()).body;
        assert!(String::from_utf8_lossy(&body).contains(expected), "{wanted}");
    }
}

#[test]
fn the_answer_decides_between_success_retry_and_refusal() {
    let harness = harness(&config());
    assert_eq!(harness.outcome(answer(200, "ok")), delivered());
    assert!(matches!(harness.outcome(answer(500, "")), Outcome::Retry { .. }));
    let detail = r#"channel "ops": unexpected status code 400: bad"#.to_owned();
    let reason = FailureReason::ClientError;
    assert_eq!(harness.outcome(answer(400, "bad")), Outcome::Refused { reason, detail });
}

#[test]
fn a_url_file_that_is_empty_is_refused() {
    let config =
        Config { webhook_url: Secret::default(), webhook_url_file: "/url".to_owned(), ..config() };
    let harness = harness(&config).file("/url", "\n");
    assert_eq!(harness.begin(&firing()).0.err(), Some(BeginError::refused("webhook url missing")));
}

#[test]
fn texts_stay_within_limits_and_count_missing_alerts() {
    let text = |config: &Config| {
        let request = harness(config).request(&many(8_000));
        let body: serde_json::Value = serde_json::from_slice(&request.body).expect("JSON");
        assert!(request.body.len() < 300_000, "{}", request.body.len());
        let place = if config.attachments.is_empty() { &body["attachments"][0] } else { &body };
        place["text"].as_str().expect("a text").to_owned()
    };
    let without_attachment = text(&Config { text: LIST.to_owned(), ..config() });
    assert!(without_attachment.len() > 200_000 && ends_with_missing_count(&without_attachment));
    let attachments = vec![Attachment::default()];
    let with_attachment = text(&Config { text: LIST.to_owned(), attachments, ..config() });
    assert!(
        (16_300..=16_383).contains(&with_attachment.chars().count())
            && ends_with_missing_count(&with_attachment)
    );
}
