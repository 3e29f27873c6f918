//! What peers share: versions of silences and entries of the notification log.
//!
//! Only the data: how they are encoded is in `record`, and which of two versions wins is decided by
//! the tables that hold them (`silences`, `notification_log`).

use std::sync::Arc;
use std::time::Duration;

use bellwether_model::{GroupKey, IntegrationId, Remembered, Silence, Timestamp};

/// One version of a silence.
#[derive(Clone, Debug)]
pub struct SilenceRecord {
    pub silence: Arc<Silence>,
    /// From then on it may be forgotten.
    pub expires_at: Timestamp,
    pub wire: Option<Wire>,
}

/// Which entry of the notification log: a group, by the identity of its route, and an integration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogKey {
    pub group: GroupKey,
    pub integration: IntegrationId,
}

/// What an integration was last notified of, about one group.
#[derive(Clone, Debug, PartialEq)]
pub struct LogEntry {
    pub key: LogKey,
    pub notified: Notified,
    /// When; later than every entry that it replaces, whatever the clock shows.
    pub at: Timestamp,
    /// From then on it may be forgotten.
    pub expires_at: Timestamp,
    /// What the integration wants to get back with the next notification.
    pub remembered: Remembered,
    /// As a peer encoded it, if that says more than the other fields.
    pub wire: Option<Wire>,
}

/// The alerts of a log entry, by their log hashes.
///
/// Invariant: each list is ascending and unique.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Notified {
    /// Last notified as firing.
    pub firing: Vec<u64>,
    /// Last notified as resolved.
    pub resolved: Vec<u64>,
    /// Still to be notified as resolved though `firing` lacks them: they were notified as firing and
    /// have been suppressed since; or an attempt of unknown outcome may have notified them, as
    /// firing or as resolved.
    pub resolve_pending: Vec<u64>,
    /// Suppressed at the last flush, if that is recorded; it decides nothing.
    pub muted: Vec<u64>,
}

/// A message as its sender encoded it; kept where a new encoding would lose fields that this program
/// does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wire(pub Arc<[u8]>);

impl LogKey {
    /// XXH64 of the record's key: the same on every node.
    pub fn hash(&self) -> u64 {
        twox_hash::XxHash64::oneshot(0, &self.encode())
    }

    /// The key under which the entry is stored.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let id = &self.integration;
        let index = id.index.to_string();
        text_key(LOG_ENTRY, [self.group.as_str(), &id.receiver, &id.kind, &index])
    }
}

impl LogEntry {
    pub(crate) fn new(key: LogKey, notified: Notified, at: Timestamp, lasts: Duration) -> Self {
        let expires_at = at.plus(lasts);
        LogEntry { key, notified, at, expires_at, remembered: Remembered::default(), wire: None }
    }
}

/// Whether an entry with the timestamp `at` says of the same notification what one with `then` said:
/// an amendment puts it off by a nanosecond, since it must be later than what it replaces.
pub(crate) fn is_amended(then: Timestamp, at: Timestamp) -> bool {
    then <= at && at < then.plus(AMENDED_WITHIN)
}

impl Notified {
    /// Whether some alert is yet to be notified as resolved.
    pub fn awaits_resolve(&self) -> bool {
        !self.firing.is_empty() || !self.resolve_pending.is_empty()
    }

    /// What is certain while an attempt to notify `next` is under way: for what it changes, neither
    /// the state before nor the one after. Such alerts become resolve pending.
    #[must_use]
    pub(crate) fn uncertain_during(&self, next: &Notified) -> Notified {
        let (mut firing, mut resolved) = (self.firing.clone(), self.resolved.clone());
        let mut next_resolved = Ascending::of(&next.resolved);
        firing.retain(|hash| !next_resolved.contains(*hash));
        let mut next_firing = Ascending::of(&next.firing);
        resolved.retain(|hash| !next_firing.contains(*hash));
        let mut known = Ascending::of(&self.firing);
        let begins = next.firing.iter().filter(|hash| !known.contains(**hash));
        let mut next_resolved = Ascending::of(&next.resolved);
        let ends = self.firing.iter().filter(|hash| next_resolved.contains(**hash));
        let mut resolve_pending = self.resolve_pending.clone();
        resolve_pending.extend(begins.chain(ends));
        resolve_pending.sort_unstable();
        resolve_pending.dedup();
        Notified { firing, resolved, resolve_pending, muted: self.muted.clone() }
    }

    /// What is certain if a peer notified `other` at the same time, and it is unknown which came last:
    /// where the two contradict each other, the alert becomes resolve pending.
    #[must_use]
    pub(crate) fn merged_with_concurrent(mut self, other: &Notified) -> Notified {
        let mut other_resolved = Ascending::of(&other.resolved);
        let mut other_firing = Ascending::of(&other.firing);
        let mut other_pending = Ascending::of(&other.resolve_pending);
        let contradicted: Vec<u64> = self
            .firing
            .extract_if(.., |hash| other_resolved.contains(*hash))
            .chain(self.resolved.extract_if(.., |hash| {
                other_firing.contains(*hash) || other_pending.contains(*hash)
            }))
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

    pub fn mentions(&self, hash: u64) -> bool {
        self.was_notified_firing(hash) || self.resolved.binary_search(&hash).is_ok()
    }

    /// The alerts that were notified as firing and that `next` does not mention.
    pub(crate) fn missing_from(&self, next: &Notified) -> Vec<u64> {
        let mut missing = Vec::new();
        for hashes in [&self.firing, &self.resolve_pending] {
            let lists = [&next.firing, &next.resolve_pending, &next.resolved];
            let mut lists = lists.map(|hashes| Ascending::of(hashes));
            let mut is_mentioned = |hash| lists.iter_mut().any(|list| list.contains(hash));
            missing.extend(hashes.iter().copied().filter(|hash| !is_mentioned(*hash)));
        }
        missing
    }
}

/// Finds hashes in an ascending list, if they are asked for in ascending order: then all questions
/// together take one walk through the list.
pub(crate) struct Ascending<'a>(&'a [u64]);

impl<'a> Ascending<'a> {
    pub fn of(hashes: &'a [u64]) -> Self {
        Ascending(hashes)
    }

    pub fn contains(&mut self, hash: u64) -> bool {
        let passed = self.0.iter().take_while(|other| **other < hash).count();
        self.0 = &self.0[passed..];
        self.0.first() == Some(&hash)
    }
}

/// Both ascending and unique.
pub(crate) fn is_subset(some: &[u64], of: &[u64]) -> bool {
    let mut of = Ascending::of(of);
    some.iter().all(|hash| of.contains(*hash))
}

/// The key of a record: its kind, then parts that each end with 0xff, which no UTF-8 text contains.
pub(crate) fn text_key<'a>(kind: u8, parts: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let mut key = vec![kind];
    for part in parts {
        key.extend_from_slice(part.as_bytes());
        key.push(0xff);
    }
    key
}

/// More amendments than there ever are of one entry, and less than there is between notifications.
const AMENDED_WITHIN: Duration = Duration::from_micros(1);

/// The first byte of a log entry's key.
pub(crate) const LOG_ENTRY: u8 = b't';
