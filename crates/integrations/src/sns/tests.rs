//! The forms, and what the answers of SNS mean.

use std::time::Duration;

use bellwether_model::{FailureReason, Notification, Outcome, Secret};

use super::Sns;
use super::config::{Config, SigV4};
use crate::exchange::Step;
use crate::outcome::delivered;
use crate::tests::{Harness, answer, check_snapshot, firing, many, mixed, resolved};

const TOPIC: &str = "arn:aws:sns:eu-west-1:1:pages";

fn signer() -> SigV4 {
    SigV4 {
        region: "eu-west-1".into(),
        access_key: "AKID".into(),
        secret_key: Secret::new("SECRET"),
        ..SigV4::default()
    }
}

fn topic() -> Config {
    Config { topic_arn: TOPIC.into(), sigv4: signer(), ..Config::default() }
}

fn transcript(config: &Config, notification: &Notification) -> String {
    let harness = Harness::new(|templates| Sns::build(config, templates));
    harness.transcript(notification, [answer(200, "<PublishResponse/>")])
}

/// The decoded fields of the form.
fn fields(config: &Config, notification: &Notification) -> Vec<(String, String)> {
    let harness = Harness::new(|templates| Sns::build(config, templates));
    let (begun, _) = harness.begin(notification);
    let Step::Aws(call) = begun.expect("it begins").begin() else { panic!("no call") };
    url::form_urlencoded::parse(&call.form).into_owned().collect()
}

fn field(config: &Config, notification: &Notification, name: &str) -> Option<String> {
    fields(config, notification)
        .into_iter()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value)
}

fn outcome(status: u16, body: &str) -> Outcome {
    Harness::new(|templates| Sns::build(&topic(), templates)).outcome(answer(status, body))
}

#[test]
fn message_is_published_to_a_topic() {
    check_snapshot("sns/tests/mixed.txt", &transcript(&topic(), &mixed()));
    check_snapshot("sns/tests/resolved.txt", &transcript(&topic(), &resolved()));
}

#[test]
fn a_request_with_every_field_set_matches_its_snapshot() {
    let config = Config {
        api_url: "http://sns.example/{{ .Status }}".into(),
        topic_arn: String::new(),
        target_arn: "arn:{{ .CommonLabels.alertname }}".into(),
        subject: "S {{ .Status }}\nline".into(),
        message: "M ü & {{ .Status }}".into(),
        attributes: [
            ("{{ .Status }}", "{{ .CommonLabels.severity }}"),
            ("empty", "{{ .CommonLabels.nothing }}"),
            ("a", "b"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into(),
        ..topic()
    };
    check_snapshot("sns/tests/full.txt", &transcript(&config, &firing()));
}

#[test]
fn fifo_topic_is_ordered_by_group_and_drops_only_duplicates() {
    let config = Config { topic_arn: format!("{TOPIC}.fifo"), ..topic() };
    let of =
        |notification: &Notification, name| field(&config, notification, name).expect("a field");
    let (begin, end) = (firing(), resolved());
    assert_eq!(of(&begin, "MessageGroupId"), begin.group_key.hash());
    assert_eq!(of(&begin, "MessageGroupId"), of(&end, "MessageGroupId"));
    let key = "MessageDeduplicationId";
    assert_eq!(of(&begin, key), of(&begin, key));
    assert_ne!(of(&begin, key), of(&end, key));
    assert_eq!(field(&topic(), &begin, key), None);
}

#[test]
fn a_long_message_is_cut_between_characters_and_says_so() {
    let long =
        |kind: &str| Config { message: format!("a{}", "ü".repeat(200_000)), ..kind_of(kind) };
    for (kind, most) in [("topic", 256 * 1024), ("phone", 1600)] {
        let fields = fields(&long(kind), &firing());
        let value = |name: &str| {
            let found = fields.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.as_str()).unwrap_or_else(|| panic!("no {name}"))
        };
        let message = value("Message");
        assert!(message.len() <= most && message.len() > most - 40, "{kind}: {}", message.len());
        assert!(message.ends_with("ü…"), "{kind}");
        assert_eq!(value("MessageAttributes.entry.1.Name"), "truncated");
        assert_eq!(value("MessageAttributes.entry.1.Value.StringValue"), "true");
    }
}

#[test]
fn message_of_many_alerts_lists_fewer() {
    let message = field(&kind_of("phone"), &many(500), "Message").expect("a message");
    assert!(message.len() <= 1600, "{}", message.len());
    assert!(message.contains("more alerts did not fit"), "{message}");
}

#[test]
fn a_subject_is_a_short_line() {
    let config = Config { subject: "ü".repeat(200), ..topic() };
    let subject = field(&config, &firing(), "Subject").expect("a subject");
    assert_eq!(subject, format!("{}…", "ü".repeat(98)));
    let config =
        Config { subject: String::new(), message: "{{ .CommonLabels.no }}".into(), ..topic() };
    assert_eq!(field(&config, &firing(), "Subject"), None);
    assert_eq!(field(&config, &firing(), "Message").as_deref(), Some("(no details)"));
}

#[test]
fn failing_templates_are_replaced_but_for_the_target() {
    let config = Config {
        message: "{{ .No.Field }}".into(),
        attributes: [("a".to_owned(), "{{ template \"none\" }}".to_owned())].into(),
        ..topic()
    };
    let shown = transcript(&config, &firing());
    assert!(shown.contains("fault attributes") && shown.contains("fault message"), "{shown}");
    assert!(shown.contains("Delivered") && !shown.contains("MessageAttributes"), "{shown}");
    let config = Config { topic_arn: "{{ .No.Field }}".into(), ..topic() };
    let shown = transcript(&config, &firing());
    assert!(shown.contains("Template("), "{shown}");
}

#[test]
fn the_answer_decides_between_success_retry_and_refusal() {
    let error = |code: &str| {
        format!(
            "<ErrorResponse><Error><Code>{code}</Code><Message>a &amp; b</Message></Error></ErrorResponse>"
        )
    };
    assert_eq!(outcome(200, ""), delivered());
    let refused = |status, reason, code: &str| {
        let detail = format!("unexpected status code {status}: {code}: a & b");
        assert_eq!(outcome(status, &error(code)), Outcome::Refused { reason, detail });
    };
    refused(400, FailureReason::ClientError, "InvalidParameter");
    refused(403, FailureReason::AuthError, "SignatureDoesNotMatch");
    refused(404, FailureReason::ClientError, "NotFound");
    let retried = |status, reason, code: &str| {
        let detail = format!("unexpected status code {status}: {code}: a & b");
        assert_eq!(outcome(status, &error(code)), Outcome::Retry { after: None, reason, detail });
    };
    retried(429, FailureReason::RateLimited, "Throttled");
    retried(400, FailureReason::RateLimited, "Throttling");
    retried(400, FailureReason::RateLimited, "KMSThrottling");
    retried(500, FailureReason::ServerError, "InternalError");
    retried(503, FailureReason::ServerError, "ServiceUnavailable");
    let wait = Some(Duration::from_secs(3));
    let slow = answer(400, &error("Throttling"))
        .map(|response| crate::http::Response { retry_after: wait, ..response });
    let outcome = Harness::new(|templates| Sns::build(&topic(), templates)).outcome(slow);
    assert!(matches!(outcome, Outcome::Retry { after, .. } if after == wait), "{outcome:?}");
}

fn kind_of(kind: &str) -> Config {
    match kind {
        "phone" => Config { topic_arn: String::new(), phone_number: "+4930123".into(), ..topic() },
        _ => topic(),
    }
}
