use std::time::Duration;

use bellwether_model::delivery::RememberedValue;
use bellwether_model::{FailureReason, Outcome, Reason, Remembered, Secret};
use serde_json::Value;

use super::Slack;
use super::config::{Action, Config, Confirmation, Field};
use crate::exchange::Step;
use crate::http::{RequestError, Response};
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
    assert_eq!(remember, place("17.5", "C1"));

    let mut later = resolved();
    (later.reason, later.remembered) = (Reason::AllAlertsResolved, remember);
    let said = harness.transcript(&later, [json_answer(200, answered)]);
    check_snapshot("slack/tests/update.txt", &said);
    later.reason = Reason::FirstNotification;
    assert_eq!(harness.request(&later).url.reveal(), "http://slack.example/services/x");
}

/// An attempt after a first message, answered by `answers`: the URLs of its requests, their bodies, and
/// the outcome.
fn later(
    config: Config,
    answers: impl IntoIterator<Item = Result<Response, RequestError>>,
) -> (Vec<String>, Vec<Value>, Outcome) {
    let mut later = resolved();
    later.reason = Reason::AllAlertsResolved;
    later.remembered = place("17.5", "C1");
    let mut exchange = harness(&config).begin(&later).0.expect("it begins");
    let (mut urls, mut bodies) = (Vec::new(), Vec::new());
    let mut step = exchange.begin();
    for answer in answers {
        let Step::Send(request) = step else { panic!("no request: {step:?}") };
        urls.push(request.url.reveal().to_owned());
        bodies.push(serde_json::from_slice(&request.body).expect("JSON"));
        step = exchange.receive(answer);
    }
    let Step::Done(outcome) = step else { panic!("another request: {step:?}") };
    (urls, bodies, outcome)
}

/// An attempt that updates a message.
fn update(
    answers: impl IntoIterator<Item = Result<Response, RequestError>>,
) -> (Vec<String>, Value, Outcome) {
    let config = Config { update_message: true, ..config() };
    let (urls, mut bodies, outcome) = later(config, answers);
    (urls, bodies.pop().expect("a request"), outcome)
}

const ACCEPTED: &str = r#"{"ok":true,"ts":"99","channel":"C9"}"#;

#[test]
fn later_messages_are_posted_to_the_thread_of_the_first() {
    let config = Config { post_updates_to_thread: true, ..config() };
    let mut first = firing();
    first.reason = Reason::FirstNotification;
    // An earlier incident's message is no longer meant.
    first.remembered = place("11.0", "C0");
    let posted = json_answer(200, r#"{"ok":true,"ts":"17.5","channel":"C1"}"#);
    let said = harness(&config).transcript(&first, [posted]);
    let mut then = resolved();
    (then.reason, then.remembered) = (Reason::AllAlertsResolved, place("17.5", "C1"));
    let said = said + &harness(&config).transcript(&then, [json_answer(200, ACCEPTED)]);
    check_snapshot("slack/tests/thread.txt", &said);
}

#[test]
fn with_both_options_the_message_is_updated_and_then_answered_in_its_thread() {
    let both = || Config { update_message: true, post_updates_to_thread: true, ..config() };
    let accepted = || json_answer(200, ACCEPTED);
    let (urls, bodies, outcome) = later(both(), [accepted(), accepted()]);
    assert_eq!(urls, [UPDATE_URL, POST_URL]);
    let place_of = |body: &Value| ["channel", "ts", "thread_ts"].map(|name| body[name].clone());
    assert_eq!(place_of(&bodies[0]), ["C1".into(), "17.5".into(), Value::Null]);
    assert_eq!(place_of(&bodies[1]), ["C1".into(), Value::Null, "17.5".into()]);
    assert_eq!(outcome, Outcome::Delivered { remember: place("17.5", "C1") });
    // A retry begins again, with the update.
    let (urls, _, outcome) = later(both(), [answer(500, "")]);
    assert!(urls == [UPDATE_URL] && matches!(outcome, Outcome::Retry { .. }));
    let (urls, _, outcome) = later(both(), [accepted(), answer(500, "")]);
    assert!(urls == [UPDATE_URL, POST_URL] && matches!(outcome, Outcome::Retry { .. }));
}

#[test]
fn where_slack_refuses_the_update_or_the_reply_one_new_message_is_posted() {
    let refused = || json_answer(200, r#"{"ok":false,"error":"message_not_found"}"#);
    let posted = || json_answer(200, r#"{"ok":true,"ts":"18.1","channel":"C2"}"#);
    let both = || Config { update_message: true, post_updates_to_thread: true, ..config() };
    let thread = || Config { post_updates_to_thread: true, ..config() };
    for (config, answers, urls_expected) in [
        (both(), vec![refused(), posted()], vec![UPDATE_URL, POST_URL]),
        (
            both(),
            vec![json_answer(200, ACCEPTED), refused(), posted()],
            vec![UPDATE_URL, POST_URL, POST_URL],
        ),
        (thread(), vec![refused(), posted()], vec![POST_URL, POST_URL]),
    ] {
        let (urls, bodies, outcome) = later(config, answers);
        assert_eq!(urls, urls_expected);
        let last = bodies.last().expect("a request");
        assert_eq!((&last["channel"], &last["thread_ts"]), (&"#alerts".into(), &Value::Null));
        assert_eq!(outcome, Outcome::Delivered { remember: place("18.1", "C2") });
    }
}

#[test]
fn what_slack_answers_to_a_message_without_a_place_is_not_remembered() {
    for answered in [
        r#"{"ok":true,"ts":"","channel":"C1"}"#,
        r#"{"ok":true,"ts":"17.5"}"#,
        r#"{"ok":true,"ts":17.5,"channel":"C1"}"#,
    ] {
        let config = Config { post_updates_to_thread: true, ..config() };
        assert_eq!(harness(&config).outcome(json_answer(200, answered)), delivered());
    }
}

fn place(timestamp: &str, channel: &str) -> Remembered {
    let text = |text: &str| RememberedValue::Text(text.to_owned());
    let place = [("threadTs".to_owned(), text(timestamp)), ("channelId".to_owned(), text(channel))];
    Remembered(place.into())
}

const POST_URL: &str = "http://slack.example/services/x";
const UPDATE_URL: &str = "https://slack.com/api/chat.update";

#[test]
fn a_message_that_cannot_be_updated_is_posted_anew_and_the_new_one_remembered() {
    for error in [
        "message_not_found",
        "edit_window_closed",
        "cant_update_message",
        "channel_not_found",
        "is_archived",
        "an error that Slack has not thought of yet",
    ] {
        let failed = json_answer(200, &format!(r#"{{"ok":false,"error":"{error}"}}"#));
        let posted = json_answer(200, r#"{"ok":true,"ts":"18.1","channel":"C2"}"#);
        let (urls, body, outcome) = update([failed, posted]);
        assert_eq!(urls, [UPDATE_URL, POST_URL], "{error}");
        assert_eq!((&body["channel"], &body["ts"]), (&"#alerts".into(), &Value::Null), "{error}");
        assert_eq!(body["attachments"][0]["color"], "good");
        assert_eq!(outcome, Outcome::Delivered { remember: place("18.1", "C2") }, "{error}");
    }
}

#[test]
fn a_message_that_can_neither_be_updated_nor_posted_fails_with_the_answer_to_the_post() {
    let failed = |error| json_answer(200, &format!(r#"{{"ok":false,"error":"{error}"}}"#));
    let (_, _, outcome) = update([failed("message_not_found"), failed("invalid_auth")]);
    let detail = r##"channel "#alerts": error response from Slack: invalid_auth"##.to_owned();
    assert_eq!(outcome, Outcome::Refused { reason: FailureReason::ClientError, detail });
}

#[test]
fn an_update_that_may_succeed_later_is_not_replaced_by_a_new_message() {
    let (urls, _, outcome) = update([answer(503, "")]);
    assert_eq!(urls, [UPDATE_URL]);
    assert!(matches!(&outcome, Outcome::Retry { detail, .. } if detail.contains("\"C1\"")));
}

#[test]
fn an_updated_message_stays_remembered_whatever_the_answer_says() {
    for answered in [r#"{"ok":true}"#, r#"{"ok":true,"ts":"99","channel":"C9"}"#] {
        let (_, _, outcome) = update([json_answer(200, answered)]);
        assert_eq!(outcome, Outcome::Delivered { remember: place("17.5", "C1") });
    }
}

#[test]
fn a_channel_whose_template_fails_does_not_stop_an_update() {
    let channel = "{{ .Nothing }}".to_owned();
    let harness = harness(&Config { update_message: true, channel, ..config() });
    let mut later = resolved();
    later.reason = Reason::AllAlertsResolved;
    later.remembered = place("17.5", "C1");
    let mut exchange = harness.begin(&later).0.expect("it begins");
    let Step::Send(request) = exchange.begin() else { panic!("something is sent") };
    assert_eq!(request.url.reveal(), UPDATE_URL);
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
    let Step::Send(request) = begun.expect("it begins").begin() else {
        panic!("something is sent");
    };
    let body: serde_json::Value = serde_json::from_slice(&request.body).expect("JSON");
    let title = body["attachments"][0]["title"].as_str().expect("a title");
    assert!(title.contains("the template of title failed"), "{title}");
    assert_eq!(body["username"], "Alertmanager");
}

#[test]
fn a_footer_that_fails_half_way_is_replaced_like_every_text_for_people() {
    let config = Config { footer: "Sent by {{ .Nope }}".to_owned(), ..config() };
    let (begun, faults) = harness(&config).begin(&firing());
    let Step::Send(request) = begun.expect("it begins").begin() else { panic!("it is sent") };
    let body: serde_json::Value = serde_json::from_slice(&request.body).expect("JSON");
    let footer = body["attachments"][0]["footer"].as_str().expect("a footer");
    assert!(
        footer.starts_with("[FIRING:1] alertname=\"Disk\" [the template of footer"),
        "{footer}"
    );
    assert_eq!(faults.len(), 1);
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
