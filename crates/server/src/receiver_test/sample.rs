//! The sample notification that is sent to test a receiver.
//!
//! Its group is the test's own, so it cannot be confused with a group of a route. It is the same
//! for each test with the same labels: a resolved sample resolves what a firing one opened.

use std::sync::Arc;
use std::time::Duration;

use bellwether_api::ReceiverTest;
use bellwether_model::{
    Alert, GroupKey, IntegrationId, LabelSet, Notification, Reason, Remembered, Timestamp,
};

/// The sample for one integration, as of `now`.
pub fn notification(id: IntegrationId, test: &ReceiverTest, now: Timestamp) -> Notification {
    let alerts: Vec<Arc<Alert>> = (1..=test.alerts).map(|at| alert(test, at, now)).collect();
    let name = alerts.first().map(|alert| alert.name().to_owned()).unwrap_or_default();
    let group_labels = LabelSet::new([("alertname", name.as_str())]);
    Notification {
        group_key: GroupKey::new("{}/{bellwether=\"receivers test\"}", &group_labels),
        integration: id,
        group_labels,
        route_labels: LabelSet::default(),
        reason: match test.resolved {
            true => Reason::AllAlertsResolved,
            false => Reason::FirstNotification,
        },
        now,
        alerts,
        remembered: Remembered::default(),
    }
}

/// The alert with this number, from 1; if there are several, the label `instance` has it.
fn alert(test: &ReceiverTest, at: usize, now: Timestamp) -> Arc<Alert> {
    let instance = format!("sample-{at}");
    let own = (test.alerts > 1).then_some(("instance", instance.as_str()));
    let labels = LabelSet::new(LABELS.into_iter().chain(pairs(&test.labels)).chain(own));
    let annotations = LabelSet::new(ANNOTATIONS.into_iter().chain(pairs(&test.annotations)));
    Arc::new(Alert {
        fingerprint: labels.fingerprint(),
        labels,
        annotations,
        generator_url: "".into(),
        starts_at: now.minus(AGE),
        ends_at: if test.resolved { now } else { now.plus(AGE) },
        updated_at: now,
        timed_out: !test.resolved,
        late_by_s: 0,
    })
}

fn pairs(given: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    given.iter().map(|(name, value)| (name.as_str(), value.as_str()))
}

const AGE: Duration = Duration::from_secs(5 * 60);

const LABELS: [(&str, &str); 2] = [("alertname", "ReceiverTest"), ("severity", "info")];

const ANNOTATIONS: [(&str, &str); 2] = [
    ("summary", "This is a test of the receiver"),
    ("description", "Somebody wants to know whether this arrives. Nothing is wrong."),
];
