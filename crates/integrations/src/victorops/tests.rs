//! The requests in `tests/` are those of the Go Alertmanager 0.35 with the same configuration and
//! alerts, byte for byte.

use bellwether_model::{FailureReason, Notification, Secret};
use std::collections::BTreeMap;

use super::VictorOps;
use super::config::Config;
use crate::outcome::{BeginError, delivered};
use crate::tests::{Harness, answer, check_snapshot, firing, many, mixed, resolved};

fn plain() -> Config {
    Config {
        api_key: Secret::new("vo-key"),
        api_url: "http://receiver.example/vo-default/".into(),
        routing_key: "team".into(),
        ..Config::default()
    }
}

/// Everything that can be set.
fn full() -> Config {
    Config {
        api_key: Secret::default(),
        api_key_file: "key.txt".into(),
        api_url: "http://receiver.example/vo-full/".into(),
        routing_key: "rk {{ .Status }}/x?y#z%41!*()'[ü]&=+$,:;@~-_.".into(),
        message_type: r#"{{ if eq .Status "firing" }}WARNING{{ else }}x{{ end }}"#.into(),
        state_message: "é0".repeat(30_000),
        entity_display_name: "E {{ .Status }}".into(),
        monitoring_tool: "T".into(),
        custom_fields: BTreeMap::from([
            ("zeta".into(), "z".into()),
            ("alpha".into(), "{{ .Status }}".into()),
            ("A<".into(), "b".into()),
        ]),
        ..Config::default()
    }
}

fn harness(config: &Config) -> Harness {
    Harness::new(|templates| VictorOps::build(config, templates)).file("key.txt", "file-key\n")
}

fn event(config: &Config, notification: &Notification) -> serde_json::Value {
    serde_json::from_slice(&harness(config).request(notification).body).expect("it is JSON")
}

#[track_caller]
fn check(snapshot: &str, config: &Config, notification: &Notification) {
    let transcript = harness(config).transcript(notification, [answer(200, "")]);
    let requests = transcript.strip_suffix(&format!("{:?}\n", delivered()));
    check_snapshot(&format!("victorops/tests/{snapshot}.txt"), requests.expect("it is delivered"));
}

#[test]
fn events_equal_those_of_the_go_program() {
    check("default.mixed", &plain(), &mixed());
    check("default.resolved", &plain(), &resolved());
    check("full.resolved", &full(), &resolved());
    let odd = Config {
        api_url: "http://receiver.example/vo-odd/".into(),
        api_key: Secret::new("vo key/x"),
        message_type: "odd".into(),
        ..plain()
    };
    check("odd.firing", &odd, &firing());
}

#[test]
fn only_known_kinds_of_events_are_sent_while_alerts_fire() {
    for (configured, firing_type) in [
        ("INFO", "INFO"),
        ("WARNING", "WARNING"),
        ("CRITICAL", "CRITICAL"),
        ("warning", "CRITICAL"),
        ("RECOVERY", "CRITICAL"),
        ("", "CRITICAL"),
    ] {
        let config = Config { message_type: configured.into(), ..plain() };
        assert_eq!(event(&config, &firing())["message_type"], firing_type, "{configured}");
        assert_eq!(event(&config, &resolved())["message_type"], "RECOVERY", "{configured}");
    }
}

#[test]
fn alerts_that_do_not_fit_are_counted() {
    let event = event(&plain(), &many(2000));
    let message = event["state_message"].as_str().expect("a text");
    assert!(message.chars().count() <= 20_480);
    let shown = message.matches("- host = ").count();
    let rest = format!("\n… {} more alerts did not fit", 2000 - shown);
    assert!(shown > 50 && message.ends_with(&rest), "{shown} {message}");
}

#[test]
fn a_failing_template_loses_the_event_only_in_the_routing_key() {
    let bad = || "{{ .Nothing }}".to_owned();
    let config = Config {
        message_type: bad(),
        state_message: bad(),
        entity_display_name: bad(),
        monitoring_tool: bad(),
        custom_fields: BTreeMap::from([("x".into(), bad())]),
        ..plain()
    };
    let (begun, faults) = harness(&config).begin(&firing());
    assert!(begun.is_ok());
    assert_eq!(faults.len(), 5, "{faults:?}");
    let transcript = harness(&config).transcript(&firing(), [answer(200, "")]);
    for piece in [
        r#""entity_display_name":"[FIRING:1] alertname=\"Disk\" [the template of"#,
        r#""message_type":"CRITICAL","monitoring_tool":"Alertmanager""#,
        r#"- firing: {alertname=\"Disk\", host=\"a\", severity=\"critical\"} full"#,
        r#""x":"[FIRING:1] alertname=\"Disk\" [the template of custom_fields failed"#,
    ] {
        assert!(transcript.contains(piece), "no {piece} in {transcript}");
    }

    let (begun, _) = harness(&Config { routing_key: bad(), ..plain() }).begin(&firing());
    let error = begun.err().expect("it is refused");
    assert!(
        matches!(&error, BeginError::Template(detail) if detail.starts_with("routing_key: ")),
        "{error:?}"
    );
}

#[test]
fn the_answer_decides_between_success_retry_and_refusal() {
    use FailureReason::{AuthError, ClientError, Other, RateLimited, ServerError};
    harness(&plain()).check_failures(&[
        (302, false, Other),
        (401, false, AuthError),
        (404, false, ClientError),
        (429, true, RateLimited),
        (500, true, ServerError),
    ]);
}

#[test]
fn the_key_is_read_from_its_file_at_each_attempt() {
    let config = Config { api_key_file: "other.txt".into(), ..full() };
    let (begun, _) = harness(&config).begin(&firing());
    assert_eq!(begun.err(), Some(BeginError::NeedsFile("other.txt".into())));
}

#[test]
fn debug_output_does_not_show_the_key() {
    let mut templates = crate::tests::templates();
    let built = VictorOps::build(&plain(), &mut templates).expect("it can be built");
    let printed = format!("{built:?} {:?}", harness(&plain()).request(&firing()));
    assert!(!printed.contains("vo-"), "{printed}");
}
