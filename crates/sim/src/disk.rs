//! The disk: batches become durable in their order, each whole or not at all.

use std::collections::{BTreeMap, VecDeque};

use bellwether_engine::Record;
use bellwether_model::Timestamp;

use crate::rng::Rng;

type Bytes = Vec<u8>;

/// The disk of one node.
#[derive(Debug, Default)]
pub struct Disk {
    durable: BTreeMap<Bytes, Bytes>,
    waiting: VecDeque<Vec<(Bytes, Option<Bytes>)>>,
    submitted: u64,
}

impl Disk {
    /// Hands in a batch; returns its number, counted from 1.
    pub fn submit(&mut self, records: &[Record]) -> u64 {
        self.waiting.push_back(records.iter().map(Record::encode).collect());
        self.submitted += 1;
        self.submitted
    }

    /// How many batches are durable.
    pub fn committed(&self) -> u64 {
        self.submitted - self.waiting.len() as u64
    }

    /// Makes everything durable that was handed in.
    pub fn sync(&mut self) {
        while self.commit_one() {}
    }

    /// The journal had failed and begins anew: these are all records that are live, with all that
    /// was handed in.
    pub fn begin_anew(&mut self, live: impl Iterator<Item = Record>) {
        self.waiting.clear();
        self.durable = live.filter_map(|record| entry(&record)).collect();
    }

    /// How the live records differ from what is durable; nothing waits. An alert's end moves ahead and
    /// a group's flush sets its deadline without a record, so of these only the keys are compared.
    pub fn difference(&self, live: impl Iterator<Item = Record>) -> Option<String> {
        let live: BTreeMap<Bytes, Bytes> = live.filter_map(|record| entry(&record)).collect();
        let has_own_value = |key: &Bytes| matches!(key.first(), Some(b'a' | b'g'));
        let differs = |(key, value): &(&Bytes, &Bytes)| match self.durable.get(*key) {
            None => true,
            Some(durable) => durable != *value && !has_own_value(key),
        };
        let shown = |key: &Bytes| String::from_utf8_lossy(key).into_owned();
        let only_live = live.iter().find(differs).map(|(key, _)| format!("live: {}", shown(key)));
        let gone = self.durable.keys().find(|key| !live.contains_key(*key));
        only_live.or_else(|| gone.map(|key| format!("only on disk: {}", shown(key))))
    }

    /// The power fails: some of what waits made it, in order, and the rest is gone.
    pub fn crash(&mut self, rng: &mut Rng) {
        for _ in 0..rng.below(self.waiting.len() as u64 + 1) {
            self.commit_one();
        }
        self.submitted -= self.waiting.len() as u64;
        self.waiting.clear();
    }

    /// The disk is lost with all that was on it.
    pub fn wipe(&mut self) {
        *self = Disk::default();
    }

    /// Everything that is durable.
    pub fn read(&self) -> Result<Vec<Record>, String> {
        let read = |(key, value): (&Bytes, &Bytes)| Record::decode(key, value);
        self.durable.iter().map(read).collect::<Result<_, _>>().map_err(|error| error.to_string())
    }

    /// Whether this version of a silence is durable: one with this end, or one that is expired.
    pub fn holds(&self, silence: &str, ends_at: Timestamp, expired: bool) -> bool {
        let is_it = |record: &Record| match record {
            Record::Silence(version) => {
                let is_end = |end: Timestamp| if expired { end <= ends_at } else { end == ends_at };
                version.silence.id == silence && is_end(version.silence.ends_at)
            }
            _ => false,
        };
        self.read().is_ok_and(|records| records.iter().any(is_it))
    }

    fn commit_one(&mut self) -> bool {
        let Some(batch) = self.waiting.pop_front() else { return false };
        for (key, value) in batch {
            match value {
                Some(value) => self.durable.insert(key, value),
                None => self.durable.remove(&key),
            };
        }
        true
    }
}

fn entry(record: &Record) -> Option<(Bytes, Bytes)> {
    let (key, value) = record.encode();
    Some((key, value?))
}
