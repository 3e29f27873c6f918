//! Which of all the records on the disk are the live entries?
//!
//! The newest record of each key counts, and a delete counts as nothing.
//! Two passes over the files find it out without holding any value in memory.
//! The first pass (in [`crate::inspection`]) notes in [`Latest`] which record of each key is the
//! newest; the second, [`Entries`], yields just those.
//! The keys of a snapshot are all different, so they are not noted: a record of a snapshot counts
//! unless a log knows its key.
//!
//! What is kept meanwhile is a 128-bit keyed hash per key of the logs, about 50 bytes with the map
//! around it, and is freed after the second pass.
//! Two keys with equal hashes would hide one another; with 1,000,000 keys the chance is 10^-27, and
//! such a pair cannot be constructed, since the hash has a new key each time.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;

use crate::record::{Header, Kind};
use crate::scanner::{Scanner, Step};
use crate::{Entry, JournalError};

/// How to treat bytes that are not a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadMode {
    /// They are damage.
    Strict,
    /// They are skipped, and what follows is read.
    /// Snapshots overlap with logs here, so their keys are noted too.
    Salvage,
}

/// Which record is the newest of its key; records are numbered in the order of the files.
#[derive(Debug, Default)]
pub(crate) struct Latest {
    newest: HashMap<[u64; 2], u64>,
    hashers: [RandomState; 2],
}

/// One file in a walk, positioned after its head.
pub(crate) struct Source {
    pub(crate) scanner: Scanner,
    /// Where its sound records end.
    pub(crate) length: u64,
    pub(crate) path: PathBuf,
}

/// The live entries, in no order, read from the disk while they are asked for.
///
/// The files stay readable while the journal goes on.
/// An error is the last item: the disk could not be read, or damage has appeared since the check.
pub struct Entries {
    records: Records,
    latest: Latest,
}

/// All records of several files, numbered.
pub(crate) struct Records {
    sources: VecDeque<Source>,
    mode: ReadMode,
    next_number: u64,
}

impl Latest {
    pub(crate) fn hash(&self, key: &[u8]) -> [u64; 2] {
        self.hashers.each_ref().map(|hasher| hasher.hash_one(key))
    }

    pub(crate) fn note(&mut self, hash: [u64; 2], number: u64) {
        self.newest.insert(hash, number);
    }

    fn counts(&self, key: &[u8], number: u64) -> bool {
        self.newest.get(&self.hash(key)).is_none_or(|newest| *newest == number)
    }
}

impl Records {
    pub(crate) fn new(sources: Vec<Source>, mode: ReadMode) -> Self {
        Self { sources: sources.into(), mode, next_number: 0 }
    }

    /// Reads the next record; in salvage, the next one that is readable.
    fn step(&mut self) -> Result<Option<(u64, Header)>, JournalError> {
        if !self.seek()? {
            return Ok(None);
        }
        let number = self.next_number;
        self.next_number += 1;
        let source = self.sources.front_mut().expect("seek has found a record in the front file");
        match source.scanner.step() {
            Ok(Step::Record(header)) => Ok(Some((number, header))),
            Ok(Step::Unreadable | Step::End) => Err(JournalError::Damaged {
                path: source.path.clone(),
                offset: source.scanner.offset(),
                what: "this record cannot be read any more",
            }),
            Err(error) => Err(JournalError::io("read", &source.path, error)),
        }
    }

    /// The key and the value of the record that was read last.
    fn body(&self) -> (&[u8], &[u8]) {
        self.sources.front().map_or((&[], &[]), |source| source.scanner.body())
    }

    /// Moves to the next record; false at the end of the last file.
    fn seek(&mut self) -> Result<bool, JournalError> {
        while let Some(source) = self.sources.front_mut() {
            if source.scanner.offset() < source.length {
                let readable = match self.mode {
                    ReadMode::Strict => true,
                    ReadMode::Salvage => source
                        .scanner
                        .seek_record()
                        .map_err(|error| JournalError::io("read", &source.path, error))?,
                };
                if readable {
                    return Ok(true);
                }
            }
            self.sources.pop_front();
        }
        Ok(false)
    }

    /// Notes every record of every file as the newest of its key so far.
    pub(crate) fn note_all(mut self, latest: &mut Latest) -> Result<(), JournalError> {
        while let Some((number, header)) = self.step()? {
            if header.kind != Kind::End {
                let hash = latest.hash(self.body().0);
                latest.note(hash, number);
            }
        }
        Ok(())
    }
}

impl Entries {
    pub(crate) fn new(records: Records, latest: Latest) -> Self {
        Self { records, latest }
    }

    pub(crate) fn none() -> Self {
        Self::new(Records::new(Vec::new(), ReadMode::Strict), Latest::default())
    }

    /// Reads the next live entry; false at the end.
    pub(crate) fn step(&mut self) -> Result<bool, JournalError> {
        while let Some((number, header)) = self.records.step()? {
            if header.kind == Kind::Put && self.latest.counts(self.body().0, number) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The key and the value of the entry that was read last.
    pub(crate) fn body(&self) -> (&[u8], &[u8]) {
        self.records.body()
    }
}

impl Iterator for Entries {
    type Item = Result<Entry, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.step() {
            Ok(true) => {
                let (key, value) = self.body();
                Some(Ok(Entry { key: key.into(), value: value.into() }))
            }
            Ok(false) => None,
            Err(error) => {
                *self = Self::none();
                Some(Err(error))
            }
        }
    }
}
