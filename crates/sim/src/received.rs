//! What receivers got.
//!
//! Only what truly arrived is in it, whichever node sent it, and whether or not that node ever gets
//! an answer. What contains nothing new, or contradicts what was sent before, is an [`Anomaly`]:
//! something must explain it.

use std::collections::BTreeMap;
use std::time::Duration;

use bellwether_engine::DeliveryId;
use bellwether_model::{Fingerprint, GroupKey, IntegrationId, Notification, Timestamp};

use crate::actors::{AlertState, SentAlert};
use crate::node::Delivered;
use crate::plans::REPEAT;

#[derive(Debug, Default)]
pub struct Received {
    /// How long at most a notification waits for the disk after it is decided: by so much one may
    /// come early.
    waits_max: Duration,
    groups: BTreeMap<(IntegrationId, GroupKey), GroupReceived>,
    alerts: BTreeMap<(IntegrationId, Fingerprint), AlertReceived>,
    pub notifications: u64,
    pub repeated: u64,
}

/// The last notification that an integration got of a group.
#[derive(Clone, Debug)]
struct GroupReceived {
    firing: Vec<Fingerprint>,
    at: Duration,
    sender: (usize, DeliveryId),
    /// Whether the sender does not know that it arrived.
    in_doubt: bool,
    /// Whether another node waited for an answer about the same group. Which of the two the receiver
    /// took last is not known, and the node whose answer comes last records its own.
    is_race: bool,
}

/// The last state of an alert that an integration got.
#[derive(Clone, Copy, Debug)]
pub struct AlertReceived {
    pub firing: bool,
    pub starts_at: Timestamp,
    pub at: Duration,
    /// Whether no "resolved" needs to follow.
    pub end_waived: bool,
}

/// A notification that should not be.
#[derive(Debug)]
pub struct Anomaly {
    pub what: String,
    pub is_repetition: bool,
    /// What happened since then may explain it.
    pub since: Duration,
}

impl Received {
    pub fn new(waits_max: Duration) -> Self {
        Received { waits_max, ..Received::default() }
    }

    /// Records what arrived, and whether another node still tried then.
    pub fn record(
        &mut self,
        at: Duration,
        (node, delivery): (usize, DeliveryId),
        is_race: bool,
        notification: &Notification,
        sent: &[SentAlert],
    ) -> Vec<Anomaly> {
        self.notifications += 1;
        let key = (notification.integration.clone(), notification.group_key.clone());
        let firing = notification.alerts.iter().filter(|a| !a.resolved_at(notification.now));
        let firing: Vec<Fingerprint> = firing.map(|a| a.fingerprint).collect();
        let mut anomalies = self.contradictions(notification, sent);
        if let Some(last) = self.groups.get(&key)
            && !self.is_new(at, last, &firing, notification)
        {
            self.repeated += 1;
            if !last.in_doubt && !last.is_race {
                let (reason, by) = (notification.reason.text(), last.sender.0);
                let what = format!("repeats ({reason}) what n{by:02} sent at {:?}", last.at);
                anomalies.push(Anomaly { what, is_repetition: true, since: last.at });
            }
        }
        for alert in &notification.alerts {
            let (firing, starts_at) = (!alert.resolved_at(notification.now), alert.starts_at);
            let received = AlertReceived { firing, starts_at, at, end_waived: false };
            self.alerts.insert((key.0.clone(), alert.fingerprint), received);
        }
        let sender = (node, delivery);
        let received = GroupReceived { firing, at, sender, in_doubt: true, is_race };
        self.groups.insert(key, received);
        anomalies
    }

    /// The node has taken the outcome, and what it recorded of it is durable.
    pub fn confirm(&mut self, node: usize, delivered: Delivered) {
        let Delivered { integration, group, delivery } = delivered;
        if let Some(last) = self.groups.get_mut(&(integration, group))
            && last.sender == (node, delivery)
        {
            last.in_doubt = false;
        }
    }

    pub fn alert(&self, integration: &IntegrationId, alert: Fingerprint) -> Option<&AlertReceived> {
        self.alerts.get(&(integration.clone(), alert))
    }

    /// No "resolved" needs to follow where no node knows of the "firing" any more, or where a new
    /// configuration no longer sends the alert.
    pub fn waive_ends(
        &mut self,
        is_waived: impl Fn(&IntegrationId, Fingerprint, &AlertReceived) -> bool,
    ) {
        for ((integration, alert), received) in &mut self.alerts {
            received.end_waived |= is_waived(integration, *alert, received);
        }
    }

    fn is_new(
        &self,
        at: Duration,
        last: &GroupReceived,
        firing: &[Fingerprint],
        notification: &Notification,
    ) -> bool {
        let integration = &notification.integration;
        let has_new_alert = notification.alerts.iter().any(|alert| {
            let firing = !alert.resolved_at(notification.now);
            let received = self.alert(integration, alert.fingerprint);
            received.is_none_or(|r| r.firing != firing || r.starts_at != alert.starts_at)
        });
        // An integration that gets no "resolved" cannot distinguish a repetition from an alert that ended
        // and came back.
        let gets_no_resolved = *integration.kind == *"email";
        has_new_alert
            || gets_no_resolved
            || firing.iter().any(|alert| !last.firing.contains(alert))
            || at + self.waits_max > last.at + REPEAT
    }

    /// Firing after resolved though it did not fire again, and resolved though it fires again. Where it
    /// has ended again, a "resolved" is right with either start: a node that was restarted takes two
    /// incidents for one if the second began before the time that it gives senders was over.
    fn contradictions(&self, notification: &Notification, sent: &[SentAlert]) -> Vec<Anomaly> {
        let mut anomalies = Vec::new();
        for alert in &notification.alerts {
            let received = self.alert(&notification.integration, alert.fingerprint);
            let truth = sent.iter().find(|sent| sent.fingerprint == alert.fingerprint);
            let (Some(received), Some(truth)) = (received, truth) else { continue };
            let labels = &alert.labels;
            let firing = !alert.resolved_at(notification.now);
            let has_ended = truth.state != AlertState::Firing && truth.changed_at < received.at;
            if firing && !received.firing && has_ended {
                let what = format!("says that {labels} fires, after it was sent as resolved");
                anomalies.push(Anomaly { what, is_repetition: false, since: truth.changed_at });
            }
            let is_old = alert.starts_at < received.starts_at;
            if !firing && received.firing && is_old && !truth.has_ended(notification.now) {
                let what = format!("says that {labels} ended, of before it fired again");
                anomalies.push(Anomaly { what, is_repetition: false, since: received.at });
            }
        }
        anomalies
    }
}
