//! What deliveries and peers write into the notification log.
//!
//! Every entry goes to disk. Those that say what has been notified go to all peers too; those that
//! an attempt merely intends do not.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{GroupKey, Now, Remembered, Timestamp};

use super::Notification;
use crate::deliveries::{Delivery, Intent};
use crate::notification_log::FromPeer;
use crate::record::{Record, wire};
use crate::replicated::{Ascending, LogEntry, LogKey, Notified};
use crate::turn::{Channel, Turn};

impl Notification {
    /// Records what an integration was notified of at `notified_at`.
    pub(super) fn record(
        &mut self,
        notified_at: Timestamp,
        delivery: &Delivery,
        notified: Notified,
        remembered: Remembered,
        turn: &mut Turn,
    ) {
        let at = self.log.next_timestamp(&delivery.key, notified_at);
        let lasts = delivery.lasts(self.retention);
        let entry = LogEntry::new(delivery.key.clone(), notified, at, lasts);
        let entry = LogEntry { remembered, ..entry };
        self.broadcast(&entry, turn);
        self.log.merge(entry.clone());
        self.log.notified_at(&delivery.key, notified_at);
        turn.keep.push(Record::LogEntry(entry));
    }

    /// Records what an attempt may change: if its outcome is never known, or the process is killed
    /// before, neither the old nor the new is certain.
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
        let mut entry = self.log.find(&delivery.key).cloned().unwrap_or_else(|| {
            let lasts = delivery.lasts(self.retention);
            LogEntry::new(delivery.key.clone(), Notified::default(), now.wall, lasts)
        });
        self.log.forget_left_out(&delivery.key);
        let uncertain = entry.notified.uncertain_during(notified);
        if uncertain == entry.notified {
            return None;
        }
        let before = std::mem::replace(&mut entry.notified, uncertain);
        let at = self.amend(entry, turn);
        Some(Intent { at, before })
    }

    /// Undoes the intent of an attempt that certainly notified no receiver.
    pub(super) fn roll_back(&mut self, key: &LogKey, intent: Intent, turn: &mut Turn) {
        let Intent { at, before } = intent;
        if let Some(entry) = self.log.find(key).filter(|entry| entry.at == at) {
            let entry = LogEntry { notified: before, ..entry.clone() };
            self.amend(entry, turn);
        }
    }

    /// Records that alerts resolved of which an integration without `send_resolved` was notified, so
    /// that it is notified again when they fire again. The time of its last notification stays, and
    /// so does what fires: of an alert that began meanwhile nobody was notified.
    pub(super) fn note_resolved(
        &mut self,
        delivery: &Delivery,
        mut notified: Notified,
        turn: &mut Turn,
    ) {
        let Some(entry) = self.log.find(&delivery.key) else { return };
        let mut resolved = Ascending::of(&notified.resolved);
        let has_resolved = |hash: &u64| resolved.contains(*hash);
        if delivery.integration.send_resolved || !entry.notified.firing.iter().any(has_resolved) {
            return;
        }
        notified.firing.retain(|hash| entry.notified.firing.binary_search(hash).is_ok());
        let entry = LogEntry { notified, ..entry.clone() };
        self.amend_and_broadcast(entry, turn);
    }

    /// Records which alerts are suppressed now, if that is recorded at all. The time of the last
    /// notification stays: a repetition must not be put off.
    pub(super) fn note_muted(&mut self, key: &LogKey, muted: &[u64], turn: &mut Turn) {
        let entry = self.log.find(key).filter(|entry| entry.notified.muted != muted);
        let Some(entry) = entry.filter(|_| self.logs_muted) else { return };
        let notified = Notified { muted: muted.to_vec(), ..entry.notified.clone() };
        self.amend_and_broadcast(LogEntry { notified, ..entry.clone() }, turn);
    }

    /// Merges an entry of a peer, and lets the delivery that waits for it look again.
    pub fn merge_peer_entry(&mut self, now: Now, entry: LogEntry, turn: &mut Turn) -> FromPeer {
        let merged = self.log.merge_from_peer(entry.clone(), now);
        match &merged {
            FromPeer::Merged { concurrent, .. } => {
                if let Some(id) = self.deliveries.waiting_for(&entry.key) {
                    self.deliveries.reschedule(id, now.mono);
                }
                turn.keep.push(Record::LogEntry(entry.clone()));
                if let Some(own) = concurrent {
                    self.keep_contradicted_pending(&entry, own, turn);
                }
            }
            FromPeer::Late { not_pending } => {
                self.resolve_not_pending(&entry.key, not_pending, turn)
            }
            FromPeer::Known => {}
        }
        merged
    }

    /// Restores what entries of peers left out: the peers never knew these alerts, behind a partition
    /// perhaps. Those that this node knows, by its groups' members in `known`, become resolve
    /// pending; for the others, a node that knows them does the same, or has notified the resolve.
    pub fn keep_resolves_pending(
        &mut self,
        now: Now,
        missing: BTreeMap<LogKey, Vec<u64>>,
        known: &BTreeMap<GroupKey, BTreeSet<u64>>,
        turn: &mut Turn,
    ) {
        for (key, mut hashes) in missing {
            hashes.retain(|hash| known.get(&key.group).is_some_and(|known| known.contains(hash)));
            let Some(entry) = self.log.find(&key).filter(|_| !hashes.is_empty()) else {
                continue;
            };
            let mut notified = entry.notified.clone();
            let resolved = self.log.resolved_lately(&key, now.mono);
            hashes.retain(|hash| !notified.mentions(*hash) && !resolved.contains(hash));
            if hashes.is_empty() {
                continue;
            }
            notified.resolve_pending.extend(hashes);
            notified.resolve_pending.sort_unstable();
            notified.resolve_pending.dedup();
            let entry = LogEntry { notified, ..entry.clone() };
            self.amend_and_broadcast(entry, turn);
        }
    }

    /// A peer made `entry` while the receiver had not answered this node yet. Which of the two came last
    /// is not known.
    fn keep_contradicted_pending(&mut self, entry: &LogEntry, own: &Notified, turn: &mut Turn) {
        let notified = entry.notified.clone().merged_with_concurrent(own);
        if notified != entry.notified {
            self.amend_and_broadcast(LogEntry { notified, ..entry.clone() }, turn);
        }
    }

    /// These were notified as resolved, as an entry says that came too late.
    fn resolve_not_pending(&mut self, key: &LogKey, hashes: &[u64], turn: &mut Turn) {
        let Some(entry) = self.log.find(key).filter(|_| !hashes.is_empty()) else { return };
        let mut notified = entry.notified.clone();
        notified.resolve_pending.retain(|hash| !hashes.contains(hash));
        // Not to mention them would make them pending again, on nodes that did not know better.
        notified.resolved.extend(hashes);
        notified.resolved.sort_unstable();
        notified.resolved.dedup();
        let entry = LogEntry { notified, ..entry.clone() };
        self.amend_and_broadcast(entry, turn);
    }

    fn amend_and_broadcast(&mut self, entry: LogEntry, turn: &mut Turn) {
        let key = entry.key.clone();
        self.amend(entry, turn);
        if let Some(entry) = self.log.find(&key) {
            self.broadcast(entry, turn);
        }
    }

    /// Replaces what an entry says was notified, but not when; returns its new timestamp.
    fn amend(&mut self, entry: LogEntry, turn: &mut Turn) -> Timestamp {
        let at = self.log.next_timestamp(&entry.key, entry.at);
        let entry = LogEntry { at, wire: None, ..entry };
        self.log.amend(entry.clone());
        turn.keep.push(Record::LogEntry(entry));
        at
    }

    fn broadcast(&self, entry: &LogEntry, turn: &mut Turn) {
        if self.has_peers {
            turn.broadcast(Channel::NotificationLog, &wire::encode_entry(entry));
        }
    }
}
