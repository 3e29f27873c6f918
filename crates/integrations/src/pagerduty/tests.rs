//! The requests in `tests/` are those of the Go Alertmanager 0.35 with the same configuration and
//! alerts, byte for byte.

use std::collections::BTreeMap;
use std::time::Duration;

use bellwether_model::{FailureReason, Notification, Outcome, Remembered, Secret};

use super::PagerDuty;
use super::config::{Config, Image, Link};
use super::message::EVENT_BYTES_MAX;
use crate::any_value::AnyValue;
use crate::http::RequestError;
use crate::outcome::{BeginError, delivered};
use crate::tests::{Harness, answer, check_snapshot, firing, many, mixed, resolved};

/// What every configuration that was read from a file has.
fn given() -> Config {
    let details =
        Config::DETAILS.map(|(name, text)| (name.to_owned(), AnyValue::Text(text.into())));
    Config {
        url: "http://receiver.example/pd-default".into(),
        source: Config::default().client,
        details: BTreeMap::from(details),
        ..Config::default()
    }
}

fn harness(config: &Config) -> Harness {
    Harness::new(|templates| PagerDuty::build(config, templates)).file("key.txt", "file-key\n")
}

fn v2() -> Config {
    Config { routing_key: Secret::new("rk-default"), ..given() }
}

fn v1() -> Config {
    Config { service_key: Secret::new("sk-default"), ..given() }
}

/// Everything that can be set.
fn full() -> Config {
    let text = |text: &str| AnyValue::Text(text.into());
    let map = AnyValue::Map(vec![
        (text("a{{ .Status }}"), text("true")),
        (AnyValue::Int(7), text("gone")),
        (text("q"), text("\"7\"")),
    ]);
    let list = AnyValue::List(vec![
        text("{{ .Status }}"),
        text("1"),
        AnyValue::Int(2),
        AnyValue::Bool(true),
        map,
    ]);
    let mut config = given();
    config.url = "http://receiver.example/pd-full?x=1".into();
    config.routing_key_file = "key.txt".into();
    config.client = "C <{{ .Status }}>".into();
    config.source = config.client.clone();
    config.client_url = "http://c/{{ .CommonLabels.severity }}".into();
    config.description = format!("{{{{ range .Alerts }}}}ü🐑{{{{ end }}}}{}", "é0".repeat(600));
    config.severity = "{{ .CommonLabels.nothing }}warning".into();
    config.class = "cl".into();
    config.component = "{{ .CommonLabels.severity }}".into();
    config.group = "gr".into();
    for (name, value) in [
        ("num_firing", text("n={{ .Alerts.Firing | len }}")),
        ("list", list),
        ("nothing", text("null")),
        ("num", text("31")),
        ("f", text("1.5")),
        ("z", AnyValue::Float(1.25e30)),
        ("map", text(r#"{"a": [1, "x"]}"#)),
    ] {
        config.details.insert(name.into(), value);
    }
    config.images = vec![
        Image { src: "http://i/{{ .Status }}".into(), alt: "a".into(), href: "h".into() },
        Image { src: "{{ .CommonLabels.nothing }}".into(), alt: "b".into(), href: String::new() },
    ];
    config.links = vec![
        Link { href: "http://l/{{ .Status }}".into(), text: "t<>".into() },
        Link { href: String::new(), text: "none".into() },
    ];
    config
}

fn v1_full() -> Config {
    Config {
        service_key_file: "key.txt".into(),
        description: "d {{ .Status }}".into(),
        client: String::new(),
        ..given()
    }
}

#[track_caller]
fn check(snapshot: &str, config: &Config, notification: &Notification) {
    let transcript = harness(config).transcript(notification, [answer(200, "")]);
    let transcript = transcript.strip_suffix(&format!("{:?}\n", delivered()));
    check_snapshot(
        &format!("pagerduty/tests/{snapshot}.txt"),
        transcript.expect("it is delivered"),
    );
}

#[test]
fn events_equal_those_of_the_go_program() {
    check("default.mixed", &v2(), &mixed());
    check("default.resolved", &v2(), &resolved());
    check("full.mixed", &full(), &mixed());
    check("full.resolved", &full(), &resolved());
    check("v1_default.mixed", &v1(), &mixed());
    check("v1_default.resolved", &v1(), &resolved());
    check("v1_full.mixed", &v1_full(), &mixed());
    check("v1_full.resolved", &v1_full(), &resolved());
}

#[test]
fn an_event_that_is_too_large_loses_its_details() {
    check("default.too_large", &v2(), &many(3000));
    check("v1_default.too_large", &v1(), &many(3000));
}

#[test]
fn the_limit_counts_the_line_feed() {
    let body = |padding: usize| {
        let mut config = v2();
        config.details = BTreeMap::from([("x".into(), AnyValue::Text("y".repeat(padding)))]);
        harness(&config).request(&firing()).body
    };
    let space = EVENT_BYTES_MAX - body(0).len();
    assert_eq!(body(space).len(), EVENT_BYTES_MAX);
    let too_much = String::from_utf8(body(space + 1).to_vec()).expect("JSON is UTF-8");
    assert!(too_much.contains(r#""custom_details":{"error":"Custom details have"#), "{too_much}");
}

#[test]
fn version_1_wins_if_both_keys_are_set() {
    let both = Config { routing_key: Secret::new("rk"), ..v1() };
    let request = harness(&both).request(&firing());
    assert_eq!(request.url.reveal(), super::URL_V1);
}

#[test]
fn a_key_that_renders_to_nothing_is_refused() {
    let nothing = Secret::new("{{ .CommonLabels.nothing }}");
    for (config, text) in [
        (Config { routing_key: nothing.clone(), ..given() }, "routing key cannot be empty"),
        (Config { service_key: nothing.clone(), ..given() }, "service key cannot be empty"),
    ] {
        let (begun, faults) = harness(&config).begin(&firing());
        let (reason, detail) = (FailureReason::ConfigError, text.to_owned());
        assert_eq!(begun.err(), Some(Outcome::Refused { reason, detail }.into()));
        assert_eq!(faults, []);
    }
}

#[test]
fn why_there_is_no_key_or_no_answer_is_classified() {
    let bad = Secret::new("{{ .Nothing }}");
    for config in [
        Config { routing_key: bad.clone(), ..given() },
        Config { service_key: bad.clone(), ..given() },
    ] {
        let error = harness(&config).begin(&firing()).0.err().expect("it is refused");
        let Ok(Outcome::Refused { reason, detail }) = error.outcome() else {
            panic!("it is refused");
        };
        assert_eq!(reason, FailureReason::TemplateError);
        assert!(detail.starts_with("failed to template PagerDuty v"), "{detail}");
    }
    for (config, name) in [
        (Config { routing_key_file: "gone".into(), ..given() }, "routing key"),
        (Config { service_key_file: "gone".into(), ..given() }, "service key"),
    ] {
        let mut harness = harness(&config);
        harness.files.insert("gone".into(), Err("no such file".into()));
        let error = harness.begin(&firing()).0.err().expect("it fails");
        let (after, reason) = (None, FailureReason::FileReadError);
        let detail = format!("failed to read {name} from file: read gone: no such file");
        assert_eq!(error.outcome(), Ok(Outcome::Retry { after, reason, detail }));
    }
    for (config, version) in [(v1(), " v1"), (v2(), "")] {
        let outcome = harness(&config).outcome(Err(RequestError::Transport("refused".into())));
        let (after, reason) = (None, FailureReason::RequestError);
        let detail = format!("failed to post message to PagerDuty{version}: refused");
        assert_eq!(outcome, Outcome::Retry { after, reason, detail });
        let outcome = harness(&config).outcome(Err(RequestError::DeadlinePassed));
        let (reason, detail) =
            (FailureReason::ContextDeadlineExceeded, "context deadline exceeded".to_owned());
        assert_eq!(outcome, Outcome::Retry { after, reason, detail });
        let outcome = harness(&config).outcome(Err(RequestError::Denied("denied".into())));
        let (reason, detail) = (FailureReason::AddressDenied, "denied".to_owned());
        assert_eq!(outcome, Outcome::Refused { reason, detail });
    }
}

#[test]
fn keys_are_read_from_their_files_at_each_attempt() {
    let config = Config { routing_key_file: "other.txt".into(), ..given() };
    let (begun, _) = harness(&config).begin(&firing());
    assert_eq!(begun.err(), Some(BeginError::NeedsFile("other.txt".into())));
}

#[test]
fn a_failing_template_does_not_lose_the_event() {
    let bad = "{{ .Nothing }}";
    let mut config = full();
    config.description = bad.into();
    config.client = bad.into();
    config.client_url = bad.into();
    config.source = bad.into();
    config.severity = bad.into();
    config.class = bad.into();
    config.images[0].src = bad.into();
    config.links[0].href = bad.into();
    config.details = BTreeMap::from([
        ("good".into(), AnyValue::Text("{{ .Status }}".into())),
        ("bad".into(), AnyValue::Text(bad.into())),
    ]);
    let (begun, faults) = harness(&config).begin(&firing());
    let fields: Vec<&str> = faults.iter().map(|fault| &*fault.field).collect();
    let all = [
        "description",
        "details",
        "client",
        "client_url",
        "source",
        "severity",
        "class",
        "images",
        "links",
    ];
    assert_eq!(fields, all);
    assert!(begun.is_ok());
    let transcript = harness(&config).transcript(&firing(), [answer(202, "")]);
    for piece in [
        r#""summary":"[FIRING:1] alertname=\"Disk\" [the template of description failed"#,
        r#""source":"Alertmanager","severity":"error","component":"critical","group":"gr""#,
        r#""custom_details":{"bad":"[FIRING:1] alertname=\"Disk\" [the template of details failed"#,
        r#""good":"firing"}},"client":"Alertmanager"}"#,
    ] {
        assert!(transcript.contains(piece), "no {piece} in {transcript}");
    }
}

#[test]
fn the_answer_decides_between_success_retry_and_refusal() {
    use FailureReason::{AuthError, ClientError, Other, RateLimited, ServerError};
    let invalid =
        r#"{"status":"invalid event","message":"Event object is invalid","errors":["a","b"]}"#;
    let explained = "unexpected status code 400: Event object is invalid: a,b";
    // Status, body, text; then for each version whether it is tried again, and why it failed.
    let table = [
        (400, invalid, explained, (false, ClientError), (false, ClientError)),
        (400, "rubbish", "unexpected status code 400", (false, ClientError), (false, ClientError)),
        (400, "{}", "unexpected status code 400: : ", (false, ClientError), (false, ClientError)),
        (401, "", "unexpected status code 401", (false, AuthError), (false, AuthError)),
        (403, invalid, "unexpected status code 403", (true, RateLimited), (false, AuthError)),
        (404, "", "unexpected status code 404", (false, ClientError), (false, ClientError)),
        (429, "slow", "unexpected status code 429", (true, RateLimited), (true, RateLimited)),
        (500, "why", "unexpected status code 500", (true, ServerError), (true, ServerError)),
        (302, "", "unexpected status code 302", (false, Other), (false, Other)),
    ];
    let expected = |(again, reason): (bool, FailureReason), detail: &str| match again {
        true => Outcome::Retry { after: None, reason, detail: detail.into() },
        false => Outcome::Refused { reason, detail: detail.into() },
    };
    for (status, body, text, first, second) in table {
        assert_eq!(harness(&v1()).outcome(answer(status, body)), expected(first, text));
        assert_eq!(harness(&v2()).outcome(answer(status, body)), expected(second, text));
    }
    for config in [v1(), v2()] {
        let delivered = Outcome::Delivered { remember: Remembered::default() };
        assert_eq!(harness(&config).outcome(answer(202, "rubbish")), delivered);
    }
}

#[test]
fn retry_after_is_kept() {
    let slow_down = || {
        answer(429, "").map(|mut response| {
            response.retry_after = Some(Duration::from_secs(7));
            response
        })
    };
    for config in [v1(), v2()] {
        let outcome = harness(&config).outcome(slow_down());
        assert!(
            matches!(outcome, Outcome::Retry { after: Some(after), .. } if after.as_secs() == 7),
            "{outcome:?}"
        );
    }
}

#[test]
fn the_configured_timeout_is_used() {
    let config = Config { timeout: Duration::from_millis(1500), ..v2() };
    assert_eq!(harness(&config).request(&firing()).timeout, Some(Duration::from_millis(1500)));
    let outcome = harness(&config).outcome(Err(RequestError::TimedOut(config.timeout)));
    assert_eq!(
        outcome,
        Outcome::Retry {
            after: None,
            reason: FailureReason::ContextDeadlineExceeded,
            detail: "context deadline exceeded: configured pagerduty timeout reached (1.5s)".into()
        }
    );
}

#[test]
fn debug_output_does_not_show_a_key() {
    for config in [v1(), v2()] {
        let mut templates = crate::tests::templates();
        let built = PagerDuty::build(&config, &mut templates).expect("it can be built");
        let request = harness(&config).request(&firing());
        let printed = format!("{built:?} {request:?}");
        assert!(!printed.contains("-default"), "{printed}");
    }
}
