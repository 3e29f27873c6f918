//! How does a directory become an open journal, whatever state it is in?
//!
//! In: a path. Out: the journal, its live entries, and what had to be done to get there.
//! A directory that is missing is created, a commit that a crash cut short is dropped, and a damaged
//! store is copied aside while everything in it that can still be read goes on in a fresh one.
//! A directory that is in use or cannot be written is not damaged: it is refused and left alone.

use std::fs::{self, File, TryLockError};
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::SystemTime;

use crate::compaction::{UNFINISHED, current, remove_outdated, write_snapshot};
use crate::disk::{
    CANNOT_WRITE, Directory, Disk, LOCK, create_private_directory, journal_files, make_private,
    note_holder, sync_directory,
};
use crate::inspection::{Inspection, Tail, inspect, salvage};
use crate::options::{CompactionRuns, JournalOptions};
use crate::record::{FileName, Head};
use crate::{Entries, FileJournal, JournalError};

/// An open journal and what was found.
pub struct Opened {
    pub journal: FileJournal,
    /// Every live key with its newest value; read from the disk as it is iterated.
    pub entries: Entries,
    /// Where a damaged store was put, if there was one; `entries` are what could be salvaged.
    /// An operator must be informed: entries are missing, or older than they were.
    pub moved_aside: Option<PathBuf>,
    /// Whether the directory has been used before and holds no files any more.
    pub emptied: bool,
    /// Bytes of a commit that a crash had cut short; it was never acknowledged, and is gone.
    pub torn_bytes: u64,
    /// When the newest of the files was last written; `None` if there was none, or the file system
    /// does not say.
    pub written_at: Option<SystemTime>,
}

/// The entries of a journal that another process may have open.
pub struct Read {
    pub entries: Entries,
    /// Whether that process cannot write it at present, so that newer entries are missing.
    pub is_failing: bool,
}

/// Opens the journal in `dir`, creating both if need be.
///
/// Fails with [`JournalError::Locked`] if it is open already, [`JournalError::NotWritable`] if the
/// directory is read-only, [`JournalError::Newer`] if a later version has written it, and
/// [`JournalError::DiskFull`] or [`JournalError::Io`] if it cannot be read, or not be repaired.
/// If it can be read and not be written to at the moment, the journal has failed from the start.
pub fn open(dir: &Path, options: JournalOptions) -> Result<Opened, JournalError> {
    let failed = |error| JournalError::io("create the data directory", dir, error);
    create_private_directory(dir).map_err(failed)?;
    // The name of a store that is put aside needs the last part of the path, which "." lacks.
    let dir = dir.canonicalize().map_err(failed)?;
    if let Some(parent) = dir.parent() {
        // Durability: the directory's own name. A parent that may not be read stays unsynced.
        let _ = sync_directory(parent);
    }
    let was_used = dir.join(LOCK).exists();
    let lock = lock(&dir)?;
    make_private(&dir);
    let directory = Directory::open(dir.clone());
    let directory = directory.map_err(|error| JournalError::io("open", &dir, error))?;
    let disk: Arc<dyn Disk> = Arc::new(directory);
    let written_at = written_at(disk.as_ref())?;
    let emptied = was_used && list(disk.as_ref())?.is_empty();
    let mut opened = open_disk(disk, options, CompactionRuns::OnThread)?;
    opened.journal.hold(lock);
    opened.written_at = written_at;
    opened.emptied = emptied;
    Ok(opened)
}

/// Reads the live entries as they are on the disk by now, even while another process has the journal
/// open; changes nothing.
///
/// Files that a compaction replaces meanwhile are looked for again.
pub fn read(dir: &Path) -> Result<Read, JournalError> {
    let directory = Directory::open(dir.to_path_buf());
    let disk = directory.map_err(|error| JournalError::io("open", dir, error))?;
    let holder = fs::read_to_string(dir.join(LOCK)).unwrap_or_default();
    let is_failing = holder.ends_with(CANNOT_WRITE);
    Ok(Read { entries: read_disk(&disk)?, is_failing })
}

/// Reads the live entries of a disk that another process may be writing.
pub(crate) fn read_disk(disk: &dyn Disk) -> Result<Entries, JournalError> {
    let read = || inspect_disk(disk).and_then(|inspection| inspection.into_entries(disk));
    for _ in 1..READ_ATTEMPTS_MAX {
        match read() {
            Err(JournalError::Io { .. } | JournalError::Damaged { .. }) => {}
            entries => return entries,
        }
    }
    read()
}

/// Opens the journal on any disk, which the caller has locked.
pub(crate) fn open_disk(
    disk: Arc<dyn Disk>,
    options: JournalOptions,
    runs: CompactionRuns,
) -> Result<Opened, JournalError> {
    let mut moved_aside = None;
    let inspection = match inspect_disk(disk.as_ref()) {
        Err(JournalError::Damaged { .. }) => {
            moved_aside = Some(repair(disk.as_ref())?);
            inspect_disk(disk.as_ref())?
        }
        other => other?,
    };
    let next_number = next_number(disk.as_ref())?;
    let journal = FileJournal::resume(Arc::clone(&disk), &inspection, next_number, &options, runs)?;
    let torn_bytes = inspection.torn_bytes;
    let entries = inspection.into_entries(disk.as_ref())?;
    Ok(Opened { journal, entries, moved_aside, emptied: false, torn_bytes, written_at: None })
}

fn inspect_disk(disk: &dyn Disk) -> Result<Inspection, JournalError> {
    inspect(disk, &current(&list(disk)?), Tail::MayBeTorn)
}

fn written_at(disk: &dyn Disk) -> Result<Option<SystemTime>, JournalError> {
    let written = |(file, _): (FileName, u64)| {
        fs::metadata(disk.path(&file.to_string())).and_then(|metadata| metadata.modified()).ok()
    };
    Ok(list(disk)?.into_iter().filter_map(written).max())
}

/// Keeps all files aside and replaces them by a snapshot of what can be read.
///
/// The files are set aside first and removed last, so a crash in between loses nothing; it may
/// leave a second copy aside.
fn repair(disk: &dyn Disk) -> Result<PathBuf, JournalError> {
    let files = list(disk)?;
    let names: Vec<_> = files.iter().map(|(file, _)| file.to_string()).collect();
    let aside = disk
        .set_aside(&names)
        .map_err(|error| JournalError::io("set aside the damaged store", &disk.path(""), error))?;
    let newest = files.last().map_or(0, |(file, _)| file.number);
    // Commits are counted from 1 again: a record is bound to its file, so no old one can be mistaken.
    let head = Head { file: FileName::snapshot(newest.saturating_add(1)), base: 0 };
    let entries = salvage(disk, &files)?;
    write_snapshot(disk, head, entries, &AtomicBool::new(false))?;
    // What is left of the old files does not count any more, and is removed later.
    let _ = remove_outdated(disk);
    Ok(aside)
}

/// A number that no file has or was to get.
fn next_number(disk: &dyn Disk) -> Result<u64, JournalError> {
    let listed = disk.list().map_err(|error| JournalError::io("list", &disk.path(""), error))?;
    let number = |name: &str| FileName::parse(name.strip_suffix(UNFINISHED).unwrap_or(name));
    let newest = listed.iter().filter_map(|(name, _)| Some(number(name)?.number)).max();
    Ok(newest.unwrap_or(0).saturating_add(1))
}

fn list(disk: &dyn Disk) -> Result<Vec<(FileName, u64)>, JournalError> {
    journal_files(disk).map_err(|error| JournalError::io("list", &disk.path(""), error))
}

/// Takes the directory for this process; the operating system frees it when the process ends.
fn lock(dir: &Path) -> Result<File, JournalError> {
    let path = dir.join(LOCK);
    let failed = |error| JournalError::io("create the lock file", &path, error);
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {
            note_holder(&mut file, "");
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = file.take(HOLDER_BYTES_MAX).read_to_string(&mut holder);
            if holder.is_empty() {
                holder.push_str("another process");
            }
            Err(JournalError::Locked { path: dir.to_path_buf(), holder })
        }
        Err(TryLockError::Error(error)) => Err(JournalError::io("lock", &path, error)),
    }
}

/// How often a compaction or a commit may change the files while they are looked for.
pub(crate) const READ_ATTEMPTS_MAX: u64 = 10;

const HOLDER_BYTES_MAX: u64 = 64;
