//! The requests in `tests/` are those of the Go Alertmanager 0.35 with the same configuration and
//! alerts, byte for byte.

use bellwether_model::{FailureReason, Notification, Outcome, Secret};
use std::collections::BTreeMap;

use super::Opsgenie;
use super::config::{Config, Responder};
use crate::outcome::{BeginError, delivered};
use crate::tests::{Harness, answer, check_snapshot, firing, many, mixed, resolved};

fn plain() -> Config {
    Config {
        api_key: Secret::new("og-key"),
        api_url: "http://receiver.example/og-default/".into(),
        ..Config::default()
    }
}

/// Everything that can be set.
fn full() -> Config {
    let responder = |id: &str, name: &str, username: &str, kind: &str| Responder {
        id: id.into(),
        name: name.into(),
        username: username.into(),
        kind: kind.into(),
    };
    let nothing = "{{ .CommonLabels.nothing }}";
    Config {
        api_key: Secret::default(),
        api_key_file: "key.txt".into(),
        api_url: "http://receiver.example/og-full/?q=1".into(),
        message: "é0".repeat(600),
        description: "D {{ .Status }}".into(),
        source: "s".into(),
        details: BTreeMap::from([
            ("severity".into(), "overridden".into()),
            ("x<y".into(), "{{ .Status }}".into()),
        ]),
        entity: "e-{{ .Status }}".into(),
        actions: "a,,b , c".into(),
        tags: " t1,t2,,{{ .Status }} ".into(),
        note: "n".into(),
        priority: "P2".into(),
        update_alerts: true,
        responders: vec![
            responder("i1", "", "", "user"),
            responder("", "x,,y ,{{ .Status }}", "", "teams"),
            responder("", "", "u", "{{ .Status }}"),
            responder("", nothing, "", nothing),
            responder("", "n", "", "Team"),
            responder(nothing, "", "", "team"),
        ],
        ..Config::default()
    }
}

fn harness(config: &Config) -> Harness {
    Harness::new(|templates| Opsgenie::build(config, templates)).file("key.txt", "file-key\n")
}

fn body(config: &Config, notification: &Notification) -> String {
    let request = harness(config).request(notification);
    String::from_utf8(request.body.to_vec()).expect("JSON is UTF-8")
}

#[track_caller]
fn check(snapshot: &str, config: &Config, notification: &Notification) {
    let answers = std::iter::repeat_with(|| answer(200, ""));
    let transcript = harness(config).transcript(notification, answers);
    let requests = transcript.strip_suffix(&format!("{:?}\n", delivered()));
    check_snapshot(&format!("opsgenie/tests/{snapshot}.txt"), requests.expect("it is delivered"));
}

#[test]
fn requests_equal_those_of_the_go_program() {
    check("default.mixed", &plain(), &mixed());
    check("default.resolved", &plain(), &resolved());
    check("full.firing", &full(), &firing());
    check("full.resolved", &full(), &resolved());
}

#[test]
fn a_sequence_stops_at_its_first_failure() {
    let answers = [answer(202, ""), answer(503, "later"), answer(202, "")];
    let transcript = harness(&full()).transcript(&firing(), answers);
    assert_eq!(transcript.matches("-> ").count(), 2, "{transcript}");
    let outcome = Outcome::Retry {
        after: None,
        reason: FailureReason::ServerError,
        detail: "unexpected status code 503: later".into(),
    };
    assert!(transcript.ends_with(&format!("<- 503\n{outcome:?}\n")), "{transcript}");
}

#[test]
fn texts_are_cut_by_characters_and_alerts_that_do_not_fit_are_counted() {
    let sent = body(&plain(), &many(2000));
    let json: serde_json::Value = serde_json::from_str(&sent).expect("it is JSON");
    let description = json["description"].as_str().expect("a text");
    assert!(description.chars().count() <= 15_000);
    let shown = description.matches("- host = ").count();
    let rest = format!("\n… {} more alerts did not fit", 2000 - shown);
    assert!(shown > 50 && description.ends_with(&rest), "{shown} {description}");

    let config = Config { message: "ü".repeat(131), description: "ü".repeat(15_001), ..plain() };
    let json: serde_json::Value =
        serde_json::from_str(&body(&config, &firing())).expect("it is JSON");
    assert_eq!(json["message"], format!("{}…", "ü".repeat(129)));
    assert_eq!(json["description"], format!("{}…", "ü".repeat(14_999)));
}

#[test]
fn a_failing_template_does_not_lose_the_alert() {
    let bad = || "{{ .Nothing }}".to_owned();
    let config = Config {
        message: bad(),
        description: bad(),
        source: bad(),
        details: BTreeMap::from([("x".into(), bad())]),
        entity: bad(),
        actions: bad(),
        tags: bad(),
        note: bad(),
        priority: bad(),
        responders: vec![
            Responder { name: bad(), kind: "team".into(), ..Responder::default() },
            Responder { name: "good".into(), kind: "team".into(), ..Responder::default() },
        ],
        ..plain()
    };
    let (begun, faults) = harness(&config).begin(&firing());
    assert!(begun.is_ok());
    assert_eq!(faults.len(), 10, "{faults:?}");
    let transcript = harness(&config).transcript(&firing(), [answer(202, "")]);
    for piece in [
        r#""message":"[FIRING:1] alertname=\"Disk\" [the template of message failed"#,
        r#"- firing: {alertname=\"Disk\", host=\"a\", severity=\"critical\"} full"#,
        r#""severity":"critical","x":"[FIRING:1] alertname=\"Disk\" [the template of details"#,
        r#""source":"http://am.example","responders":[{"name":"good","type":"team"}]}"#,
    ] {
        assert!(transcript.contains(piece), "no {piece} in {transcript}");
    }
}

#[test]
fn name_from_a_label_is_not_a_template() {
    let config = Config {
        responders: vec![Responder {
            name: r#"{{ "{{ .Status }}" }}"#.into(),
            kind: "teams".into(),
            ..Responder::default()
        }],
        ..plain()
    };
    let body = body(&config, &firing());
    assert!(body.contains(r#""responders":[{"name":"{{ .Status }}","type":"team"}]"#), "{body}");
}

#[test]
fn the_answer_decides_between_success_retry_and_refusal() {
    use FailureReason::{AuthError, ClientError, Other, RateLimited, ServerError};
    harness(&plain()).check_failures(&[
        (302, false, Other),
        (401, false, AuthError),
        (403, false, AuthError),
        (422, false, ClientError),
        (429, true, RateLimited),
        (500, true, ServerError),
        (503, true, ServerError),
    ]);
    assert_eq!(harness(&plain()).outcome(answer(202, "rubbish")), delivered());
}

#[test]
fn the_key_is_read_from_its_file_at_each_attempt() {
    let config = Config { api_key_file: "other.txt".into(), ..full() };
    let (begun, _) = harness(&config).begin(&firing());
    assert_eq!(begun.err(), Some(BeginError::NeedsFile("other.txt".into())));
}

#[test]
fn debug_output_does_not_show_the_key() {
    let built = Opsgenie::build(&plain(), &mut crate::tests::templates()).expect("it can be built");
    let printed = format!("{built:?} {:?}", harness(&plain()).request(&firing()));
    assert!(!printed.contains("og-"), "{printed}");
}
