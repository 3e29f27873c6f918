//! How does one batch become durable?
//!
//! A batch is encoded as records, closed by an end record, appended to the newest log, and synced:
//! one write and one sync, whatever its size.
//! When the logs have grown enough, the next log is begun and a compaction of the earlier files is
//! started, while commits go on.
//!
//! A failed write or sync of a record fails the journal: what that log holds is unknown then, and a
//! sync that is repeated after a failure may report success for bytes that were dropped.
//! Nothing more is written to it; `rebuild.rs` says how the journal begins anew.
//! Any other failure leaves the log as it is, and is tried again: to begin the next log, to compact,
//! to remove files, to reserve space.

mod logs;
mod recovery;

use std::fs::File;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::disk::{CANNOT_WRITE, Disk, DiskFile, note_holder};
use crate::inspection::Inspection;
use crate::options::CompactionRuns;
use crate::rebuild::Failed;
use crate::record::{FileKind, FileName, Kind, Place, check_size, encode};
use crate::reserve::Reserve;
use crate::retry::Retry;
use crate::{
    Activity, Change, Failure, Journal, JournalError, JournalOptions, LiveEntries, Status, Tended,
};

use logs::{COMPACTION_WAIT_MAX, sealed_through};
use recovery::REBUILD_WAIT_MAX;

/// A journal in a directory; made by [`crate::open`].
///
/// Dropping it marks the log as closed and releases the directory.
pub struct FileJournal {
    disk: Arc<dyn Disk>,
    /// `None` while the journal has failed.
    log: Option<Box<dyn DiskFile>>,
    number: u64,
    /// The number of the next file. Invariant: no file of this or a higher number was ever begun, so
    /// one that was left over by a failure cannot be mistaken for a later one.
    next_number: u64,
    /// Where in the log the next record goes.
    offset: u64,
    last_commit: u64,
    /// Whether the last commit is an empty one, which says that the one before it is whole.
    closed: bool,
    /// Bytes in the logs before the newest.
    sealed_bytes: u64,
    /// The number of the last of them.
    sealed_through: u64,
    snapshot_bytes: u64,
    floor_bytes: u64,
    /// Bytes of all logs at which the next compaction begins.
    compaction_due_bytes: u64,
    compaction_retry: Retry,
    compaction_failure: Option<Arc<JournalError>>,
    /// Whether files that no longer count may be left.
    has_leftovers: bool,
    removal_retry: Retry,
    /// Of the last failure; carried over to the next one if that is near, so that a disk which fails
    /// again and again is not written full again and again.
    rebuild_retry: Retry,
    rebuilt_at: Option<Instant>,
    reserve: Reserve,
    runs: CompactionRuns,
    running: Option<Running>,
    failed: Option<Failed>,
    buffer: Vec<u8>,
    /// Held as long as the journal, released last.
    lock: Option<File>,
}

/// What runs on a thread of its own. At most one does, so none removes the unfinished file of another.
struct Running {
    thread: JoinHandle<Result<Option<u64>, JournalError>>,
    cancelled: Arc<AtomicBool>,
    task: Task,
}

#[derive(Clone, Copy)]
enum Task {
    Compaction { covers_bytes: u64 },
    Rebuild { base: u64 },
}

impl FileJournal {
    /// Goes on after the last sound commit.
    ///
    /// `next_number` is above the numbers of all files, unfinished ones included.
    /// If the disk does not take a log at the moment, because it is full for example, the journal
    /// is there all the same, and has failed.
    pub(crate) fn resume(
        disk: Arc<dyn Disk>,
        inspection: &Inspection,
        next_number: u64,
        options: &JournalOptions,
        runs: CompactionRuns,
    ) -> Result<Self, JournalError> {
        let bytes_of = |kind| {
            let files = inspection.files.iter().filter(move |(file, _)| file.kind == kind);
            files.map(|(_, bytes)| bytes).sum::<u64>()
        };
        let snapshot_bytes = bytes_of(FileKind::Snapshot);
        let floor_bytes = options.compaction_floor_bytes;
        let newest = inspection.files.last().map_or(0, |(file, _)| file.number);
        let mut journal = Self {
            disk,
            log: None,
            number: newest,
            next_number,
            offset: 0,
            last_commit: inspection.last_commit,
            closed: inspection.closed,
            sealed_bytes: bytes_of(FileKind::Log),
            sealed_through: sealed_through(&inspection.files),
            snapshot_bytes,
            floor_bytes,
            compaction_due_bytes: snapshot_bytes.max(floor_bytes),
            compaction_retry: Retry::within(COMPACTION_WAIT_MAX),
            compaction_failure: None,
            has_leftovers: true,
            removal_retry: Retry::within(COMPACTION_WAIT_MAX),
            rebuild_retry: Retry::within(REBUILD_WAIT_MAX),
            rebuilt_at: None,
            reserve: Reserve::new(options.reserve_bytes),
            runs,
            running: None,
            failed: None,
            buffer: Vec::new(),
            lock: None,
        };
        let resumed = match inspection.files.last() {
            Some(&(file, length)) if file.kind == FileKind::Log => {
                let name = file.to_string();
                let log = journal.disk.append(&name, length);
                log.map(|log| {
                    journal.log = Some(log);
                    journal.sealed_bytes -= length;
                    journal.offset = length;
                })
                .map_err(|error| JournalError::io("open", &journal.disk.path(&name), error))
            }
            _ => journal.begin_log(),
        };
        match resumed {
            Ok(()) => {}
            Err(error @ JournalError::NotWritable { .. }) => return Err(error),
            Err(error) => journal.fail(Arc::new(error)),
        }
        Ok(journal)
    }

    /// Keeps `lock` until the journal is dropped.
    pub(crate) fn hold(&mut self, lock: File) {
        self.lock = Some(lock);
        self.note_in_lock();
    }

    /// Appends the records of one commit and its end, and syncs them.
    fn append(&mut self, batch: &[Change]) -> Result<(), std::io::Error> {
        let start = self.offset;
        match self.write_commit(batch) {
            // No sync has failed, so what was written can be taken back and written again.
            Err(error) if is_full(&error) && self.reserve.give_up(self.disk.as_ref()) => {
                self.offset = start;
                self.log_mut()?.cut(start)?;
                self.write_commit(batch)?;
            }
            written => written?,
        }
        self.log_mut()?.sync()?;
        // One huge value should not be paid for with memory for ever.
        self.buffer.shrink_to(2 * WRITE_BYTES);
        self.last_commit += 1;
        self.closed = batch.is_empty();
        Ok(())
    }

    fn write_commit(&mut self, batch: &[Change]) -> Result<(), std::io::Error> {
        let Some(log) = &mut self.log else { return Err(no_log()) };
        self.buffer.clear();
        let commit = self.last_commit + 1;
        let changes = batch.iter().map(|change| match &change.value {
            Some(value) => (Kind::Put, &*change.key, &**value),
            None => (Kind::Delete, &*change.key, &[][..]),
        });
        for (kind, key, value) in changes.chain([(Kind::End, &[][..], &[][..])]) {
            let before = self.buffer.len();
            let place = Place { file: FileName::log(self.number), offset: self.offset };
            encode(&mut self.buffer, place, commit, kind, key, value);
            self.offset += (self.buffer.len() - before) as u64;
            if self.buffer.len() >= WRITE_BYTES || kind == Kind::End {
                log.write(&self.buffer)?;
                self.buffer.clear();
            }
        }
        Ok(())
    }

    fn log_mut(&mut self) -> Result<&mut Box<dyn DiskFile>, std::io::Error> {
        self.log.as_mut().ok_or_else(no_log)
    }

    fn take_number(&mut self) -> u64 {
        let number = self.next_number;
        self.next_number = number.saturating_add(1);
        number
    }

    /// Says who holds the directory.
    fn note_in_lock(&mut self) {
        if let Some(lock) = &mut self.lock {
            note_holder(lock, if self.failed.is_some() { CANNOT_WRITE } else { "" });
        }
    }

    // === What is due ===

    fn tend_open(&mut self, now: Instant) -> Tended {
        self.compact_if_due(now);
        if self.failed.is_some() {
            return self.tend_failed(now);
        }
        if let Some(log) = &mut self.log {
            self.reserve.fill(now, self.disk.as_ref(), log.as_mut(), self.offset);
        }
        self.remove_leftovers(now);
        let polled = self.running.is_some().then(|| now + POLL);
        let compaction = self.compaction_retry.at().filter(|_| self.compaction_is_due());
        let removal = self.removal_retry.at().filter(|_| self.running.is_none());
        let times = [polled, compaction, removal, self.reserve.next_attempt()];
        self.tended(times.into_iter().flatten().min(), Activity::None)
    }

    fn tended(&self, call_at: Option<Instant>, activity: Activity) -> Tended {
        Tended { call_at, activity }
    }
}

impl Journal for FileJournal {
    fn commit(&mut self, batch: &[Change]) -> Result<(), JournalError> {
        batch.iter().try_for_each(check_size)?;
        if let Some(failed) = &mut self.failed {
            failed.miss(batch);
            return Err(JournalError::NotDurable { cause: Arc::clone(failed.cause()) });
        }
        if batch.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.append(batch) {
            let path = self.disk.path(&FileName::log(self.number).to_string());
            let cause = Arc::new(JournalError::io("write", &path, error));
            self.fail(Arc::clone(&cause));
            return Err(JournalError::NotDurable { cause });
        }
        let now = Instant::now();
        self.join_finished(now);
        self.compact_if_due(now);
        self.remove_leftovers(now);
        Ok(())
    }

    fn tend(&mut self, now: Instant) -> Tended {
        self.join_finished(now);
        match &self.failed {
            None => self.tend_open(now),
            // A compaction that is being cancelled, or a rebuild.
            Some(_) if self.running.is_some() => {
                self.tended(Some(now + POLL), Activity::Rebuilding)
            }
            Some(_) => self.tend_failed(now),
        }
    }

    fn begin_anew(&mut self, live: LiveEntries) {
        if let Some(failed) = &mut self.failed {
            failed.give_live(live);
        }
    }

    fn lose(&mut self) {
        match &mut self.failed {
            Some(failed) => failed.lose(),
            None => self.fail(Arc::new(JournalError::Overrun)),
        }
    }

    fn status(&self) -> Status {
        Status {
            disk_bytes: self.snapshot_bytes + self.sealed_bytes + self.offset,
            reserved_bytes: self.reserve.bytes(self.offset),
            reserve_failure: self.reserve.failure(),
            compaction_failure: self.compaction_failure.clone(),
            failure: self.failed.as_ref().map(|failed| Failure {
                error: Arc::clone(failed.cause()),
                free_bytes: failed.free_bytes,
            }),
        }
    }
}

impl Drop for FileJournal {
    fn drop(&mut self) {
        if let Some(Running { thread, cancelled, .. }) = self.running.take() {
            cancelled.store(true, Ordering::Relaxed);
            // Its outcome is found at the next start.
            let _ = thread.join();
        }
        if self.failed.is_some() {
            return;
        }
        // Durability: an empty commit after the last one distinguishes rot in that one from a
        // commit that a crash cut short. Without it nothing is lost.
        if (self.closed || self.append(&[]).is_ok())
            && let Some(log) = &mut self.log
        {
            // What was reserved.
            let _ = log.cut(self.offset);
        }
    }
}

fn is_full(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

/// Not reached: commits are refused before that.
fn no_log() -> std::io::Error {
    std::io::Error::other("the journal has failed")
}

const WRITE_BYTES: usize = 256 << 10;

/// How often a thread is asked whether it has finished.
const POLL: Duration = Duration::from_millis(20);
