use std::sync::Arc;
use std::time::Duration;

use bellwether_model::{
    Alert, FailureReason, GroupKey, IntegrationId, LabelSet, Notification, Outcome, Reason,
    Remembered, Secret, Timestamp,
};
use bytes::Bytes;

use super::Webhook;
use super::config::Config;
use crate::exchange::{BuildError, Integration, Step};
use crate::http::{Method, Request, RequestError, Response, UrlSource};
use crate::value::Value;

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

fn configured(change: impl FnOnce(&mut Config)) -> Result<Webhook, BuildError> {
    let mut config = Config { url: Secret::new("http://localhost/hook"), ..Config::default() };
    change(&mut config);
    Webhook::build(&config, "http://alerts.example.org")
}

fn request(webhook: &Webhook, notification: &Notification) -> Request {
    match webhook.begin(notification).begin() {
        Step::Send(request) => request,
        Step::Done(outcome) => panic!("nothing to send: {outcome:?}"),
    }
}

fn body(webhook: &Webhook, notification: &Notification) -> String {
    String::from_utf8(request(webhook, notification).body.to_vec()).expect("JSON is UTF-8")
}

fn answered(answer: Result<Response, RequestError>) -> Outcome {
    let webhook = configured(|_| {}).expect("a plain URL");
    let mut exchange = webhook.begin(&notification("team", vec![simple("a", FUTURE)]));
    exchange.begin();
    match exchange.receive(answer) {
        Step::Done(outcome) => outcome,
        Step::Send(request) => panic!("a second request: {request:?}"),
    }
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
    let webhook = configured(|_| {}).expect("a plain URL");
    assert_eq!(body(&webhook, &notification), include_str!("tests/whole.json"));
}

#[test]
fn the_body_equals_a_captured_one_but_for_the_newer_keys() {
    let (notification, external_url) = captured();
    let config = Config { url: Secret::new("http://localhost/"), ..Config::default() };
    let webhook = Webhook::build(&config, external_url).expect("a plain URL");
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
fn only_alerts_that_are_told_count() {
    let alerts = vec![simple("a", PAST), simple("a2", PAST), simple("b", FUTURE)];
    let notification = notification("team", alerts);
    let check = |max_alerts, pieces: &[&str]| {
        let webhook = configured(|config| config.max_alerts = max_alerts).expect("a plain URL");
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
    let webhook = configured(|_| {}).expect("a plain URL");
    let resolved = body(&webhook, &notification("team", vec![simple("a", PAST)]));
    assert!(resolved.contains(r#""endsAt":"2026-03-01T12:00:00Z""#), "{resolved}");
    let firing = body(&webhook, &notification("team", vec![simple("a", FUTURE)]));
    assert!(firing.contains(r#""endsAt":"0001-01-01T00:00:00Z""#), "{firing}");
}

#[test]
fn the_request_is_a_post_of_json() {
    let notification = notification("team", vec![simple("a", FUTURE)]);
    let plain = request(&configured(|_| {}).expect("a plain URL"), &notification);
    assert_eq!(plain.method, Method::Post);
    assert_eq!(plain.url, UrlSource::Text(Secret::new("http://localhost/hook")));
    assert_eq!(plain.headers, [("Content-Type".to_owned(), "application/json".to_owned())]);
    assert_eq!(plain.timeout, None);

    let webhook = configured(|config| {
        config.url = Secret::default();
        config.url_file = "hook.url".into();
        config.timeout = Duration::from_secs(3);
    });
    let from_file = request(&webhook.expect("a file"), &notification);
    assert_eq!(from_file.url, UrlSource::File("hook.url".into()));
    assert_eq!(from_file.timeout, Some(Duration::from_secs(3)));
}

#[test]
fn what_needs_templates_is_refused() {
    let url = configured(|config| config.url = Secret::new("http://x/{{ .GroupKey }}"));
    assert_eq!(url.err(), Some(BuildError::NeedsTemplates { field: "url" }));
    let payload = configured(|config| config.payload = Some(Value::Text("x".into())));
    assert_eq!(payload.err(), Some(BuildError::NeedsTemplates { field: "payload" }));
}

#[test]
fn nothing_printable_shows_the_url() {
    let webhook = configured(|config| config.url = Secret::new("http://x/MARKER"));
    let webhook = webhook.expect("a plain URL");
    let request = request(&webhook, &notification("team", vec![simple("a", FUTURE)]));
    assert!(!format!("{webhook:?} {request:?}").contains("MARKER"));
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
