//! The book that receivers keep of what a cluster told them.
//!
//! Only what truly arrived stands in it, whoever told it, and whether or not that node ever learns
//! of it. What says nothing new, or contradicts what was said before, is an [`Oddity`]: something
//! must explain it.

use std::collections::BTreeMap;
use std::time::Duration;

use bellwether_engine::DeliveryId;
use bellwether_model::{Fingerprint, GroupKey, IntegrationId, Notification, Timestamp};

use super::host::Delivered;
use super::people::{Sent, SentState};
use crate::plans::FLOCK_REPEAT;

#[derive(Debug, Default)]
pub struct Book {
    pages: BTreeMap<(IntegrationId, GroupKey), Page>,
    mentions: BTreeMap<(IntegrationId, Fingerprint), Mention>,
    pub notifications: u64,
    pub repeated: u64,
}

/// The last thing that an integration heard about a group.
#[derive(Clone, Debug)]
struct Page {
    firing: Vec<Fingerprint>,
    at: Duration,
    teller: (usize, DeliveryId),
    /// Whether the teller does not know that it arrived.
    in_doubt: bool,
}

/// The last thing that an integration heard about an alert.
#[derive(Clone, Copy, Debug)]
pub struct Mention {
    pub firing: bool,
    pub starts_at: Timestamp,
    pub at: Duration,
    /// Nobody who knows of it is left.
    pub forgotten: bool,
}

/// A notification that should not be.
#[derive(Debug)]
pub struct Oddity {
    pub what: String,
    /// What happened since then may explain it.
    pub since: Duration,
}

impl Book {
    /// Writes down what arrived.
    pub fn enter(
        &mut self,
        at: Duration,
        node: usize,
        delivery: DeliveryId,
        told: &Notification,
        sent: &[Sent],
    ) -> Vec<Oddity> {
        self.notifications += 1;
        let key = (told.integration.clone(), told.group_key.clone());
        let firing = told.alerts.iter().filter(|a| !a.resolved_at(told.now));
        let firing: Vec<Fingerprint> = firing.map(|a| a.fingerprint).collect();
        let mut oddities = self.contradictions(told, sent);
        if let Some(page) = self.pages.get(&key)
            && !self.is_news(at, page, &firing, told)
        {
            self.repeated += 1;
            if !page.in_doubt {
                let (what, by) = (told.reason.text(), page.teller.0);
                let what = format!("repeats ({what}) what n{by:02} told at {:?}", page.at);
                oddities.push(Oddity { what, since: page.at });
            }
        }
        for alert in &told.alerts {
            let firing = !alert.resolved_at(told.now);
            let mention = Mention { firing, starts_at: alert.starts_at, at, forgotten: false };
            self.mentions.insert((told.integration.clone(), alert.fingerprint), mention);
        }
        let teller = (node, delivery);
        self.pages.insert(key, Page { firing, at, teller, in_doubt: true });
        oddities
    }

    /// The node has taken the answer, and what it noted of it is durable.
    pub fn confirm(&mut self, node: usize, delivered: Delivered) {
        let Delivered { integration, group, delivery } = delivered;
        if let Some(page) = self.pages.get_mut(&(integration, group))
            && page.teller == (node, delivery)
        {
            page.in_doubt = false;
        }
    }

    pub fn mention(&self, integration: &IntegrationId, alert: Fingerprint) -> Option<Mention> {
        self.mentions.get(&(integration.clone(), alert)).copied()
    }

    /// What nobody remembers who is left need not be ended.
    pub fn forget(&mut self, is_forgotten: impl Fn(&IntegrationId, Fingerprint, &Mention) -> bool) {
        for ((integration, alert), mention) in &mut self.mentions {
            mention.forgotten |= is_forgotten(integration, *alert, mention);
        }
    }

    fn is_news(
        &self,
        at: Duration,
        page: &Page,
        firing: &[Fingerprint],
        told: &Notification,
    ) -> bool {
        let is_new = |alert: &bellwether_model::Alert, firing: bool| {
            let mention = self.mention(&told.integration, alert.fingerprint);
            mention.is_none_or(|m| m.firing != firing || m.starts_at != alert.starts_at)
        };
        let new_alert = told.alerts.iter().any(|alert| is_new(alert, !alert.resolved_at(told.now)));
        // What wants no "resolved" cannot tell a repetition from an alert that ended and came back.
        let hears_no_ends = *told.integration.kind == *"email";
        new_alert
            || hears_no_ends
            || firing.iter().any(|alert| !page.firing.contains(alert))
            || at > page.at + FLOCK_REPEAT
    }

    /// Firing after resolved though it did not fire again, and resolved though it fires again.
    fn contradictions(&self, told: &Notification, sent: &[Sent]) -> Vec<Oddity> {
        let mut oddities = Vec::new();
        for alert in &told.alerts {
            let mention = self.mention(&told.integration, alert.fingerprint);
            let truth = sent.iter().find(|sent| sent.fingerprint == alert.fingerprint);
            let (Some(mention), Some(truth)) = (mention, truth) else { continue };
            let labels = &alert.labels;
            let firing = !alert.resolved_at(told.now);
            let has_ended = truth.state != SentState::Firing && truth.changed_at < mention.at;
            if firing && !mention.firing && has_ended {
                let what = format!("tells that {labels} fires, after it was told to have ended");
                oddities.push(Oddity { what, since: truth.changed_at });
            }
            if !firing && mention.firing && alert.starts_at < mention.starts_at {
                let what = format!("tells of an end of {labels} before it fired again");
                oddities.push(Oddity { what, since: mention.at });
            }
        }
        oddities
    }
}
