//! How does one batch become durable?
//!
//! A batch is encoded as records, closed by an end record, appended to the newest log, and synced:
//! one write and one sync, whatever its size.
//! When the logs have grown enough, the next log is begun and a compaction of the earlier files is
//! started, while commits go on.
//!
//! A failed write or sync poisons the journal: what the disk holds is unknown then, and a sync that
//! is repeated after a failure may report success for bytes that were dropped.
//! A failed compaction does not: the logs are whole, and it is tried again after further growth.

use std::fs::File;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crate::compaction::{Compaction, UNFINISHED};
use crate::disk::{Disk, DiskFile};
use crate::inspection::Inspection;
use crate::options::CompactionRuns;
use crate::record::{
    FileKind, FileName, HEAD_BYTES, HEADER_BYTES, Head, Kind, Place, check_size, encode,
};
use crate::{Change, Journal, JournalError, JournalOptions, Status};

/// A journal in a directory; made by [`crate::open`].
///
/// Dropping it marks the log as closed and releases the directory.
pub struct FileJournal {
    disk: Arc<dyn Disk>,
    log: Box<dyn DiskFile>,
    number: u64,
    /// Where in the log the next record goes.
    offset: u64,
    last_commit: u64,
    /// Whether the last commit is an empty one, which says that the one before it is whole.
    closed: bool,
    /// Bytes in the logs before the newest.
    sealed_bytes: u64,
    snapshot_bytes: u64,
    floor_bytes: u64,
    /// Bytes of all logs at which the next compaction begins.
    compaction_due_bytes: u64,
    runs: CompactionRuns,
    running: Option<Running>,
    compaction_failure: Option<Arc<JournalError>>,
    poison: Option<Arc<JournalError>>,
    buffer: Vec<u8>,
    /// Held as long as the journal, released last.
    _lock: Option<File>,
}

struct Running {
    thread: JoinHandle<Result<Option<u64>, JournalError>>,
    cancelled: Arc<AtomicBool>,
    covers_bytes: u64,
}

impl FileJournal {
    /// Goes on after the last sound commit.
    pub(crate) fn resume(
        disk: Arc<dyn Disk>,
        inspection: &Inspection,
        options: &JournalOptions,
        runs: CompactionRuns,
    ) -> Result<Self, JournalError> {
        let mut last_commit = inspection.last_commit;
        let (number, log, offset) = match inspection.files.last() {
            Some(&(file, length)) if file.kind == FileKind::Log => {
                let name = file.to_string();
                let log = disk
                    .append(&name, length)
                    .map_err(|error| JournalError::io("open", &disk.path(&name), error))?;
                (file.number, log, length)
            }
            snapshot => {
                let number = snapshot.map_or(1, |(file, _)| file.number.saturating_add(1));
                let log = create_log(disk.as_ref(), number, last_commit)?;
                last_commit += 1;
                (number, log, OPENED_BYTES)
            }
        };
        let bytes_of = |kind| {
            let files = inspection.files.iter().filter(move |(file, _)| file.kind == kind);
            files.map(|(_, bytes)| bytes).sum::<u64>()
        };
        let is_new = last_commit != inspection.last_commit;
        let logs_bytes = bytes_of(FileKind::Log);
        let sealed_bytes = if is_new { logs_bytes } else { logs_bytes.saturating_sub(offset) };
        let snapshot_bytes = bytes_of(FileKind::Snapshot);
        let floor_bytes = options.compaction_floor_bytes;
        Ok(Self {
            disk,
            log,
            number,
            offset,
            last_commit,
            closed: inspection.closed || is_new,
            sealed_bytes,
            snapshot_bytes,
            floor_bytes,
            compaction_due_bytes: snapshot_bytes.max(floor_bytes),
            runs,
            running: None,
            compaction_failure: None,
            poison: None,
            buffer: Vec::new(),
            _lock: None,
        })
    }

    /// Keeps `lock` until the journal is dropped.
    pub(crate) fn hold(&mut self, lock: File) {
        self._lock = Some(lock);
    }

    /// Appends the records of one commit and its end, and syncs them.
    fn append(&mut self, batch: &[Change]) -> Result<(), std::io::Error> {
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
                self.log.write(&self.buffer)?;
                self.buffer.clear();
            }
        }
        self.log.sync()?;
        // One huge value should not be paid for with memory for ever.
        self.buffer.shrink_to(2 * WRITE_BYTES);
        self.last_commit = commit;
        self.closed = batch.is_empty();
        Ok(())
    }

    fn poisoned_by(&mut self, action: &'static str, error: std::io::Error) -> JournalError {
        let path = self.disk.path(&FileName::log(self.number).to_string());
        let cause = Arc::new(JournalError::io(action, &path, error));
        self.poison = Some(Arc::clone(&cause));
        JournalError::Poisoned { cause }
    }

    fn begin_compaction(&mut self) {
        let logs_bytes = self.sealed_bytes + self.offset;
        // Unless it succeeds, the next attempt waits for as much growth again.
        self.compaction_due_bytes = logs_bytes + self.floor_bytes;
        let through = self.number;
        if let Err(error) = self.begin_log() {
            self.compaction_failure = Some(Arc::new(error));
            return;
        }
        let cancelled = Arc::new(AtomicBool::new(false));
        let compaction =
            Compaction { disk: Arc::clone(&self.disk), through, cancelled: Arc::clone(&cancelled) };
        match self.runs {
            CompactionRuns::OnThread => {
                let builder = std::thread::Builder::new().name("journal-compact".into());
                match builder.spawn(move || compaction.run()) {
                    Ok(thread) => {
                        self.running =
                            Some(Running { thread, cancelled, covers_bytes: logs_bytes });
                    }
                    Err(error) => {
                        let path = self.disk.path("");
                        let error = JournalError::io("start a thread for", &path, error);
                        self.compaction_failure = Some(Arc::new(error));
                    }
                }
            }
            #[cfg(test)]
            CompactionRuns::WithinCommit => self.finish_compaction(compaction.run(), logs_bytes),
        }
    }

    /// Seals the newest log and begins the next one.
    fn begin_log(&mut self) -> Result<(), JournalError> {
        let number = self.number + 1;
        match create_log(self.disk.as_ref(), number, self.last_commit) {
            Ok(log) => {
                self.log = log;
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
                if let Err(error) = remove_durably(self.disk.as_ref(), FileName::log(number)) {
                    self.poison = Some(Arc::new(error));
                }
                Err(error)
            }
        }
    }

    fn adopt_compaction(&mut self) {
        if self.running.as_ref().is_some_and(|running| running.thread.is_finished())
            && let Some(Running { thread, covers_bytes, .. }) = self.running.take()
        {
            let outcome = thread.join().unwrap_or(Err(JournalError::ThreadEnded));
            self.finish_compaction(outcome, covers_bytes);
        }
    }

    fn finish_compaction(&mut self, outcome: Result<Option<u64>, JournalError>, covers_bytes: u64) {
        match outcome {
            Ok(Some(snapshot_bytes)) => {
                self.snapshot_bytes = snapshot_bytes;
                self.sealed_bytes = self.sealed_bytes.saturating_sub(covers_bytes);
                self.compaction_due_bytes = snapshot_bytes.max(self.floor_bytes);
                self.compaction_failure = None;
            }
            // Cancelled: the journal is being closed.
            Ok(None) => {}
            Err(error) => self.compaction_failure = Some(Arc::new(error)),
        }
    }
}

impl Journal for FileJournal {
    fn commit(&mut self, batch: &[Change]) -> Result<(), JournalError> {
        if let Some(cause) = &self.poison {
            return Err(JournalError::Poisoned { cause: Arc::clone(cause) });
        }
        if batch.is_empty() {
            return Ok(());
        }
        batch.iter().try_for_each(check_size)?;
        self.append(batch).map_err(|error| self.poisoned_by("write", error))?;
        self.adopt_compaction();
        if self.running.is_none() && self.sealed_bytes + self.offset >= self.compaction_due_bytes {
            self.begin_compaction();
        }
        Ok(())
    }

    fn status(&self) -> Status {
        Status {
            disk_bytes: self.snapshot_bytes + self.sealed_bytes + self.offset,
            compaction_failure: self.compaction_failure.clone(),
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
        if self.poison.is_none() && !self.closed && self.last_commit > 0 {
            // Durability: an empty commit after the last one distinguishes rot in that one from a
            // commit that a crash cut short. Without it nothing is lost.
            let _ = self.append(&[]);
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

const WRITE_BYTES: usize = 256 << 10;
