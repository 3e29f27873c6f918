use bellwether_model::{FailureReason, Outcome, Secret};

use super::RocketChat;
use super::config::{Action, Config, Field};
use crate::outcome::delivered;
use crate::tests::{
    Harness, LIST, answer, check_snapshot, ends_with_missing_count, firing, json_answer, many,
    mixed, resolved,
};

fn config() -> Config {
    Config {
        api_url: "http://chat.example/".to_owned(),
        token_id: Some(Secret::new("user")),
        token: Some(Secret::new("token")),
        channel: "#{{ .CommonLabels.severity }}".to_owned(),
        ..Config::default()
    }
}

fn harness(config: &Config) -> Harness {
    Harness::new(|templates| RocketChat::build(config, templates))
}

const OK: &str = r#"{"success":true}"#;

#[test]
fn requests_match_their_snapshots() {
    for (name, notification) in [("firing", firing()), ("resolved", resolved())] {
        let said = harness(&config()).transcript(&notification, [json_answer(200, OK)]);
        check_snapshot(&format!("rocketchat/tests/{name}.txt"), &said);
    }
    let field = |short| Field { short, title: "T".to_owned(), value: "{{ .Status }}".to_owned() };
    let action = Action {
        kind: "other".to_owned(),
        text: "Go".to_owned(),
        url: "http://x/?{{ .Status }}".to_owned(),
        msg: "hi".to_owned(),
        ..Action::default()
    };
    let config = Config {
        token: None,
        token_file: "/token".to_owned(),
        title: "x".repeat(1030),
        fields: vec![field(None), field(Some(false))],
        short_fields: true,
        actions: vec![action],
        image_url: "http://x/i".to_owned(),
        thumb_url: "http://x/t".to_owned(),
        message_text: "hi {{ .Status }}".to_owned(),
        ..config()
    };
    let harness = harness(&config).file("/token", "fresh\n");
    check_snapshot(
        "rocketchat/tests/full.txt",
        &harness.transcript(&mixed(), [json_answer(200, OK)]),
    );
}

#[test]
fn the_answer_decides_between_success_retry_and_refusal() {
    let harness = harness(&config());
    assert_eq!(harness.outcome(json_answer(200, OK)), delivered());
    let reason = FailureReason::ClientError;
    let detail = r##"channel "#critical": error response from Rocketchat: no channel"##.to_owned();
    assert_eq!(
        harness.outcome(json_answer(200, r#"{"success":false,"error":"no channel"}"#)),
        Outcome::Refused { reason, detail }
    );
    assert!(matches!(harness.outcome(answer(200, "<html>")), Outcome::Retry { .. }));
    assert!(matches!(harness.outcome(answer(502, "")), Outcome::Retry { .. }));
    let detail = r##"channel "#critical": unexpected status code 401: no"##.to_owned();
    assert_eq!(
        harness.outcome(answer(401, "no")),
        Outcome::Refused { reason: FailureReason::AuthError, detail }
    );
}

#[test]
fn texts_stay_within_limits_and_count_missing_alerts() {
    let field = Field { short: None, title: "T".to_owned(), value: "🐑".repeat(2_500) };
    let msg = "🐑".repeat(2_501);
    let action = Action { text: "Go".to_owned(), msg, ..Action::default() };
    let text = LIST.to_owned();
    let config = Config { text, fields: vec![field], actions: vec![action], ..config() };
    let request = harness(&config).request(&many(1_000));
    let body: serde_json::Value = serde_json::from_slice(&request.body).expect("JSON");
    let attachment = &body["attachments"][0];
    let listed = attachment["text"].as_str().expect("a text");
    assert!((4_900..=5_000).contains(&listed.encode_utf16().count()));
    assert!(ends_with_missing_count(listed), "{listed}");
    assert!(attachment["fields"][0]["value"] == "🐑".repeat(2_500));
    assert!(attachment["actions"][0]["msg"] == format!("{}…", "🐑".repeat(2_499)));
}
