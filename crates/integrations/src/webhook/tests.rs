use std::sync::Arc;
use std::time::Duration;

use bellwether_model::{
    Alert, FailureReason, GroupKey, IntegrationId, LabelSet, Notification, Outcome, Reason,
    Remembered, Secret, Timestamp,
};
use bytes::Bytes;

use super::Webhook;
use super::config::Config;
use crate::any_value::AnyValue;
use crate::http::{Method, Request, RequestError, Response};
use crate::outcome::BeginError;
use crate::templates::{Definitions, ReadYaml, Templates};
use crate::tests::Harness;

/// What a Go Alertmanager 0.25 sent for the alerts of [`captured`]; it knows neither
/// `notification_reason` nor `routeLabels`.
const CAPTURED: &str = include_str!("tests/captured.json");

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).expect("a fixed time")
}

fn alert(
    labels: &[(&str, &str)],
    annotations: &[(&str, &str)],
    starts: &str,
    ends: &str,
    generator_url: &str,
) -> Arc<Alert> {
    let labels = LabelSet::new(labels.iter().copied());
    Arc::new(Alert {
        fingerprint: labels.fingerprint(),
        labels,
        annotations: LabelSet::new(annotations.iter().copied()),
        generator_url: generator_url.into(),
        starts_at: at(starts),
        ends_at: at(ends),
        updated_at: at(starts),
        timed_out: false,
        late_by_s: 0,
    })
}

fn notification(receiver: &str, alerts: Vec<Arc<Alert>>) -> Notification {
    let group_labels = LabelSet::new([("alertname", "Disk")]);
    Notification {
        integration: IntegrationId { receiver: receiver.into(), kind: "webhook".into(), index: 0 },
        group_key: GroupKey::new("{}", &group_labels),
        group_labels,
        route_labels: LabelSet::default(),
        reason: Reason::FirstNotification,
        now: at("2026-03-01T12:00:00Z"),
        alerts,
        remembered: Remembered::default(),
    }
}

/// The notification whose body was captured, and the external URL that was configured.
fn captured() -> (Notification, &'static str) {
    let name = ("alertname", "Disk <full>");
    let alerts = vec![
        alert(
            &[name, ("host", "web-2"), ("job", "node")],
            &[("same", "x"), ("other", "y")],
            "2026-03-01T10:00:00.000000001Z",
            "2026-03-01T09:30:00.5-05:30",
            "",
        ),
        alert(
            &[name, ("host", "web-3"), ("job", "node")],
            &[("same", "x")],
            "2026-03-01T10:00:00Z",
            "2026-03-01T16:30:00Z",
            "",
        ),
        alert(
            &[name, ("host", "web-1"), ("job", "node"), ("path", "/a&b \"q\" \\ \u{2028} ü 🐑")],
            &[("summary", "line\nnext\ttab \u{1} <b>"), ("same", "x")],
            "2026-03-01T11:00:00.120+02:00",
            "2040-01-01T00:00:00Z",
            "http://prometheus.example.org/graph?g0.expr=up%3E1&g0.tab=1",
        ),
    ];
    let group_labels = LabelSet::new([name]);
    let notification = Notification {
        group_key: GroupKey::new("{}", &group_labels),
        group_labels,
        now: at("2026-11-22T00:45:03Z"),
        ..notification("team.a (b)", alerts)
    };
    (notification, "http://alerts.example.org/am")
}

fn simple(name: &str, ends: &str) -> Arc<Alert> {
    let labels = [("alertname", "Disk"), ("host", name)];
    alert(&labels, &[], "2026-03-01T10:00:00Z", ends, "")
}

fn configured(change: impl FnOnce(&mut Config)) -> Harness {
    let mut config = Config { url: Secret::new("http://localhost/hook"), ..Config::default() };
    change(&mut config);
    let mut harness = Harness::new(|templates| Webhook::build(&config, templates));
    harness.definitions = definitions("http://alerts.example.org");
    harness
}

fn definitions(external_url: &str) -> Definitions {
    let json = ReadYaml(crate::tests::read_json);
    Templates::load(external_url, json, []).expect("no files").finish([]).0
}

fn request(webhook: &Harness, notification: &Notification) -> Request {
    webhook.request(notification)
}

fn body(webhook: &Harness, notification: &Notification) -> String {
    String::from_utf8(request(webhook, notification).body.to_vec()).expect("JSON is UTF-8")
}

fn answered(answer: Result<Response, RequestError>) -> Outcome {
    configured(|_| {}).outcome(answer)
}

const FUTURE: &str = "2026-03-01T12:00:01Z";
const PAST: &str = "2026-03-01T12:00:00Z";

#[test]
fn the_whole_body_has_the_published_form() {
    let firing = alert(
        &[("alertname", "Disk"), ("host", "b"), ("path", "/<var>&\"x\"")],
        &[("summary", "line\nline\u{2028}ü")],
        "2026-03-01T11:00:00.120+02:00",
        FUTURE,
        "http://prometheus/graph?g0.expr=a>1&g0.tab=1",
    );
    let resolved = alert(
        &[("alertname", "Disk"), ("host", "a")],
        &[],
        "2026-03-01T10:00:00.000000001Z",
        "2026-03-01T11:30:00+01:00",
        "",
    );
    let mut notification = notification("team.a", vec![resolved, firing]);
    notification.route_labels = LabelSet::new([("tier", "1")]);
    notification.reason = Reason::SomeAlertsResolved;
    let webhook = configured(|_| {});
    assert_eq!(body(&webhook, &notification), include_str!("tests/whole.json"));
}

#[test]
fn the_body_equals_a_captured_one_but_for_the_newer_keys() {
    let (notification, external_url) = captured();
    let mut webhook = configured(|_| {});
    webhook.definitions = definitions(external_url);
    let ours = body(&webhook, &notification);
    let older = ours.replacen(r#""notification_reason":"first notification","#, "", 1).replacen(
        r#""routeLabels":{},"#,
        "",
        1,
    );
    assert_ne!(older, ours);
    assert_eq!(older, CAPTURED);
}

#[test]
fn only_included_alerts_count() {
    let alerts = vec![simple("a", PAST), simple("a2", PAST), simple("b", FUTURE)];
    let notification = notification("team", alerts);
    let check = |max_alerts, pieces: &[&str]| {
        let webhook = configured(|config| config.max_alerts = max_alerts);
        let body = body(&webhook, &notification);
        for piece in pieces {
            assert!(body.contains(piece), "max_alerts {max_alerts}: no {piece} in {body}");
        }
        let shown = body.matches(r#""fingerprint":"#).count();
        (shown, body.contains(r#""host":"b""#))
    };
    let all = [r#"{"receiver":"team","status":"firing","#, r#""truncatedAlerts":0}"#];
    assert_eq!(check(0, &all), (3, true));
    assert_eq!(check(3, &all), (3, true));
    assert_eq!(check(u64::MAX, &all), (3, true));
    let two = [r#""status":"resolved","alerts":"#, r#""truncatedAlerts":1}"#];
    assert_eq!(check(2, &two), (2, false));
    let one = [r#""commonLabels":{"alertname":"Disk","host":"a"}"#, r#""truncatedAlerts":2}"#];
    assert_eq!(check(1, &one), (1, false));
}

#[test]
fn an_alert_that_ends_now_is_resolved_and_a_firing_one_has_no_end() {
    let webhook = configured(|_| {});
    let resolved = body(&webhook, &notification("team", vec![simple("a", PAST)]));
    assert!(resolved.contains(r#""endsAt":"2026-03-01T12:00:00Z""#), "{resolved}");
    let firing = body(&webhook, &notification("team", vec![simple("a", FUTURE)]));
    assert!(firing.contains(r#""endsAt":"0001-01-01T00:00:00Z""#), "{firing}");
}

#[test]
fn the_request_is_a_post_of_json() {
    let notification = notification("team", vec![simple("a", FUTURE)]);
    let plain = request(&configured(|_| {}), &notification);
    assert_eq!(plain.method, Method::Post);
    assert_eq!(plain.url, Secret::new("http://localhost/hook"));
    assert_eq!(plain.headers[0], ("Content-Type".to_owned(), "application/json".to_owned()));
    assert_eq!(plain.headers[1].0, "Idempotency-Key");
    assert_eq!(plain.headers.len(), 2);
    assert_eq!(plain.timeout, None);
    let hasty = configured(|config| config.timeout = Duration::from_secs(3));
    assert_eq!(request(&hasty, &notification).timeout, Some(Duration::from_secs(3)));
}

#[test]
fn the_url_is_a_template_and_may_be_in_a_file() {
    let notification = notification("team", vec![simple("a", FUTURE)]);
    let given = configured(|config| config.url = Secret::new("http://x/{{ .Receiver }}"));
    assert_eq!(request(&given, &notification).url.reveal(), "http://x/team");
    let filed = || {
        configured(|config| {
            config.url = Secret::default();
            config.url_file = "hook.url".into();
        })
    };
    let (begun, _) = filed().begin(&notification);
    assert_eq!(begun.err(), Some(BeginError::NeedsFile("hook.url".into())));
    let read = filed().file("hook.url", " http://x/{{ .Status }}\n");
    assert_eq!(request(&read, &notification).url.reveal(), "http://x/firing");
    let empty = configured(|config| config.url = Secret::new("{{ .CommonLabels.nothing }}"));
    assert_eq!(
        empty.begin(&notification).0.err(),
        Some(BeginError::refused("webhook URL is empty after templating"))
    );
}

#[test]
fn a_url_whose_template_fails_is_refused_without_being_shown() {
    let webhook = configured(|config| config.url = Secret::new("http://MARKER/{{ .Nothing }}"));
    let (begun, faults) = webhook.begin(&notification("team", vec![simple("a", FUTURE)]));
    let error = begun.err().expect("refused");
    assert!(matches!(error, BeginError::Template(_)), "{error:?}");
    assert_eq!(faults.len(), 1);
    assert!(!format!("{error:?} {faults:?}").contains("MARKER"), "{error:?} {faults:?}");
}

#[test]
fn a_payload_replaces_the_body() {
    let text = |text: &str| AnyValue::Text(text.into());
    let webhook = configured(|config| {
        config.payload = Some(AnyValue::Map(vec![
            (text("z {{ .Status }}"), text("{{ .Alerts | len }}")),
            (
                text("a"),
                AnyValue::List(vec![AnyValue::Null, AnyValue::Float(1.5), text("<{{ 1 }}>")]),
            ),
            (AnyValue::Int(1), text("vanishes")),
            (text("quoted"), text("\"{{ .Status }} # \\u0021\"")),
            (text("m"), text(r#"{"deep": [true, "{{"{{"}} x }}"]}"#)),
        ]));
    });
    assert_eq!(
        body(&webhook, &notification("team", vec![simple("a", FUTURE)])),
        "{\"a\":[null,1.5,\"\\u003c1\\u003e\"],\"m\":{\"deep\":[true,\"{{ x }}\"]},\
         \"quoted\":\"firing # !\",\"z firing\":1}\n"
    );
}

#[test]
fn debug_output_does_not_show_the_url() {
    let webhook = configured(|config| config.url = Secret::new("http://x/MARKER"));
    let request = request(&webhook, &notification("team", vec![simple("a", FUTURE)]));
    assert!(!format!("{request:?}").contains("MARKER"));
    let config = Config { url: Secret::new("http://x/MARKER"), ..Config::default() };
    let built = Webhook::build(&config, &mut crate::tests::templates());
    assert!(!format!("{built:?}").contains("MARKER"));
}

#[test]
fn one_answer_ends_the_exchange() {
    let response = |status| {
        Ok(Response { status, content_type: None, retry_after: None, body: Bytes::from("why") })
    };
    assert_eq!(answered(response(204)), Outcome::Delivered { remember: Remembered::default() });
    assert_eq!(
        answered(response(500)),
        Outcome::Retry {
            after: None,
            reason: FailureReason::ServerError,
            detail: "unexpected status code 500: why".into()
        }
    );
    assert_eq!(
        answered(response(410)),
        Outcome::Refused {
            reason: FailureReason::ClientError,
            detail: "unexpected status code 410: why".into()
        }
    );
    assert_eq!(
        answered(Err(RequestError::TimedOut(Duration::from_secs(90)))),
        Outcome::Retry {
            after: None,
            reason: FailureReason::Other,
            detail: "context deadline exceeded: configured webhook timeout reached (1m30s)".into()
        }
    );
}
