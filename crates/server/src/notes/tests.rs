use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_engine::{GiveUpCause, Note, Suppression};
use bellwether_model::{
    FailureReason, GroupKey, IntegrationId, Matcher, Matchers, Op, Reason, Silence, Timestamp,
};

use super::{SilenceLog, failure_text, matchers_text, record, whole_seconds};
use crate::features::Features;
use crate::metrics::{Form, Metrics, Snapshot};

fn integration() -> IntegrationId {
    IntegrationId { receiver: "team".into(), kind: Arc::from("webhook"), index: 0 }
}

/// Checks the lines of `/metrics` that are not zero once the notes are recorded.
fn check(notes: &[Note], expected: &[&str]) {
    let metrics = Metrics::new(Features::default());
    for note in notes {
        record(note, &metrics, SilenceLog::Info);
    }
    let text = metrics.text(&Snapshot::default(), Form::Classic);
    let moved: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("alertmanager_") && !line.ends_with(" 0"))
        .filter(|line| !line.starts_with("alertmanager_build_info"))
        .collect();
    assert_eq!(moved, expected);
}

#[test]
fn alerts_are_counted_by_status() {
    check(
        &[Note::AlertsReceived { firing: 2, resolved: 1, invalid: 3 }],
        &[
            "alertmanager_alerts_invalid_total{version=\"v2\"} 3",
            "alertmanager_alerts_received_total{status=\"firing\",version=\"v2\"} 2",
            "alertmanager_alerts_received_total{status=\"resolved\",version=\"v2\"} 1",
        ],
    );
}

#[test]
fn a_delivery_counts_once_and_each_of_its_attempts() {
    let key = GroupKey::from_text("{}:{}");
    let started = |number| Note::AttemptStarted {
        key: key.clone(),
        integration: integration(),
        number,
        reason: Reason::FirstNotification,
    };
    let failed = |retry| Note::AttemptFailed {
        key: key.clone(),
        integration: integration(),
        number: 1,
        reason: FailureReason::ServerError,
        detail: "unexpected status code 500".into(),
        retry,
        is_news: retry,
    };
    let given_up = Note::DeliveryFailed {
        key: key.clone(),
        integration: integration(),
        attempts: 2,
        alerts: 1,
        reason: FailureReason::ClientError,
        detail: "unexpected status code 400".into(),
        cause: GiveUpCause::Refused,
    };
    check(
        &[started(1), failed(true), started(2), failed(false), given_up],
        &[
            "alertmanager_notification_requests_failed_total{integration=\"webhook\"} 2",
            "alertmanager_notification_requests_total{integration=\"webhook\"} 2",
            "alertmanager_notifications_failed_total{integration=\"webhook\",reason=\"clientError\"} 1",
            "alertmanager_notifications_total{integration=\"webhook\"} 1",
        ],
    );
}

#[test]
fn limits_and_suppressions_are_counted() {
    check(
        &[
            Note::AlertLimitReached { alertname: "Disk".into() },
            Note::GroupLimitReached {
                route: "{}".into(),
                alertname: "Disk".into(),
                groups: 5,
                limit: 5,
            },
            Note::Suppressed { cause: Suppression::Silence, alerts: 4 },
        ],
        &[
            "alertmanager_alerts_limited_total 1",
            "alertmanager_dispatcher_aggregation_group_limit_reached_total 1",
            "alertmanager_notifications_suppressed_total{reason=\"silence\"} 4",
        ],
    );
}

#[test]
fn a_failed_delivery_has_the_error_of_the_go_server() {
    assert_eq!(
        failure_text(&integration(), 1, "unexpected status code 400: no", GiveUpCause::Refused),
        "team/webhook[0]: notify retry canceled due to unrecoverable error after 1 attempts: \
         unexpected status code 400: no"
    );
    assert_eq!(
        failure_text(&integration(), 3, "connection refused", GiveUpCause::DeadlineReached),
        "team/webhook[0]: notify retry canceled after 3 attempts: connection refused"
    );
}

#[test]
fn a_silence_is_logged_with_the_values_of_the_go_server() {
    let matchers = [
        Matcher::new("alertname", Op::Matches, "Disk.*").unwrap(),
        Matcher::new("team", Op::NotEqual, "two words").unwrap(),
    ];
    let silence = Silence {
        id: "1".into(),
        matcher_sets: vec![Matchers::new(matchers.to_vec())],
        starts_at: Timestamp::from_unix(1_700_000_000, 5),
        ends_at: Timestamp::from_unix(1_700_003_600, 999_999_999),
        updated_at: Timestamp::ZERO,
        created_by: "me".into(),
        comment: String::new(),
        annotations: BTreeMap::new(),
    };
    assert_eq!(matchers_text(&silence), "alertname=~Disk.*,team!=two words");
    assert_eq!(whole_seconds(silence.starts_at), "2023-11-14T22:13:20Z");
    assert_eq!(whole_seconds(silence.ends_at), "2023-11-14T23:13:20Z");
}
