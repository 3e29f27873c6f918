use bellwether_engine::{RefusedAlerts, RejectedAlert};
use bellwether_model::{MatcherMode, Timestamp};

use super::{DecodedAlerts, InvalidAlert, count_refused, decode_alerts, merge_rejections};

fn decode(body: &str) -> DecodedAlerts {
    decode_alerts(body.as_bytes(), MatcherMode::Fallback).expect(body)
}

fn labels(body: &str) -> String {
    decode(body).alerts[0].labels.to_string()
}

#[test]
fn all_members_arrive() {
    let inbox = decode(
        r#"[{"labels":{"b":"2","a":"1"},"annotations":{"y":"","x":"ü"},"generatorURL":"/g",
            "startsAt":"2026-01-02T03:04:05+01:00","endsAt":"2026-01-03T00:00:00Z","more":[1]}]"#,
    );
    let alert = &inbox.alerts[0];
    assert_eq!(alert.labels.to_string(), r#"{a="1", b="2"}"#);
    assert_eq!(alert.fingerprint, alert.labels.fingerprint());
    assert_eq!(alert.annotations.to_string(), r#"{x="ü", y=""}"#);
    assert_eq!(&*alert.generator_url, "/g");
    let starts = alert.starts_at.map(|at| at.rfc3339_nanos());
    assert_eq!(starts.as_deref(), Some("2026-01-02T03:04:05+01:00"));
    let ends = alert.ends_at.map(|at| at.rfc3339_nanos());
    assert_eq!(ends.as_deref(), Some("2026-01-03T00:00:00Z"));
}

#[test]
fn null_and_the_year_1_mean_not_set() {
    let inbox = decode(
        r#"[{"labels":{"a":"b"},"startsAt":null,"endsAt":"0001-01-01T00:00:00Z",
            "annotations":null,"generatorURL":null}]"#,
    );
    let alert = &inbox.alerts[0];
    assert_eq!((alert.starts_at, alert.ends_at), (None, None));
    assert!(alert.annotations.is_empty() && alert.generator_url.is_empty());
    assert!(decode("null").alerts.is_empty());
}

#[test]
fn values_of_one_alert_do_not_reach_the_next() {
    let inbox = decode(
        r#"[{"labels":{"a":"b","c":"d"},"annotations":{"x":"y"},"generatorURL":"/g",
             "startsAt":"2026-01-01","endsAt":"2026-01-02"},{"labels":{"e":"f"}}]"#,
    );
    let alert = &inbox.alerts[1];
    assert_eq!(alert.labels.to_string(), r#"{e="f"}"#);
    assert!(alert.annotations.is_empty() && alert.generator_url.is_empty());
    assert_eq!((alert.starts_at, alert.ends_at), (None, None));
}

#[test]
fn the_last_of_equal_names_wins() {
    assert_eq!(labels(r#"[{"labels":{"a":"1","b":"x","a":"2"}}]"#), r#"{a="2", b="x"}"#);
    assert_eq!(labels(r#"[{"labels":{"a":"1","b":"x","a":""}}]"#), r#"{b="x"}"#);
    assert_eq!(labels(r#"[{"labels":{"a":"1"},"LABELS":{"b":"2"}}]"#), r#"{a="1", b="2"}"#);
    assert_eq!(labels(r#"[{"labels":{"a":"1"},"labels":null,"labels":{"b":"2"}}]"#), r#"{b="2"}"#);
}

#[test]
fn label_names_obey_the_mode() {
    let body = br#"[{"labels":{"a-b":"c"}},{"labels":{"a":"b"},"annotations":{"x y":""}}]"#;
    let utf8 = decode_alerts(body, MatcherMode::Utf8).expect("well formed");
    assert_eq!((utf8.alerts.len(), utf8.invalid.len()), (2, 0));
    let classic = decode_alerts(body, MatcherMode::Classic).expect("well formed");
    let messages: Vec<&str> = classic.invalid.iter().map(|it| it.message.as_str()).collect();
    assert_eq!(
        messages,
        [r#"invalid label set: invalid name "a-b""#, r#"invalid annotations: invalid name "x y""#]
    );
}

#[test]
fn refused_alerts_are_counted_by_their_state() {
    let body = r#"[{"labels":{}},
        {"labels":{},"endsAt":"2026-01-01T00:00:00Z"},
        {"labels":{},"startsAt":"2026-01-01T00:00:00Z","endsAt":"2025-01-01T00:00:00Z"},
        {"labels":{},"endsAt":"2026-01-01T00:00:01Z"},
        {"labels":{},"endsAt":"0001-01-01T00:00:00Z"}]"#;
    let now = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").expect("a fixed time");
    let counts = count_refused(&decode(body).invalid, now);
    assert_eq!(counts, RefusedAlerts { firing: 3, resolved: 2 });
}

#[test]
fn positions_of_the_engine_are_shifted_by_the_invalid_alerts_before_them() {
    let invalid_alert =
        |position| InvalidAlert { position, ends_at: None, message: format!("decoder {position}") };
    let rejected = |position| RejectedAlert { position, message: "engine" };
    // Elements 0, 1, 4 and 7 never reached the engine; 2, 3, 5, 6 and 8 did.
    let invalid = vec![invalid_alert(0), invalid_alert(1), invalid_alert(4), invalid_alert(7)];
    let answer = merge_rejections(invalid, &[rejected(0), rejected(2), rejected(4)]);
    let expected = "decoder 0\ndecoder 1\nengine\ndecoder 4\nengine\ndecoder 7\nengine";
    assert_eq!(answer.as_deref(), Some(expected));
    assert_eq!(merge_rejections(Vec::new(), &[]), None);
}
