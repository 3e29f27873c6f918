//! What deliveries write into the ledger: what they told, are about to tell, or did not tell.
//!
//! Every entry goes to disk; peers are told of those that say what has been told.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{GroupKey, Now, Remembered, Timestamp};

use super::Engine;
use crate::deliveries::{Delivery, Intent};
use crate::notification_log::{LogEntry, LogKey, Notified};
use crate::record::{Record, wire};
use crate::turn::{Channel, Turn};

impl Engine {
    /// Writes down what an integration was told, as it was at `at`.
    pub(super) fn record(
        &mut self,
        at: Timestamp,
        delivery: &Delivery,
        notified: Notified,
        remembered: Remembered,
        turn: &mut Turn,
    ) {
        let notified_at = at;
        let at = self.notification_log.next_timestamp(&delivery.key, notified_at);
        let lasts = delivery.lasts(self.settings.retention);
        let entry = LogEntry::new(delivery.key.clone(), notified, at, lasts);
        let entry = LogEntry { remembered, ..entry };
        self.broadcast(Channel::NotificationLog, &wire::encode_entry(&entry), turn);
        self.notification_log.merge(entry.clone());
        self.notification_log.notified_at(&delivery.key, notified_at);
        turn.keep.push(Record::LogEntry(entry));
    }

    /// Notes what an attempt is about to change in the receiver's mind: should its answer be lost,
    /// or the process be killed before, neither the old nor the new is certain.
    pub(super) fn record_intent(
        &mut self,
        now: Now,
        delivery: &Delivery,
        notified: &Notified,
        turn: &mut Turn,
    ) -> Option<Intent> {
        if !delivery.integration.send_resolved {
            return None;
        }
        let mut entry = self.notification_log.find(&delivery.key).cloned().unwrap_or_else(|| {
            let lasts = delivery.lasts(self.settings.retention);
            LogEntry::new(delivery.key.clone(), Notified::default(), now.wall, lasts)
        });
        let uncertain = entry.notified.uncertain_during(notified);
        if uncertain == entry.notified {
            return None;
        }
        let before = std::mem::replace(&mut entry.notified, uncertain);
        let at = self.amend(entry, turn);
        Some(Intent { at, before })
    }

    /// What an attempt intent has surely not been told.
    pub(super) fn roll_back(&mut self, key: &LogKey, intent: Intent, turn: &mut Turn) {
        let Intent { at, before } = intent;
        if let Some(entry) = self.notification_log.find(key).filter(|entry| entry.at == at) {
            let entry = LogEntry { notified: before, ..entry.clone() };
            self.amend(entry, turn);
        }
    }

    /// Notes that alerts ended of which a receiver that wants no "resolved" was told, so that it
    /// hears of them again when they fire again. When it was last told stays what it was.
    pub(super) fn note_resolved(
        &mut self,
        delivery: &Delivery,
        notified: Notified,
        turn: &mut Turn,
    ) {
        let Some(entry) = self.notification_log.find(&delivery.key) else { return };
        let has_ended = |hash: &u64| notified.resolved.binary_search(hash).is_ok();
        if delivery.integration.send_resolved || !entry.notified.firing.iter().any(has_ended) {
            return;
        }
        let entry = LogEntry { notified, ..entry.clone() };
        self.amend_and_broadcast(entry, turn);
    }

    /// Entries of peers have replaced those that said that these were told as firing, and do not name
    /// them: the peers have never heard of it, behind a partition perhaps. A "resolved" is still
    /// owed, if this node knows the alert; else whoever knows it says so, or has told the end.
    pub(in crate::engine) fn keep_resolves_pending(
        &mut self,
        missing: BTreeMap<LogKey, Vec<u64>>,
        turn: &mut Turn,
    ) {
        if missing.is_empty() {
            return;
        }
        let mut known: BTreeMap<GroupKey, BTreeSet<u64>> =
            missing.keys().map(|key| (key.group.clone(), BTreeSet::new())).collect();
        for (id, group) in self.groups.iter() {
            if let Some(known) = known.get_mut(&group.key(self.plan.routes.route(id.route))) {
                let members = group.members.iter().filter_map(|member| self.alerts.find(*member));
                known.extend(members.map(|alert| alert.labels.log_hash()));
            }
        }
        for (key, mut hashes) in missing {
            hashes.retain(|hash| known.get(&key.group).is_some_and(|known| known.contains(hash)));
            let Some(entry) = self.notification_log.find(&key).filter(|_| !hashes.is_empty())
            else {
                continue;
            };
            let mut notified = entry.notified.clone();
            hashes.retain(|hash| !notified.names(*hash));
            notified.resolve_pending.extend(hashes);
            notified.resolve_pending.sort_unstable();
            notified.resolve_pending.dedup();
            let entry = LogEntry { notified, ..entry.clone() };
            self.amend_and_broadcast(entry, turn);
        }
    }

    /// As [`Engine::amend`], and peers are told.
    fn amend_and_broadcast(&mut self, entry: LogEntry, turn: &mut Turn) {
        let key = entry.key.clone();
        self.amend(entry, turn);
        if let Some(entry) = self.notification_log.find(&key) {
            self.broadcast(Channel::NotificationLog, &wire::encode_entry(entry), turn);
        }
    }

    /// Replaces what an entry says was told, but not when; returns its new timestamp.
    fn amend(&mut self, entry: LogEntry, turn: &mut Turn) -> Timestamp {
        let at = self.notification_log.next_timestamp(&entry.key, entry.at);
        let entry = LogEntry { at, wire: None, ..entry };
        self.notification_log.amend(entry.clone());
        turn.keep.push(Record::LogEntry(entry));
        at
    }
}
