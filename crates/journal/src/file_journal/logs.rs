//! How are the logs kept short, while commits go on?
//!
//! When they have grown enough, the next log is begun, and a compaction covers the others on a
//! thread of its own. Whatever fails here leaves what is durable as it is, and is tried again.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::{FileJournal, Running, Task};
use crate::JournalError;
use crate::compaction::{Compaction, UNFINISHED, remove_outdated};
use crate::disk::{Disk, DiskFile};
use crate::options::CompactionRuns;
use crate::record::{FileKind, FileName, HEAD_BYTES, HEADER_BYTES, Head, Kind, Place, encode};

impl FileJournal {
    pub(super) fn compaction_is_due(&self) -> bool {
        self.failed.is_none()
            && self.running.is_none()
            && self.sealed_bytes + self.offset >= self.compaction_due_bytes
    }

    pub(super) fn compact_if_due(&mut self, now: Instant) {
        if self.compaction_is_due() && self.compaction_retry.is_due(now) {
            self.begin_compaction(now);
        }
    }

    fn begin_compaction(&mut self, now: Instant) {
        // After a failed attempt there is enough to compact already.
        if self.sealed_bytes < self.compaction_due_bytes
            && let Err(error) = self.begin_log()
        {
            self.compaction_retry.failed(now);
            let error = Arc::new(error);
            self.compaction_failure = Some(Arc::clone(&error));
            if self.log.is_none() {
                self.fail(error);
            }
            return;
        }
        let cancelled = Arc::new(AtomicBool::new(false));
        let compaction = Compaction {
            disk: Arc::clone(&self.disk),
            through: self.sealed_through,
            cancelled: Arc::clone(&cancelled),
        };
        let task = Task::Compaction { covers_bytes: self.sealed_bytes };
        self.run(now, task, cancelled, move || compaction.run());
    }

    /// Begins the next log, and seals the one before it.
    pub(super) fn begin_log(&mut self) -> Result<(), JournalError> {
        let number = self.take_number();
        match create_log(self.disk.as_ref(), number, self.last_commit) {
            Ok(log) => {
                if let Some(mut sealed) = self.log.replace(log) {
                    // Best effort: what was reserved for it.
                    let _ = sealed.cut(self.offset);
                }
                self.reserve.begin_log();
                self.sealed_through = self.number;
                self.number = number;
                self.sealed_bytes += self.offset;
                self.offset = OPENED_BYTES;
                self.last_commit += 1;
                self.closed = true;
                Ok(())
            }
            Err(error) => {
                // Commits go on in the old log. The new one must be gone then: its head would say
                // that it follows on this commit, and the next start would take that for damage.
                if self.log.is_some()
                    && let Err(error) = remove_durably(self.disk.as_ref(), FileName::log(number))
                {
                    self.log = None;
                    return Err(error);
                }
                Err(error)
            }
        }
    }

    pub(super) fn run(
        &mut self,
        now: Instant,
        task: Task,
        cancelled: Arc<AtomicBool>,
        work: impl FnOnce() -> Result<Option<u64>, JournalError> + Send + 'static,
    ) {
        match self.runs {
            CompactionRuns::OnThread => {
                let builder = std::thread::Builder::new().name("journal-compact".into());
                match builder.spawn(work) {
                    Ok(thread) => self.running = Some(Running { thread, cancelled, task }),
                    Err(error) => {
                        let path = self.disk.path("");
                        let error = JournalError::io("start a thread for", &path, error);
                        self.finish(now, task, Err(error));
                    }
                }
            }
            #[cfg(test)]
            CompactionRuns::WithinCommit => self.finish(now, task, work()),
        }
    }

    pub(super) fn join_finished(&mut self, now: Instant) {
        if self.running.as_ref().is_some_and(|running| running.thread.is_finished())
            && let Some(Running { thread, task, .. }) = self.running.take()
        {
            let outcome = thread.join().unwrap_or(Err(JournalError::ThreadEnded));
            self.finish(now, task, outcome);
        }
    }

    fn finish(&mut self, now: Instant, task: Task, outcome: Result<Option<u64>, JournalError>) {
        match (task, outcome) {
            (Task::Compaction { covers_bytes }, Ok(Some(snapshot_bytes))) => {
                self.snapshot_bytes = snapshot_bytes;
                self.sealed_bytes = self.sealed_bytes.saturating_sub(covers_bytes);
                self.compaction_due_bytes = snapshot_bytes.max(self.floor_bytes);
                self.compaction_failure = None;
                self.compaction_retry.succeeded();
                self.has_leftovers = true;
            }
            // Cancelled: the journal is being closed, or has failed.
            (Task::Compaction { .. }, Ok(None)) => {}
            (Task::Compaction { .. }, Err(error)) => {
                if let JournalError::Damaged { .. } = error {
                    // That does not pass; it is looked at again after as much growth once more.
                    self.compaction_due_bytes = self.sealed_bytes + self.offset + self.floor_bytes;
                } else {
                    self.compaction_retry.failed(now);
                }
                self.compaction_failure = Some(Arc::new(error));
            }
            (Task::Rebuild { base }, outcome) => self.finish_rebuild(now, base, outcome),
        }
    }

    /// Removes files that no longer count, unless an unfinished one may be written at the moment.
    pub(super) fn remove_leftovers(&mut self, now: Instant) {
        let may_remove = self.running.is_none() && self.failed.is_none();
        if !(may_remove && self.has_leftovers && self.removal_retry.is_due(now)) {
            return;
        }
        match remove_outdated(self.disk.as_ref()) {
            Ok(()) => {
                self.has_leftovers = false;
                self.removal_retry.succeeded();
            }
            Err(_) => self.removal_retry.failed(now),
        }
    }
}

/// Creates a log with its head and an empty commit, the one after `base`.
///
/// Durability: it gets its name only once both are on the disk. So a log without a whole commit was
/// not left by a crash: it has been emptied.
fn create_log(disk: &dyn Disk, number: u64, base: u64) -> Result<Box<dyn DiskFile>, JournalError> {
    let file = FileName::log(number);
    let name = file.to_string();
    let unfinished = format!("{name}{UNFINISHED}");
    let create = || {
        let mut bytes = Head { file, base }.encode();
        let place = Place { file, offset: HEAD_BYTES as u64 };
        encode(&mut bytes, place, base + 1, Kind::End, &[], &[]);
        let mut log = disk.create(&unfinished)?;
        log.write(&bytes)?;
        log.sync()?;
        disk.rename(&unfinished, &name)?;
        disk.sync_names()?;
        Ok(log)
    };
    create().map_err(|error| {
        // Best effort, to free the space; the next start removes it as well.
        let _ = disk.remove(&unfinished);
        JournalError::io("create", &disk.path(&name), error)
    })
}

/// The log before the newest one; 0 if there is none.
pub(super) fn sealed_through(files: &[(FileName, u64)]) -> u64 {
    let logs = files.iter().rev().filter(|(file, _)| file.kind == FileKind::Log);
    logs.skip(1).map(|(file, _)| file.number).next().unwrap_or(0)
}

/// Makes sure that a file is not there, now and after a power cut.
fn remove_durably(disk: &dyn Disk, file: FileName) -> Result<(), JournalError> {
    let name = file.to_string();
    let removed = match disk.remove(&name) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => disk.sync_names(),
    };
    removed.map_err(|error| JournalError::io("remove", &disk.path(&name), error))
}

/// Bytes of a new log: its head and the end of an empty commit.
const OPENED_BYTES: u64 = (HEAD_BYTES + HEADER_BYTES) as u64;

/// The longest wait between two attempts. A compaction may write much before it fails.
pub(super) const COMPACTION_WAIT_MAX: Duration = Duration::from_secs(300);
