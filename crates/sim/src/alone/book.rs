//! The book that receivers keep of what they were told.
//!
//! Only what truly arrived stands in it, whether or not the node ever learns of it.

use std::collections::BTreeMap;
use std::time::Duration;

use bellwether_engine::DeliveryId;
use bellwether_model::{Fingerprint, GroupKey, IntegrationId, Notification, Timestamp};

use super::node::Delivered;
use crate::plans::REPEAT;

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
    delivery: DeliveryId,
    /// Whether the node may not know that it arrived.
    in_doubt: bool,
}

/// The last thing that an integration heard about an alert.
#[derive(Clone, Copy, Debug)]
pub struct Mention {
    pub firing: bool,
    pub starts_at: Timestamp,
    /// The operator took the alert away from this integration meanwhile.
    pub excused: bool,
}

impl Book {
    /// Writes down what arrived.
    ///
    /// Promise: it says something new, or the last thing that was said may not be known to the node.
    pub fn enter(
        &mut self,
        at: Duration,
        delivery: DeliveryId,
        told: &Notification,
    ) -> Result<(), String> {
        self.notifications += 1;
        let key = (told.integration.clone(), told.group_key.clone());
        let is_firing = |alert: &Fingerprint| {
            told.alerts.iter().any(|a| a.fingerprint == *alert && !a.resolved_at(told.now))
        };
        let mut firing: Vec<Fingerprint> = told.alerts.iter().map(|a| a.fingerprint).collect();
        firing.retain(is_firing);
        if let Some(page) = self.pages.get(&key)
            && !self.is_news(at, page, &firing, told)
        {
            if !page.in_doubt {
                return Err(format!(
                    "{} was told about {} again, without a reason ({}), last at {:?}: {:?}",
                    told.integration,
                    told.group_key,
                    told.reason.text(),
                    page.at,
                    told.alerts.iter().map(|a| &a.labels).collect::<Vec<_>>()
                ));
            }
            self.repeated += 1;
        }
        for alert in &told.alerts {
            let mention = Mention {
                firing: !alert.resolved_at(told.now),
                starts_at: alert.starts_at,
                excused: false,
            };
            self.mentions.insert((told.integration.clone(), alert.fingerprint), mention);
        }
        self.pages.insert(key, Page { firing, at, delivery, in_doubt: true });
        Ok(())
    }

    /// The node has taken the answer, and what it noted of it is durable.
    pub fn confirm(&mut self, delivered: Delivered) {
        let Delivered { integration, group, delivery } = delivered;
        if let Some(page) = self.pages.get_mut(&(integration, group))
            && page.delivery == delivery
        {
            page.in_doubt = false;
        }
    }

    pub fn mention(&self, integration: &IntegrationId, alert: Fingerprint) -> Option<Mention> {
        self.mentions.get(&(integration.clone(), alert)).copied()
    }

    /// Of what the operator's new plan no longer tells it, an integration need not hear the end.
    pub fn excuse(&mut self, is_told: impl Fn(&IntegrationId, Fingerprint) -> bool) {
        for ((integration, alert), mention) in &mut self.mentions {
            mention.excused |= !is_told(integration, *alert);
        }
    }

    fn is_news(
        &self,
        at: Duration,
        page: &Page,
        firing: &[Fingerprint],
        told: &Notification,
    ) -> bool {
        let new_resolved = told.alerts.iter().filter(|a| a.resolved_at(told.now)).any(|alert| {
            let mention = self.mention(&told.integration, alert.fingerprint);
            mention.is_none_or(|m| m.firing || m.starts_at != alert.starts_at)
        });
        let new_firing = told.alerts.iter().filter(|a| !a.resolved_at(told.now)).any(|alert| {
            let mention = self.mention(&told.integration, alert.fingerprint);
            mention.is_none_or(|m| m.starts_at != alert.starts_at)
        });
        // What wants no "resolved" cannot tell a repetition from an alert that ended and came back.
        let hears_no_ends = *told.integration.kind == *"email";
        new_resolved
            || new_firing
            || hears_no_ends
            || firing.iter().any(|alert| !page.firing.contains(alert))
            || at > page.at + REPEAT
    }
}
