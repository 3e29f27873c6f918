//! The notification log: what was each integration last notified of, and when?
//!
//! In: entries made here, replayed from disk or received from peers. Out: the latest entry for a
//! group and an integration, and what it is known to be worth. An entry is replaced by
//! [`NotificationLog::merge`] alone, which keeps the newer of two and decides ties by content, so
//! that all members of a cluster agree whatever the order in which entries reach them.
//!
//! It decides nothing: that is `deduplication`.

use std::collections::BTreeMap;
use std::time::Duration;

use bellwether_model::{Mono, Now, Timestamp};
use bytes::Bytes;

use crate::record::wire;
use crate::replicated::{LogEntry, LogKey};

#[derive(Debug, Default)]
pub(crate) struct NotificationLog {
    /// Invariant: an entry is only replaced by one that supersedes it.
    entries: BTreeMap<LogKey, LogEntry>,
    /// When an entry of a peer was last merged, by its key. Invariant: only keys of `entries`.
    received: BTreeMap<LogKey, Now>,
    /// Alerts that an entry said were resolved, when a peer's entry replaced it that does not mention
    /// them; and when that happened. Invariant: only keys of `entries`, nothing empty.
    resolved_before: BTreeMap<LogKey, BTreeMap<u64, Mono>>,
    /// Entries whose timestamp is ahead of the clock, with the time at which this was first seen.
    in_future: BTreeMap<LogKey, Timestamp>,
    /// All entries as peers get them, if none has changed since the last request: most of the time
    /// nothing happens, and peers request them every minute.
    encoded: Option<Bytes>,
}

impl NotificationLog {
    pub fn find(&self, key: &LogKey) -> Option<&LogEntry> {
        self.entries.get(key)
    }

    /// Takes the entry if it is newer than the one under its key; returns whether it did.
    pub fn merge(&mut self, entry: LogEntry) -> bool {
        match self.entries.get_mut(&entry.key) {
            Some(known) if !supersedes(&entry, known) => false,
            Some(known) => {
                self.in_future.remove(&entry.key);
                self.encoded = None;
                *known = entry;
                true
            }
            None => {
                self.encoded = None;
                self.entries.insert(entry.key.clone(), entry);
                true
            }
        }
    }

    /// Replaces what an entry says was notified, but not when.
    pub fn amend(&mut self, entry: LogEntry) {
        let (key, in_future) = (entry.key.clone(), self.in_future.get(&entry.key).copied());
        self.merge(entry);
        self.in_future.extend(in_future.map(|seen| (key, seen)));
    }

    /// Takes an entry that a peer sent, if it is newer than the one under its key; then returns the
    /// alerts that were notified as firing by the earlier one, and that the new one does not mention.
    pub fn merge_from_peer(&mut self, entry: LogEntry, now: Now) -> Option<Vec<u64>> {
        let key = entry.key.clone();
        let known = self.entries.get(&key);
        if known.is_some_and(|known| !supersedes(&entry, known)) {
            return None;
        }
        let known = known.map(|known| known.notified.clone()).unwrap_or_default();
        let missing = known.missing_from(&entry.notified);
        self.merge(entry);
        self.note_resolved(&key, known.resolved, now.mono);
        self.received.insert(key, now);
        Some(missing)
    }

    /// Alerts that were lately notified as resolved, ascending, though the entry under this key does
    /// not say so: a peer whose group was emptied since no longer knows them.
    pub fn resolved_lately(&self, key: &LogKey, now: Mono) -> Vec<u64> {
        let resolved = self.resolved_before.get(key).into_iter().flatten();
        resolved
            .filter(|(_, at)| now.since(**at) < PEER_KNOWLEDGE_LASTS)
            .map(|(hash, _)| *hash)
            .collect()
    }

    /// If the entry under this key was lately received from a peer: up to when peers knew more than
    /// this node. A report of an alert that is older is older than what they notified. `lag` is how
    /// far clocks may be behind this one.
    pub fn peers_knew_until(&self, key: &LogKey, now: Mono, lag: Duration) -> Option<Timestamp> {
        let received =
            self.received.get(key).filter(|at| now.since(at.mono) < PEER_KNOWLEDGE_LASTS)?;
        // An old entry may be received only now, or once more.
        let notified_at = self.entries.get(key)?.at;
        Some(received.wall.min(notified_at.plus(lag)))
    }

    /// All entries, each preceded by its length.
    pub fn encode(&mut self) -> Bytes {
        if let Some(encoded) = &self.encoded {
            return encoded.clone();
        }
        let mut log = Vec::with_capacity(self.entries.len() * ENTRY_BYTES_USUAL);
        for entry in self.entries.values() {
            wire::append_message(&mut log, &wire::encode_entry(entry));
        }
        // It is kept for long, so spare capacity would be wasted.
        log.shrink_to_fit();
        let log = Bytes::from(log);
        self.encoded = Some(log.clone());
        log
    }

    /// When the entry under `key` was notified, at the latest, by this node's clock: a timestamp ahead
    /// of the clock must not delay repetitions by as much.
    pub fn notified_at(&mut self, key: &LogKey, now: Timestamp) -> Option<Timestamp> {
        let at = self.entries.get(key)?.at;
        if at <= now {
            self.in_future.remove(key);
            return Some(at);
        }
        let seen = self.in_future.entry(key.clone()).or_insert(now);
        *seen = now.min(*seen);
        Some(*seen)
    }

    /// A timestamp for a new entry under `key`: now, but later than the entry that it replaces,
    /// so that a clock that was set back cannot make it look old.
    pub fn next_timestamp(&self, key: &LogKey, now: Timestamp) -> Timestamp {
        match self.entries.get(key) {
            Some(known) if known.at >= now => known.at.plus(Duration::from_nanos(1)).in_utc(),
            _ => now,
        }
    }

    /// Drops what has expired, except entries that `is_needed` names; returns their keys.
    pub fn collect(
        &mut self,
        now: Timestamp,
        is_needed: impl Fn(&LogEntry) -> bool,
    ) -> Vec<LogKey> {
        let expired = |entry: &LogEntry| entry.expires_at <= now && !is_needed(entry);
        let keys: Vec<LogKey> =
            self.entries.values().filter(|entry| expired(entry)).map(|e| e.key.clone()).collect();
        if !keys.is_empty() {
            self.encoded = None;
        }
        for key in &keys {
            self.received.remove(key);
            self.resolved_before.remove(key);
            self.in_future.remove(key);
            self.entries.remove(key);
        }
        keys
    }

    /// The entry under `key` has replaced one that said that these are resolved.
    fn note_resolved(&mut self, key: &LogKey, resolved: Vec<u64>, now: Mono) {
        let Some(notified) = self.entries.get(key).map(|entry| &entry.notified) else { return };
        let mut resolved_before = self.resolved_before.remove(key).unwrap_or_default();
        resolved_before.extend(resolved.into_iter().map(|hash| (hash, now)));
        resolved_before.retain(|hash, at| {
            let is_lost = !notified.was_notified_firing(*hash)
                && notified.resolved.binary_search(hash).is_err();
            is_lost && now.since(*at) < PEER_KNOWLEDGE_LASTS
        });
        if !resolved_before.is_empty() {
            self.resolved_before.insert(key.clone(), resolved_before);
        }
    }
}

/// The later entry wins; of two at one instant the one that expires later, then by content.
fn supersedes(entry: &LogEntry, known: &LogEntry) -> bool {
    let rank = |entry: &LogEntry| (entry.at, entry.expires_at);
    let by_time = rank(entry).cmp(&rank(known));
    let order = by_time.then_with(|| wire::encode_entry(entry).cmp(&wire::encode_entry(known)));
    order.is_gt()
}

/// What an entry takes on the wire, if it is not of a large group.
const ENTRY_BYTES_USUAL: usize = 192;

/// Senders repeat what fires more often than that.
const PEER_KNOWLEDGE_LASTS: Duration = Duration::from_secs(5 * 60);

#[cfg(test)]
mod tests;
