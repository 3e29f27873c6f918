//! The ledger: who was told what, and when?
//!
//! In: what was delivered, and entries replayed from disk or heard from peers. Out: the latest
//! entry for a group and an integration. An entry is replaced by [`NotificationLog::merge`] alone, which
//! keeps the newer of two and decides ties by content, so that all members of a cluster agree
//! whatever the order in which they hear of it.

use std::collections::BTreeMap;
use std::time::Duration;

use bellwether_model::{GroupKey, IntegrationId, Mono, Now, Remembered, Timestamp};
use bytes::Bytes;

use crate::record::log_key;
use crate::record::wire::{self, Wire};

/// Which entry: a group, as its route's identity spells it, and one way of telling one receiver.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogKey {
    pub group: GroupKey,
    pub integration: IntegrationId,
}

/// What an integration was last told about a group. Alerts appear by their log hashes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Notified {
    /// Invariant (here and below): ascending and unique.
    pub firing: Vec<u64>,
    pub resolved: Vec<u64>,
    /// Owed a "resolved" though `firing` lacks them: told as firing earlier and left out since
    /// because they are muted; or perhaps told as firing, or perhaps as resolved, by an attempt
    /// whose answer is not known.
    pub resolve_pending: Vec<u64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LogEntry {
    pub key: LogKey,
    pub notified: Notified,
    pub at: Timestamp,
    pub expires_at: Timestamp,
    pub remembered: Remembered,
    /// As a peer encoded it, if that says more than the other fields.
    pub wire: Option<Wire>,
}

#[derive(Debug, Default)]
pub(crate) struct NotificationLog {
    entries: BTreeMap<LogKey, LogEntry>,
    /// When a peer's entry last came in.
    heard: BTreeMap<LogKey, Now>,
    /// Ends that were told by entries which a peer's has replaced since; and when that came in.
    ended: BTreeMap<LogKey, BTreeMap<u64, Mono>>,
    /// Where an entry is ahead of the clock: when this was first seen.
    ahead: BTreeMap<LogKey, Timestamp>,
    /// All entries as peers get them, if none has changed since somebody asked: most of the time
    /// nothing happens, and peers ask every minute.
    encoded: Option<Bytes>,
}

impl NotificationLog {
    pub fn find(&self, key: &LogKey) -> Option<&LogEntry> {
        self.entries.get(key)
    }

    /// Takes the entry if it is newer than the one under its key; returns whether it did.
    pub fn merge(&mut self, entry: LogEntry) -> bool {
        match self.entries.get_mut(&entry.key) {
            Some(known) if !entry.supersedes(known) => false,
            Some(known) => {
                self.ahead.remove(&entry.key);
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

    /// Replaces what an entry says was told, but not when.
    pub fn amend(&mut self, entry: LogEntry) {
        let (key, ahead) = (entry.key.clone(), self.ahead.get(&entry.key).copied());
        self.merge(entry);
        self.ahead.extend(ahead.map(|seen| (key, seen)));
    }

    /// Takes an entry that a peer sent, if it is newer than the one under its key; then returns the
    /// alerts that the earlier one said were told as firing, and that the new one does not name.
    pub fn hear(&mut self, entry: LogEntry, now: Now) -> Option<Vec<u64>> {
        let key = entry.key.clone();
        let known = self.entries.get(&key);
        if known.is_some_and(|known| !entry.supersedes(known)) {
            return None;
        }
        let known = known.map(|known| known.notified.clone()).unwrap_or_default();
        let missing = known.missing_from(&entry.notified);
        self.merge(entry);
        self.note_resolved(&key, known.resolved, now.mono);
        self.heard.insert(key, now);
        Some(missing)
    }

    /// Alerts whose ends were told not long ago, ascending, though the entry under this key does
    /// not say so: a peer whose group was emptied since knows nothing of them any more.
    pub fn recently_resolved(&self, key: &LogKey, now: Mono) -> Vec<u64> {
        let ended = self.ended.get(key).into_iter().flatten();
        ended
            .filter(|(_, at)| now.since(**at) < PEER_KNOWLEDGE_LASTS)
            .map(|(hash, _)| *hash)
            .collect()
    }

    /// Where peers told something under this key, and that came in not long ago: whoever last heard
    /// of an alert before this knows less of it than they did. `lag` is how far clocks may be behind
    /// this one.
    pub fn peers_knew_until(&self, key: &LogKey, now: Mono, lag: Duration) -> Option<Timestamp> {
        let heard = self.heard.get(key).filter(|at| now.since(at.mono) < PEER_KNOWLEDGE_LASTS)?;
        // What was told long ago may come in only now, or once more.
        let notified_at = self.entries.get(key)?.at;
        Some(heard.wall.min(notified_at.plus(lag)))
    }

    /// All entries, each behind its length.
    pub fn encode(&mut self) -> Bytes {
        if let Some(encoded) = &self.encoded {
            return encoded.clone();
        }
        let mut log = Vec::with_capacity(self.entries.len() * ENTRY_BYTES_USUAL);
        for entry in self.entries.values() {
            wire::append_message(&mut log, &wire::encode_entry(entry));
        }
        // It is kept for long: without what it does not need.
        log.shrink_to_fit();
        let log = Bytes::from(log);
        self.encoded = Some(log.clone());
        log
    }

    /// When the entry under `key` was told, at the latest, by this node's clock: one that is ahead of
    /// it must not put off repetitions for as long.
    pub fn notified_at(&mut self, key: &LogKey, now: Timestamp) -> Option<Timestamp> {
        let at = self.entries.get(key)?.at;
        if at <= now {
            self.ahead.remove(key);
            return Some(at);
        }
        let seen = self.ahead.entry(key.clone()).or_insert(now);
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

    /// Drops what has expired, except entries that `still_owed` names; returns their keys.
    pub fn collect(
        &mut self,
        now: Timestamp,
        still_owed: impl Fn(&LogEntry) -> bool,
    ) -> Vec<LogKey> {
        let expired = |entry: &LogEntry| entry.expires_at <= now && !still_owed(entry);
        let keys: Vec<LogKey> =
            self.entries.values().filter(|entry| expired(entry)).map(|e| e.key.clone()).collect();
        if !keys.is_empty() {
            self.encoded = None;
        }
        for key in &keys {
            self.heard.remove(key);
            self.ended.remove(key);
            self.ahead.remove(key);
            self.entries.remove(key);
        }
        keys
    }

    /// The entry under `key` has replaced one that said that these have ended.
    fn note_resolved(&mut self, key: &LogKey, resolved: Vec<u64>, now: Mono) {
        let Some(notified) = self.entries.get(key).map(|entry| &entry.notified) else { return };
        let mut ended = self.ended.remove(key).unwrap_or_default();
        ended.extend(resolved.into_iter().map(|hash| (hash, now)));
        ended.retain(|hash, at| {
            let is_lost = !notified.was_notified_firing(*hash)
                && notified.resolved.binary_search(hash).is_err();
            is_lost && now.since(*at) < PEER_KNOWLEDGE_LASTS
        });
        if !ended.is_empty() {
            self.ended.insert(key.clone(), ended);
        }
    }
}

impl LogKey {
    /// XXH64 of the record's key: the same on every node.
    pub fn hash(&self) -> u64 {
        twox_hash::XxHash64::oneshot(0, &log_key(self))
    }
}

impl LogEntry {
    pub(crate) fn new(key: LogKey, notified: Notified, at: Timestamp, lasts: Duration) -> Self {
        let expires_at = at.plus(lasts);
        LogEntry { key, notified, at, expires_at, remembered: Remembered::default(), wire: None }
    }

    fn supersedes(&self, known: &LogEntry) -> bool {
        let rank = |entry: &LogEntry| (entry.at, entry.expires_at);
        let by_time = rank(self).cmp(&rank(known));
        let order = by_time.then_with(|| wire::encode_entry(self).cmp(&wire::encode_entry(known)));
        order.is_gt()
    }
}

impl Notified {
    /// Whether some alert was told as firing and not yet as resolved.
    pub fn awaits_resolve(&self) -> bool {
        !self.firing.is_empty() || !self.resolve_pending.is_empty()
    }

    /// What is certain while an attempt to tell `next` is under way: neither of what it changes.
    #[must_use]
    pub(crate) fn uncertain_during(&self, next: &Notified) -> Notified {
        let contains = |hashes: &[u64], hash: &u64| hashes.binary_search(hash).is_ok();
        let (mut firing, mut resolved) = (self.firing.clone(), self.resolved.clone());
        firing.retain(|hash| !contains(&next.resolved, hash));
        resolved.retain(|hash| !contains(&next.firing, hash));
        let begins = next.firing.iter().filter(|hash| !contains(&self.firing, hash));
        let ends = self.firing.iter().filter(|hash| contains(&next.resolved, hash));
        let mut resolve_pending = self.resolve_pending.clone();
        resolve_pending.extend(begins.chain(ends));
        resolve_pending.sort_unstable();
        resolve_pending.dedup();
        Notified { firing, resolved, resolve_pending }
    }

    /// What is certain where a peer told `other` at the same time, and nobody knows who came last:
    /// what they disagree about is owed its end.
    #[must_use]
    pub(crate) fn merged_with_concurrent(mut self, other: &Notified) -> Notified {
        let contradicted: Vec<u64> = self
            .firing
            .extract_if(.., |hash| other.resolved.binary_search(hash).is_ok())
            .chain(self.resolved.extract_if(.., |hash| other.was_notified_firing(*hash)))
            .collect();
        self.resolve_pending.extend(contradicted);
        self.resolve_pending.sort_unstable();
        self.resolve_pending.dedup();
        self
    }

    pub fn was_notified_firing(&self, hash: u64) -> bool {
        self.firing.binary_search(&hash).is_ok()
            || self.resolve_pending.binary_search(&hash).is_ok()
    }

    pub fn names(&self, hash: u64) -> bool {
        self.was_notified_firing(hash) || self.resolved.binary_search(&hash).is_ok()
    }

    /// What was told as firing, and is not named by `next`.
    fn missing_from(&self, next: &Notified) -> Vec<u64> {
        let told_firing = self.firing.iter().chain(&self.resolve_pending).copied();
        told_firing.filter(|hash| !next.names(*hash)).collect()
    }
}

/// What an entry takes on the wire, if it is not of a large group.
const ENTRY_BYTES_USUAL: usize = 192;

/// Senders repeat what fires more often than that.
const PEER_KNOWLEDGE_LASTS: Duration = Duration::from_secs(5 * 60);

#[cfg(test)]
mod tests;
