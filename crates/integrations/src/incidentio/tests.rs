//! The requests in `tests/` are those of the Go Alertmanager 0.35 with the same configuration and
//! alerts, byte for byte, but for the count of alerts that a body too large leaves out.

use std::time::Duration;

use bellwether_model::{FailureReason, Notification, Outcome, Reason, Secret};

use super::IncidentIo;
use super::config::Config;
use super::message::BODY_BYTES_MAX;
use crate::exchange::Step;
use crate::http::RequestError;
use crate::outcome::{BeginError, delivered};
use crate::tests::{Harness, answer, check_snapshot, firing, many, mixed, resolved};

fn plain() -> Config {
    Config {
        url: "http://receiver.example/io-default".into(),
        alert_source_token: Secret::new("io-tok"),
        ..Config::default()
    }
}

fn harness(config: &Config) -> Harness {
    Harness::new(|templates| IncidentIo::build(config, templates))
        .file("key.txt", "file-key\n")
        .file("url.txt", " http://receiver.example/from-file\n")
}

#[track_caller]
fn check(snapshot: &str, config: &Config, notification: &Notification, reason: Reason) {
    let notification = Notification { reason, ..notification.clone() };
    let transcript = harness(config).transcript(&notification, [answer(200, "")]);
    let requests = transcript.strip_suffix(&format!("{:?}\n", delivered()));
    check_snapshot(&format!("incidentio/tests/{snapshot}.txt"), requests.expect("it is delivered"));
}

#[test]
fn requests_equal_those_of_the_go_program() {
    check("default.mixed", &plain(), &mixed(), Reason::SomeAlertsResolved);
    check("default.resolved", &plain(), &resolved(), Reason::AllAlertsResolved);
    let one = Config {
        url: "http://receiver.example/io-one".into(),
        alert_source_token: Secret::default(),
        alert_source_token_file: "key.txt".into(),
        max_alerts: 1,
        ..Config::default()
    };
    check("one.mixed", &one, &mixed(), Reason::SomeAlertsResolved);
}

#[test]
fn metadata_follows_the_alerts_its_values_rendered_and_its_keys_not() {
    let pairs = [("n", "{{ len .Alerts }}"), ("a{{ 1 }}", "x\"y<"), ("bad", "{{ .Nothing }}")];
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = Config { metadata: pairs.into(), ..plain() };
    let (begun, faults) = harness(&config).begin(&firing());
    let Step::Send(request) = begun.expect("it begins").begin() else { panic!("it is sent") };
    let body = String::from_utf8(request.body.to_vec()).expect("JSON is UTF-8");
    let (_, metadata) = body.split_once(r#","truncatedAlerts":0,"#).expect("a count");
    let start = r#""metadata":{"a{{ 1 }}":"x\"y\u003c","bad":"[FIRING:1] "#;
    assert!(metadata.starts_with(start), "{metadata}");
    assert!(metadata.ends_with(",\"n\":\"1\"}}\n"), "{metadata}");
    assert_eq!((faults.len(), &*faults[0].field), (1, "metadata"));
}

#[test]
fn a_body_that_is_too_large_keeps_one_alert_and_counts_the_others() {
    check("default.too_large", &plain(), &many(3000), Reason::NewAlertsAdded);
    let limited = Config { max_alerts: 2500, ..plain() };
    let body = harness(&limited).request(&many(3000)).body;
    let body = String::from_utf8(body.to_vec()).expect("JSON is UTF-8");
    assert!(body.ends_with("\"truncatedAlerts\":2999}\n"), "{body}");
    assert_eq!(body.matches("fingerprint").count(), 1);
}

#[test]
fn the_largest_body_that_is_taken_is_whole() {
    let size = |count| harness(&plain()).request(&many(count)).body.len();
    let each = size(3) - size(2);
    let most = 2 + (BODY_BYTES_MAX - size(2)) / each;
    assert!(size(most) > BODY_BYTES_MAX - each && size(most) <= BODY_BYTES_MAX);
    assert!(size(most + 1) < 2 * each + size(2));
}

#[test]
fn url_and_token_may_be_in_files() {
    let config = Config {
        url_file: "url.txt".into(),
        alert_source_token_file: "key.txt".into(),
        timeout: Duration::from_secs(3),
        ..Config::default()
    };
    let request = harness(&config).request(&firing());
    assert_eq!(request.url.reveal(), "http://receiver.example/from-file");
    let authorization = ("Authorization".to_owned(), "Bearer file-key".to_owned());
    assert_eq!(request.headers.last(), Some(&authorization));
    assert_eq!(request.timeout, Some(Duration::from_secs(3)));

    let config = Config { alert_source_token_file: "other.txt".into(), ..config };
    let (begun, _) = harness(&config).begin(&firing());
    assert_eq!(begun.err(), Some(BeginError::NeedsFile("other.txt".into())));
}

#[test]
fn without_a_token_authorization_is_left_to_the_client() {
    let config = Config { alert_source_token: Secret::default(), ..plain() };
    let request = harness(&config).request(&firing());
    assert!(request.headers.iter().all(|(name, _)| name != "Authorization"));
}

#[test]
fn the_answer_decides_between_success_retry_and_refusal() {
    use FailureReason::{AuthError, ClientError, Other, RateLimited, ServerError};
    let all = r#"{"message":"m","error":"e","errors":["a","b"]}"#;
    for (status, body, text, again, reason) in [
        (302, "", "", false, Other),
        (400, all, ": m: e: a, b", false, ClientError),
        (401, r#"{"error":"e"}"#, ": e", false, AuthError),
        (422, r#"{"errors":["a"]}"#, ": a", false, ClientError),
        (422, "rubbish", "", false, ClientError),
        (429, r#"{"message":"m"}"#, ": m", true, RateLimited),
        (500, "[]", "", true, ServerError),
    ] {
        let detail = format!("unexpected status code {status}{text}");
        let expected = match again {
            true => Outcome::Retry { after: None, reason, detail },
            false => Outcome::Refused { reason, detail },
        };
        assert_eq!(harness(&plain()).outcome(answer(status, body)), expected);
    }
    harness(&plain()).check_retry_after();
    let timed_out = RequestError::TimedOut(Duration::from_secs(3));
    let detail = "context deadline exceeded: configured incident.io timeout reached (3s)".into();
    assert_eq!(
        harness(&plain()).outcome(Err(timed_out)),
        Outcome::Retry { after: None, reason: Other, detail }
    );
}

#[test]
fn debug_output_does_not_show_url_or_token() {
    let mut templates = crate::tests::templates();
    let built = IncidentIo::build(&plain(), &mut templates).expect("it can be built");
    let printed = format!("{built:?} {:?}", harness(&plain()).request(&firing()));
    assert!(!printed.contains("io-"), "{printed}");
}
