use std::time::Duration;

use bellwether_model::delivery::RememberedValue;
use bellwether_model::{FailureReason, Outcome, Reason, Remembered, Secret};

use super::Slack;
use super::config::{Action, Config, Confirmation, Field};
use crate::outcome::delivered;
use crate::tests::{
    Harness, LIST, answer, check_snapshot, ends_with_missing_count, firing, json_answer, many,
    mixed, resolved,
};

fn config() -> Config {
    Config {
        api_url: Secret::new("http://slack.example/services/x"),
        channel: "#alerts".to_owned(),
        ..Config::default()
    }
}

fn harness(config: &Config) -> Harness {
    Harness::new(|templates| Slack::build(config, templates))
}

#[test]
fn requests_match_their_snapshots() {
    for (name, notification) in [("firing", firing()), ("resolved", resolved()), ("mixed", mixed())]
    {
        let said = harness(&config()).transcript(&notification, [answer(200, "ok")]);
        check_snapshot(&format!("slack/tests/{name}.txt"), &said);
    }
    let confirm = Confirmation {
        text: "Sure?".to_owned(),
        title: "Hm".to_owned(),
        ..Confirmation::default()
    };
    let action = |url: &str, confirm| Action {
        kind: "button".to_owned(),
        text: "Go".to_owned(),
        url: url.to_owned(),
        name: "n".to_owned(),
        confirm,
        ..Action::default()
    };
    let field = |short| Field { title: "T".to_owned(), value: "{{ .Status }}".to_owned(), short };
    let config = Config {
        title: "x".repeat(1030),
        message_text: "{{ len .Alerts }} alerts".to_owned(),
        fields: vec![field(None), field(Some(true))],
        actions: vec![action("http://x/", None), action("", Some(confirm))],
        link_names: true,
        mrkdwn_in: vec!["text".to_owned()],
        image_url: "http://x/i".to_owned(),
        timeout: Duration::from_secs(3),
        ..config()
    };
    let said = harness(&config).transcript(&mixed(), [answer(200, "ok")]);
    check_snapshot("slack/tests/full.txt", &said);
}

#[test]
fn a_remembered_message_is_edited_in_place() {
    let config = Config { update_message: true, ..config() };
    let harness = harness(&config);
    let answered = r#"{"ok":true,"ts":"17.5","channel":"C1"}"#;
    let Outcome::Delivered { remember } = harness.outcome(json_answer(200, answered)) else {
        panic!("it was accepted");
    };
    let text = |text: &str| RememberedValue::Text(text.to_owned());
    let place = [("threadTs".to_owned(), text("17.5")), ("channelId".to_owned(), text("C1"))];
    assert_eq!(remember, Remembered(place.into()));

    let mut later = resolved();
    (later.reason, later.remembered) = (Reason::AllAlertsResolved, remember);
    let said = harness.transcript(&later, [json_answer(200, answered)]);
    check_snapshot("slack/tests/update.txt", &said);
    later.reason = Reason::FirstNotification;
    assert_eq!(harness.request(&later).url.reveal(), "http://slack.example/services/x");
}

#[test]
fn the_answer_decides_between_success_retry_and_refusal() {
    let harness = harness(&config());
    assert_eq!(harness.outcome(answer(200, "ok")), delivered());
    assert_eq!(
        harness.outcome(json_answer(200, r#"{"ok":true,"ts":"1","channel":"C"}"#)),
        delivered()
    );
    let reason = FailureReason::ClientError;
    let refused = |reason, detail: &str| Outcome::Refused {
        reason,
        detail: format!(r##"channel "#alerts": {detail}"##),
    };
    assert_eq!(
        harness.outcome(json_answer(200, r#"{"ok":false,"error":"channel_not_found"}"#)),
        refused(reason, "error response from Slack: channel_not_found")
    );
    assert_eq!(
        harness.outcome(answer(200, "no_text")),
        refused(reason, "received an error response from Slack: no_text")
    );
    assert_eq!(
        harness.outcome(answer(404, "no_team")),
        refused(reason, "unexpected status code 404: no_team")
    );
    assert!(
        matches!(harness.outcome(json_answer(200, "<")), Outcome::Retry { reason: found, .. } if found == reason)
    );
    assert!(matches!(harness.outcome(answer(503, "")), Outcome::Retry { .. }));
}

#[test]
fn a_template_that_fails_loses_only_its_own_text() {
    let config = Config { title: "{{ .Nope }}".to_owned(), ..config() };
    let (begun, faults) = harness(&config).begin(&firing());
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!(faults[0].field, "title");
    let crate::exchange::Step::Send(request) = begun.expect("it begins").begin() else {
        panic!("something is sent");
    };
    let body: serde_json::Value = serde_json::from_slice(&request.body).expect("JSON");
    let title = body["attachments"][0]["title"].as_str().expect("a title");
    assert!(title.contains("the template of title failed"), "{title}");
    assert_eq!(body["username"], "Alertmanager");
}

#[test]
fn texts_stay_within_limits_and_count_missing_alerts() {
    let field = |value: &str| Field { title: "T".to_owned(), value: value.to_owned(), short: None };
    let config = Config {
        text: LIST.to_owned(),
        pretext: "ü".repeat(8_000),
        message_text: "ü".repeat(40_001),
        fields: vec![field(LIST)],
        ..config()
    };
    let request = harness(&config).request(&many(1_000));
    let body: serde_json::Value = serde_json::from_slice(&request.body).expect("JSON");
    let message = body["text"].as_str().expect("a text");
    assert!(message.chars().count() == 40_000 && message.ends_with('…'));
    let attachment = &body["attachments"][0];
    assert!(attachment["pretext"] == "ü".repeat(8_000));
    for listed in [&attachment["text"], &attachment["fields"][0]["value"]] {
        let listed = listed.as_str().expect("a text");
        assert!((7_900..=8_000).contains(&listed.chars().count()));
        assert!(ends_with_missing_count(listed), "{listed}");
    }
}
