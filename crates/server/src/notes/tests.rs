use std::sync::Arc;

use bellwether_engine::{Limit, Note, Suppression};
use bellwether_model::{FailureReason, GroupKey, IntegrationId, Reason};

use super::{SilenceLog, record};
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
    };
    let given_up = Note::DeliveryFailed {
        key: key.clone(),
        integration: integration(),
        attempts: 2,
        reason: FailureReason::ClientError,
        detail: "unexpected status code 400".into(),
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
            Note::LimitReached { limit: Limit::AlertsPerName, subject: "Disk".into() },
            Note::LimitReached { limit: Limit::Groups, subject: "{}:{}".into() },
            Note::Suppressed { cause: Suppression::Silence, alerts: 4 },
        ],
        &[
            "alertmanager_alerts_limited_total 1",
            "alertmanager_dispatcher_aggregation_group_limit_reached_total 1",
            "alertmanager_notifications_suppressed_total{reason=\"silence\"} 4",
        ],
    );
}
