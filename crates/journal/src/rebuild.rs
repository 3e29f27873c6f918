//! How does a journal that has failed become writable again?
//!
//! What the newest log holds after a failed write or sync is unknown, so nothing is added to it. The
//! user of the journal has everything in memory; from that the journal is written once more:
//!
//! 1. From time to time a file is written and removed again, until the disk takes it.
//! 2. Then the live entries are asked for. Changes that are handed in after them are remembered.
//! 3. A new snapshot of these entries is written, synced and named, while commits are answered as
//!    not durable. From here on it counts, and all earlier files do not.
//! 4. A new log is begun with the changes that came meanwhile. From here on commits are durable.
//!
//! If a step fails, everything is as before, and begins again later.
//! A crash at any step finds the state of the last durable commit, or a later one.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use crate::compaction::{Source, write_snapshot};
use crate::disk::Disk;
use crate::record::{Head, check_sizes};
use crate::retry::Retry;
use crate::{Change, Entry, JournalError, LiveEntries};

/// A journal that cannot be written.
pub(crate) struct Failed {
    cause: Arc<JournalError>,
    pub(crate) retry: Retry,
    /// What the disk had left when it was last written to.
    pub(crate) free_bytes: Option<u64>,
    step: Step,
}

/// Which step comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rebuild {
    Waits,
    WantsLive,
    Begins,
    Runs,
}

enum Step {
    Waits,
    WantsLive,
    /// `live` is taken when the snapshot is begun.
    Rebuilds {
        live: Option<LiveEntries>,
        missed: Missed,
    },
}

/// Changes after the live entries.
#[derive(Default)]
struct Missed {
    changes: Vec<Change>,
    bytes: usize,
    /// Whether some were not remembered.
    incomplete: bool,
}

impl Failed {
    pub(crate) fn new(cause: Arc<JournalError>, free_bytes: Option<u64>, retry: Retry) -> Self {
        Self { cause, retry, free_bytes, step: Step::Waits }
    }

    pub(crate) fn cause(&self) -> &Arc<JournalError> {
        &self.cause
    }

    pub(crate) fn fail_again(&mut self, cause: Arc<JournalError>) {
        self.cause = cause;
    }

    pub(crate) fn rebuild(&self) -> Rebuild {
        match &self.step {
            Step::Waits => Rebuild::Waits,
            Step::WantsLive => Rebuild::WantsLive,
            Step::Rebuilds { live: Some(_), .. } => Rebuild::Begins,
            Step::Rebuilds { live: None, .. } => Rebuild::Runs,
        }
    }

    pub(crate) fn want_live(&mut self) {
        self.step = Step::WantsLive;
    }

    pub(crate) fn give_live(&mut self, live: LiveEntries) {
        // A snapshot that is being written is of an earlier state; it is not waited for.
        if self.rebuild() != Rebuild::Runs {
            self.step = Step::Rebuilds { live: Some(live), missed: Missed::default() };
        }
    }

    pub(crate) fn take_live(&mut self) -> Option<LiveEntries> {
        match &mut self.step {
            Step::Rebuilds { live, .. } => live.take(),
            Step::Waits | Step::WantsLive => None,
        }
    }

    /// A batch that cannot be committed now.
    pub(crate) fn miss(&mut self, batch: &[Change]) {
        if let Step::Rebuilds { missed, .. } = &mut self.step {
            missed.bytes += batch.iter().map(Change::bytes).sum::<usize>();
            if missed.bytes > MISSED_BYTES_MAX {
                missed.incomplete = true;
                missed.changes = Vec::new();
            } else {
                missed.changes.extend_from_slice(batch);
            }
        }
    }

    /// Changes are missing that were never handed in.
    pub(crate) fn lose(&mut self) {
        if let Step::Rebuilds { missed, .. } = &mut self.step {
            missed.incomplete = true;
            missed.changes = Vec::new();
        }
    }

    /// What was missed while the snapshot was written; `None` if that is not known.
    pub(crate) fn take_missed(&mut self) -> Option<Vec<Change>> {
        match std::mem::replace(&mut self.step, Step::Waits) {
            Step::Rebuilds { missed, .. } if !missed.incomplete => Some(missed.changes),
            Step::Rebuilds { .. } | Step::Waits | Step::WantsLive => None,
        }
    }

    /// The rebuild has come to nothing.
    pub(crate) fn begin_again(&mut self, now: Instant) {
        self.step = Step::Waits;
        self.retry.failed(now);
    }
}

/// Writes the live entries as a snapshot; gives its size, or `None` if it was cancelled.
pub(crate) fn write(
    disk: &dyn Disk,
    head: Head,
    live: LiveEntries,
    cancelled: &AtomicBool,
) -> Result<Option<u64>, JournalError> {
    write_snapshot(disk, head, Live { entries: live, entry: None }, cancelled)
}

/// Entries that the user of the journal has in memory.
struct Live {
    entries: LiveEntries,
    entry: Option<Entry>,
}

impl Source for Live {
    fn step(&mut self) -> Result<bool, JournalError> {
        // Of entries over the limits the commits were refused too.
        let fits = |entry: &Entry| check_sizes(&entry.key, &entry.value).is_ok();
        self.entry = self.entries.by_ref().find(fits);
        Ok(self.entry.is_some())
    }

    fn body(&self) -> (&[u8], &[u8]) {
        self.entry.as_ref().map_or((&[], &[]), |entry| (&*entry.key, &*entry.value))
    }
}

/// Limit: bytes of changes that are remembered while a snapshot is written; with more, it is begun
/// again.
const MISSED_BYTES_MAX: usize = 64 << 20;
