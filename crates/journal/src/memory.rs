//! What would a crash leave behind? A journal without a disk, for the tests of others.
//!
//! A [`MemoryStore`] stands for the disk and outlives the process that the test plays; each
//! [`MemoryJournal`] stands for one run of that process.
//! What was committed survives and nothing else does; a crash in the middle of a commit leaves all
//! of it or nothing, and the test says which.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::record::check_size;
use crate::{Activity, Change, Entry, Failure, Journal, JournalError, LiveEntries, Status, Tended};

/// What happens to a commit instead of success. Each fails the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The disk is full, until [`MemoryStore::free_space`]; nothing of the batch is kept.
    DiskFull,
    /// The process dies before the batch is durable: nothing of it is kept.
    CrashBefore,
    /// The process dies after the batch is durable, and before it is acknowledged: all is kept.
    CrashAfter,
}

/// What outlives a crash. Clones are the same store.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    inner: Arc<Mutex<Inner>>,
}

/// One run of a process on a [`MemoryStore`].
#[derive(Debug)]
pub struct MemoryJournal {
    store: MemoryStore,
    run: u64,
    failed: Option<Arc<JournalError>>,
}

#[derive(Debug, Default)]
struct Inner {
    entries: BTreeMap<Box<[u8]>, Box<[u8]>>,
    /// The run that may write; earlier ones are dead.
    run: u64,
    /// The fault, and how many commits succeed before it.
    fault: Option<(u64, Fault)>,
    full: bool,
    commits: u64,
}

impl MemoryStore {
    /// Starts a run: its journal and the live entries, by key.
    /// The journals of earlier runs fail from now on.
    pub fn open(&self) -> (MemoryJournal, Vec<Entry>) {
        let mut inner = self.lock();
        inner.run += 1;
        let journal = MemoryJournal { store: self.clone(), run: inner.run, failed: None };
        let entries = inner.entries.iter();
        let entries =
            entries.map(|(key, value)| Entry { key: key.clone(), value: value.clone() }).collect();
        (journal, entries)
    }

    /// Lets `commits` more commits succeed and then has `fault` happen, once.
    pub fn fail_after(&self, commits: u64, fault: Fault) {
        self.lock().fault = Some((commits, fault));
    }

    /// The disk takes more again.
    pub fn free_space(&self) {
        self.lock().full = false;
    }

    /// Commits that are durable, of all runs.
    pub fn commits(&self) -> u64 {
        self.lock().commits
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn next_fault(&mut self) -> Option<Fault> {
        let (commits, fault) = self.fault.take()?;
        if commits == 0 {
            return Some(fault);
        }
        self.fault = Some((commits - 1, fault));
        None
    }

    fn apply(&mut self, batch: &[Change]) {
        self.commits += 1;
        for Change { key, value } in batch {
            match value {
                Some(value) => self.entries.insert(key.clone(), value.clone()),
                None => self.entries.remove(key),
            };
        }
    }
}

impl Journal for MemoryJournal {
    fn commit(&mut self, batch: &[Change]) -> Result<(), JournalError> {
        if let Some(cause) = &self.failed {
            return Err(JournalError::NotDurable { cause: Arc::clone(cause) });
        }
        batch.iter().try_for_each(check_size)?;
        let mut inner = self.store.lock();
        let kind = if inner.run != self.run {
            ErrorKind::BrokenPipe
        } else {
            match inner.next_fault() {
                None => {
                    inner.apply(batch);
                    return Ok(());
                }
                Some(Fault::DiskFull) => {
                    inner.full = true;
                    ErrorKind::StorageFull
                }
                Some(Fault::CrashBefore) => ErrorKind::BrokenPipe,
                Some(Fault::CrashAfter) => {
                    inner.apply(batch);
                    ErrorKind::BrokenPipe
                }
            }
        };
        let error = JournalError::io("write", Path::new("the store in memory"), Error::from(kind));
        let cause = Arc::new(error);
        self.failed = Some(Arc::clone(&cause));
        Err(JournalError::NotDurable { cause })
    }

    fn tend(&mut self, now: Instant) -> Tended {
        if self.failed.is_none() {
            return Tended::default();
        }
        let inner = self.store.lock();
        let can_recover = inner.run == self.run && !inner.full;
        let activity = if can_recover { Activity::WantsLive } else { Activity::None };
        Tended { call_at: Some(now + RETRY_AFTER), activity }
    }

    fn begin_anew(&mut self, live: LiveEntries) {
        let mut inner = self.store.lock();
        if self.failed.is_some() && inner.run == self.run && !inner.full {
            inner.entries = live.map(|entry| (entry.key, entry.value)).collect();
            inner.commits += 1;
            self.failed = None;
        }
    }

    fn status(&self) -> Status {
        let failure = |error: &Arc<JournalError>| Failure {
            error: Arc::clone(error),
            free_bytes: self.store.lock().full.then_some(0),
        };
        Status { failure: self.failed.as_ref().map(failure), ..Status::default() }
    }
}

const RETRY_AFTER: Duration = Duration::from_millis(2);
