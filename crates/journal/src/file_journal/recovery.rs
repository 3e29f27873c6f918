//! The steps from a failure to a journal that can be written again; `rebuild.rs` says why.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::{FileJournal, POLL, Task};
use crate::disk::{Disk, PROBE};
use crate::rebuild::{Failed, Rebuild, write};
use crate::record::{FileName, Head};
use crate::retry::Retry;
use crate::{Activity, JournalError, LiveEntries, Tended};

impl FileJournal {
    /// Nothing more is written to the log.
    pub(super) fn fail(&mut self, cause: Arc<JournalError>) {
        self.log = None;
        self.reserve.begin_log();
        if let Some(running) = &self.running {
            running.cancelled.store(true, Ordering::Relaxed);
        }
        match &mut self.failed {
            Some(failed) => failed.fail_again(cause),
            None => {
                let now = Instant::now();
                let mut retry =
                    std::mem::replace(&mut self.rebuild_retry, Retry::within(REBUILD_WAIT_MAX));
                match self.rebuilt_at {
                    Some(at) if now.saturating_duration_since(at) < STEADY_AFTER => {
                        retry.failed(now);
                    }
                    Some(_) | None => retry.succeeded(),
                }
                self.failed = Some(Failed::new(cause, self.disk.free_bytes(), retry));
            }
        }
        self.note_in_lock();
    }

    /// Takes the next step towards a journal that can be written again.
    pub(super) fn tend_failed(&mut self, now: Instant) -> Tended {
        let Some(failed) = &mut self.failed else { return Tended::default() };
        match failed.rebuild() {
            Rebuild::Waits if !failed.retry.is_due(now) => {}
            Rebuild::Waits => match probe(self.disk.as_ref()) {
                Ok(()) => failed.want_live(),
                Err(error) => {
                    failed.retry.failed(now);
                    failed.free_bytes = self.disk.free_bytes();
                    let cause = JournalError::io("write to", &self.disk.path(""), error);
                    failed.fail_again(Arc::new(cause));
                }
            },
            Rebuild::WantsLive => {}
            Rebuild::Begins => {
                if let Some(live) = failed.take_live() {
                    self.begin_rebuild(now, live);
                }
            }
            // Its thread has ended without an outcome; this is not reached.
            Rebuild::Runs => {}
        }
        let Some(failed) = &self.failed else { return self.tended(None, Activity::None) };
        match failed.rebuild() {
            Rebuild::Waits => self.tended(failed.retry.at().or(Some(now)), Activity::None),
            Rebuild::WantsLive => self.tended(None, Activity::WantsLive),
            Rebuild::Begins | Rebuild::Runs => self.tended(Some(now + POLL), Activity::Rebuilding),
        }
    }

    fn begin_rebuild(&mut self, now: Instant, live: LiveEntries) {
        // A commit that failed may be on the disk, so its number is taken.
        let base = self.last_commit + 1;
        let number = self.take_number();
        let (disk, cancelled) = (Arc::clone(&self.disk), Arc::new(AtomicBool::new(false)));
        let head = Head { file: FileName::snapshot(number), base };
        let for_thread = Arc::clone(&cancelled);
        let work = move || write(disk.as_ref(), head, live, &for_thread);
        self.run(now, Task::Rebuild { base }, cancelled, work);
    }

    /// Begins the log after the snapshot, with what was to be committed meanwhile.
    pub(super) fn finish_rebuild(
        &mut self,
        now: Instant,
        base: u64,
        outcome: Result<Option<u64>, JournalError>,
    ) {
        let Some(failed) = &mut self.failed else { return };
        let missed = failed.take_missed();
        let result = match (outcome, missed) {
            (Ok(Some(snapshot_bytes)), Some(missed)) => {
                self.last_commit = base;
                self.snapshot_bytes = snapshot_bytes;
                (self.sealed_bytes, self.offset) = (0, 0);
                self.compaction_due_bytes = snapshot_bytes.max(self.floor_bytes);
                self.compaction_failure = None;
                self.compaction_retry.succeeded();
                self.has_leftovers = true;
                self.begin_log().and_then(|()| {
                    if missed.is_empty() {
                        return Ok(());
                    }
                    let path = self.disk.path(&FileName::log(self.number).to_string());
                    self.append(&missed).map_err(|error| JournalError::io("write", &path, error))
                })
            }
            (Ok(_), _) => return failed.begin_again(now),
            (Err(error), _) => Err(error),
        };
        match result {
            Ok(()) => {
                if let Some(failed) = self.failed.take() {
                    self.rebuild_retry = failed.retry;
                }
                self.rebuilt_at = Some(now);
                self.note_in_lock();
            }
            Err(error) => {
                if let Some(failed) = &mut self.failed {
                    failed.begin_again(now);
                    failed.free_bytes = self.disk.free_bytes();
                }
                self.fail(Arc::new(error));
            }
        }
    }
}

/// Whether the disk takes a file at the moment.
fn probe(disk: &dyn Disk) -> Result<(), std::io::Error> {
    let write = || {
        let mut file = disk.create(PROBE)?;
        file.write(&[0; PROBE_BYTES])?;
        file.sync()
    };
    let written = write();
    // One that is left over is written over by the next attempt.
    let _ = disk.remove(PROBE);
    written
}

/// Enough that a disk without space refuses it.
const PROBE_BYTES: usize = 64 << 10;

/// The longest wait between two attempts.
pub(super) const REBUILD_WAIT_MAX: Duration = Duration::from_secs(15);

/// A failure so long after a rebuild has nothing to do with the one before.
const STEADY_AFTER: Duration = Duration::from_secs(60);
