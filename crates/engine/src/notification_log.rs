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
use crate::replicated::{LogEntry, LogKey, Notified};

#[derive(Debug, Default)]
pub(crate) struct NotificationLog {
    /// Invariant: an entry is only replaced by one that supersedes it.
    entries: BTreeMap<LogKey, LogEntry>,
    /// When an entry of a peer was last merged, by its key. Invariant: only keys of `entries`.
    received: BTreeMap<LogKey, Now>,
    /// Alerts that an entry said were resolved, where a newer one of a peer does not mention them; and
    /// when the later of the two came. Invariant: only keys of `entries`, nothing empty.
    resolved_before: BTreeMap<LogKey, BTreeMap<u64, Mono>>,
    /// Alerts that an entry said were firing, where a newer one of a peer did not mention them: when
    /// that entry was made, and when the newer one came. Invariant: like that of `resolved_before`.
    left_out: BTreeMap<LogKey, BTreeMap<u64, (Timestamp, Mono)>>,
    /// When the receiver last answered a notification of this node. Invariant: only keys of `entries`.
    answered: BTreeMap<LogKey, Timestamp>,
    /// Entries whose timestamp is ahead of the clock, with the time at which this was first seen.
    in_future: BTreeMap<LogKey, Timestamp>,
    /// All entries as peers get them, if none has changed since the last request: most of the time
    /// nothing happens, and peers request them every minute.
    encoded: Option<Bytes>,
}

/// What became of an entry that a peer sent.
#[derive(Debug, PartialEq)]
#[must_use]
pub(crate) enum FromPeer {
    /// It replaced the one under its key. `missing`: the alerts that were notified as firing by
    /// that, and that the new one does not mention. `concurrent`: what this node notified at the same
    /// time, if its receiver had not answered yet when the new one was made.
    Merged { missing: Vec<u64>, concurrent: Option<Notified> },
    /// It is older than the one under its key, but it says of some alerts that they were notified as
    /// resolved that the newer one does not mention. `not_pending`: of these, those that are resolve
    /// pending only because this entry was not known when the newer one came.
    Late { not_pending: Vec<u64> },
    /// It changed nothing.
    Known,
}

impl NotificationLog {
    pub fn find(&self, key: &LogKey) -> Option<&LogEntry> {
        self.entries.get(key)
    }

    pub fn iter(&self) -> impl Iterator<Item = &LogEntry> {
        self.entries.values()
    }

    /// Takes the entry if it is newer than the one under its key; returns whether it did.
    pub fn merge(&mut self, entry: LogEntry) -> bool {
        match self.entries.get_mut(&entry.key) {
            Some(known) if !supersedes(&entry, known) => false,
            Some(known) => {
                self.in_future.remove(&entry.key);
                self.encoded = None;
                if let Some(left_out) = self.left_out.get_mut(&entry.key) {
                    let Notified { firing, resolved, .. } = &entry.notified;
                    let is_mentioned = |hash: &u64| {
                        [firing, resolved].iter().any(|h| h.binary_search(hash).is_ok())
                    };
                    left_out.retain(|hash, _| !is_mentioned(hash));
                }
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

    /// Takes an entry that a peer sent, if it is newer than the one under its key.
    pub fn merge_from_peer(&mut self, entry: LogEntry, now: Now) -> FromPeer {
        let key = entry.key.clone();
        let known = self.entries.get(&key);
        if known.is_some_and(|known| !supersedes(&entry, known)) {
            return self.take_late(entry, now);
        }
        let known_at = known.map_or(entry.at, |known| known.at);
        let known = known.map(|known| known.notified.clone()).unwrap_or_default();
        let missing = known.missing_from(&entry.notified);
        let answered_at = self.answered.remove(&key);
        let is_concurrent = answered_at.is_some_and(|answered_at| entry.at < answered_at);
        let concurrent = is_concurrent.then(|| known.clone());
        self.merge(entry);
        let mut left_out = self.left_out.remove(&key).unwrap_or_default();
        left_out.retain(|_, (_, at)| now.mono.since(*at) < PEER_KNOWLEDGE_LASTS);
        left_out.extend(missing.iter().map(|hash| (*hash, (known_at, now.mono))));
        if !left_out.is_empty() {
            self.left_out.insert(key.clone(), left_out);
        }
        self.note_resolved(&key, known.resolved, now.mono);
        self.received.insert(key, now);
        FromPeer::Merged { missing, concurrent }
    }

    /// The receiver has answered the notification that the entry under this key tells of.
    pub fn note_answer(&mut self, key: &LogKey, now: Timestamp) {
        self.answered.insert(key.clone(), now);
    }

    /// What this node notifies now decides which resolves are pending.
    pub fn forget_left_out(&mut self, key: &LogKey) {
        self.left_out.remove(key);
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

    /// Drops what has expired, `max` entries at most, except entries that `is_needed` names; returns
    /// their keys.
    pub fn collect(
        &mut self,
        now: Timestamp,
        max: usize,
        is_needed: impl Fn(&LogEntry) -> bool,
    ) -> Vec<LogKey> {
        let expired = |entry: &LogEntry| entry.expires_at <= now && !is_needed(entry);
        let gone = self.entries.values().filter(|entry| expired(entry)).take(max);
        let keys: Vec<LogKey> = gone.map(|entry| entry.key.clone()).collect();
        if !keys.is_empty() {
            self.encoded = None;
        }
        for key in &keys {
            self.received.remove(key);
            self.resolved_before.remove(key);
            self.left_out.remove(key);
            self.answered.remove(key);
            self.in_future.remove(key);
            self.entries.remove(key);
        }
        keys
    }

    /// Takes what it says of resolved alerts from an entry that a newer one has overtaken.
    fn take_late(&mut self, entry: LogEntry, now: Now) -> FromPeer {
        let LogEntry { key, notified, at, .. } = entry;
        let Some(newer) = self.entries.get(&key) else { return FromPeer::Known };
        if now.wall.since(at) >= PEER_KNOWLEDGE_LASTS {
            return FromPeer::Known;
        }
        let mut resolved = notified.resolved;
        let left_out = self.left_out.get(&key);
        let fired_at = |hash: &u64| left_out?.get(hash).map(|(fired_at, _)| *fired_at);
        resolved.retain(|hash| fired_at(hash).is_none_or(|fired_at| fired_at < at));
        let pending = &newer.notified.resolve_pending;
        let is_pending =
            |hash: &u64| pending.binary_search(hash).is_ok() && fired_at(hash).is_some();
        let not_pending: Vec<u64> = resolved.iter().copied().filter(is_pending).collect();
        if self.note_resolved(&key, resolved, now.mono) || !not_pending.is_empty() {
            FromPeer::Late { not_pending }
        } else {
            FromPeer::Known
        }
    }

    /// The entry under `key` is newer than one that said that these are resolved; returns whether
    /// that was not known of some that it does not mention.
    fn note_resolved(&mut self, key: &LogKey, resolved: Vec<u64>, now: Mono) -> bool {
        let Some(notified) = self.entries.get(key).map(|entry| &entry.notified) else {
            return false;
        };
        let mut resolved_before = self.resolved_before.remove(key).unwrap_or_default();
        let is_news = |hash: &u64| !notified.mentions(*hash) && !resolved_before.contains_key(hash);
        let is_news = resolved.iter().any(is_news);
        resolved_before.extend(resolved.into_iter().map(|hash| (hash, now)));
        resolved_before
            .retain(|hash, at| !notified.mentions(*hash) && now.since(*at) < PEER_KNOWLEDGE_LASTS);
        if !resolved_before.is_empty() {
            self.resolved_before.insert(key.clone(), resolved_before);
        }
        is_news
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
const PEER_KNOWLEDGE_LASTS: Duration = Duration::from_mins(5);

#[cfg(test)]
mod tests;
