//! How do outdated records leave the disk without a moment in which anything is missing?
//!
//! A compaction covers a snapshot and the logs after it, all of them sealed, and writes their live
//! entries into a new snapshot:
//!
//! 1. The entries are written to `<n>.snapshot.tmp`, and synced.
//! 2. The file is renamed to `<n>.snapshot`, and the directory synced.
//!    From here on the new snapshot counts and the files that it covers do not.
//! 3. The covered files are removed, by the caller.
//!
//! A crash before 2 leaves the old files, which still count; one after it leaves files that no
//! longer count; the next start removes what is left over.
//!
//! Commits go on meanwhile, in the next log, which it does not read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::JournalError;
use crate::disk::{Disk, PROBE, journal_files};
use crate::inspection::{Tail, inspect};
use crate::live::Entries;
use crate::record::{FileKind, FileName, HEAD_BYTES, Head, Kind, Place, encode};

/// The ending of a file that is not complete yet.
pub(crate) const UNFINISHED: &str = ".tmp";

/// The work to be done, on whichever thread.
pub(crate) struct Compaction {
    pub(crate) disk: Arc<dyn Disk>,
    /// The last log that is covered.
    pub(crate) through: u64,
    /// Set when the journal is closed: the work is given up, and nothing is lost by that.
    pub(crate) cancelled: Arc<AtomicBool>,
}

impl Compaction {
    /// Gives the size of the new snapshot; `None` if it was cancelled.
    pub(crate) fn run(self) -> Result<Option<u64>, JournalError> {
        let disk = self.disk.as_ref();
        let listed =
            journal_files(disk).map_err(|error| JournalError::io("list", &disk.path(""), error))?;
        let mut files = current(&listed);
        files.retain(|(file, _)| file.number <= self.through);
        let inspection = inspect(disk, &files, Tail::Sealed)?;
        let head = Head { file: FileName::snapshot(self.through), base: inspection.last_commit };
        let entries = inspection.into_entries(disk)?;
        write_snapshot(disk, head, entries, &self.cancelled)
    }
}

/// The entries of a new snapshot, one after the other.
pub(crate) trait Source {
    /// Moves to the next entry; false at the end.
    fn step(&mut self) -> Result<bool, JournalError>;
    /// The key and the value of the entry.
    fn body(&self) -> (&[u8], &[u8]);
}

impl Source for Entries {
    fn step(&mut self) -> Result<bool, JournalError> {
        Entries::step(self)
    }

    fn body(&self) -> (&[u8], &[u8]) {
        Entries::body(self)
    }
}

/// The files that count: the newest snapshot and the logs after it.
pub(crate) fn current(files: &[(FileName, u64)]) -> Vec<(FileName, u64)> {
    let snapshot = files.iter().rev().find(|(file, _)| file.kind == FileKind::Snapshot);
    let Some(&(snapshot, _)) = snapshot else {
        return files.to_vec();
    };
    files.iter().copied().filter(|(file, _)| *file >= snapshot).collect()
}

/// Writes `entries` as a snapshot that counts from then on; gives its size, or `None` if cancelled.
pub(crate) fn write_snapshot(
    disk: &dyn Disk,
    head: Head,
    entries: impl Source,
    cancelled: &AtomicBool,
) -> Result<Option<u64>, JournalError> {
    let name = head.file.to_string();
    let unfinished = format!("{name}{UNFINISHED}");
    let written = write_entries(disk, &unfinished, head, entries, cancelled);
    if !matches!(written, Ok(Some(_))) {
        // Best effort, to free the space; the next start removes it as well.
        let _ = disk.remove(&unfinished);
        return written;
    }
    disk.rename(&unfinished, &name)
        .and_then(|()| disk.sync_names())
        .map_err(|error| JournalError::io("rename", &disk.path(&unfinished), error))?;
    written
}

/// Removes unfinished files and those that no longer count.
pub(crate) fn remove_outdated(disk: &dyn Disk) -> Result<(), JournalError> {
    let listed = disk.list().map_err(|error| JournalError::io("list", &disk.path(""), error))?;
    let mut files: Vec<_> =
        listed.iter().filter_map(|(name, bytes)| Some((FileName::parse(name)?, *bytes))).collect();
    files.sort();
    let current = current(&files);
    let outdated =
        files.iter().filter(|file| !current.contains(file)).map(|(file, _)| file.to_string());
    let unfinished = listed
        .iter()
        .map(|(name, _)| name)
        .filter(|name| {
            let finished = name.strip_suffix(UNFINISHED);
            *name == PROBE || finished.is_some_and(|name| FileName::parse(name).is_some())
        })
        .cloned();
    for name in outdated.chain(unfinished) {
        disk.remove(&name).map_err(|error| JournalError::io("remove", &disk.path(&name), error))?;
    }
    Ok(())
}

fn write_entries(
    disk: &dyn Disk,
    name: &str,
    head: Head,
    mut entries: impl Source,
    cancelled: &AtomicBool,
) -> Result<Option<u64>, JournalError> {
    let failed = |error| JournalError::io("write", &disk.path(name), error);
    let mut file = disk.create(name).map_err(failed)?;
    let mut buffer = head.encode();
    let mut offset = HEAD_BYTES as u64;
    let mut unsynced = 0;
    loop {
        let more = entries.step()?;
        let (kind, (key, value)) =
            if more { (Kind::Put, entries.body()) } else { (Kind::End, (&[][..], &[][..])) };
        let before = buffer.len();
        encode(&mut buffer, Place { file: head.file, offset }, head.base, kind, key, value);
        offset += (buffer.len() - before) as u64;
        if buffer.len() >= WRITE_BYTES || !more {
            file.write(&buffer).map_err(failed)?;
            unsynced += buffer.len();
            buffer.clear();
            if unsynced >= SYNC_BYTES || !more {
                file.sync().map_err(failed)?;
                unsynced = 0;
            }
            if cancelled.load(Ordering::Relaxed) {
                return Ok(None);
            }
        }
        if !more {
            return Ok(Some(offset));
        }
    }
}

const WRITE_BYTES: usize = 256 << 10;

/// Synced in steps, so that commits never wait behind hundreds of megabytes of snapshot.
const SYNC_BYTES: usize = 8 << 20;
