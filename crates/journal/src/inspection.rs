//! Are these files a sound journal, and where does it end?
//!
//! The first of the two passes over the files: every checksum is compared, and the commits must
//! follow one another without a gap through all files.
//! Out come the place where the next commit goes and which record of each key is the newest, or
//! the first damage.
//!
//! The one subtlety is the end of the last log.
//! A commit is written only after the previous one was synced.
//! So if commit n is the last whole one, a crash can have left any part of commit n+1 behind, in
//! any order of blocks, but nothing of n+2.
//! Unreadable bytes with nothing but n+1 after them are therefore a torn end, which was never
//! acknowledged, and are cut off; with a record of n+2 or later after them they are damage.
//! A log without any whole commit was emptied, since it gets its name together with its first one.
//! (An older version made logs of a head alone, which are sound.)
//! Rot within the last commit of a journal that was not closed cannot be distinguished from a torn end.

use std::path::PathBuf;

use crate::JournalError;
use crate::disk::Disk;
use crate::live::{Entries, Latest, ReadMode, Records, Source};
use crate::record::{FileKind, FileName, HEAD_BYTES, HeadError, Kind};
use crate::scanner::{Scanner, Step};

/// What the end of the last log may look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tail {
    /// The process may have died while it was written.
    MayBeTorn,
    /// A later log exists, so everything in this one was synced.
    Sealed,
}

/// A sound journal.
pub(crate) struct Inspection {
    /// The number of the last whole commit.
    pub(crate) last_commit: u64,
    /// Each file and where its sound part ends.
    pub(crate) files: Vec<(FileName, u64)>,
    /// Bytes after that in the last log: a commit that was cut short and never acknowledged.
    pub(crate) torn_bytes: u64,
    /// Whether the last commit is an empty one, as a journal that is closed leaves it.
    pub(crate) closed: bool,
    latest: Latest,
}

/// Checks `files` (with their sizes, oldest first; at most one snapshot, at the start).
pub(crate) fn inspect(
    disk: &dyn Disk,
    files: &[(FileName, u64)],
    tail: Tail,
) -> Result<Inspection, JournalError> {
    let mut inspection = Inspection {
        last_commit: 0,
        files: Vec::new(),
        torn_bytes: 0,
        closed: false,
        latest: Latest::default(),
    };
    let mut records = 0;
    for (position, &(file, bytes)) in files.iter().enumerate() {
        let last = position + 1 == files.len();
        let tail = if last && file.kind == FileKind::Log { tail } else { Tail::Sealed };
        let path = disk.path(&file.to_string());
        let mut pass = FilePass { file, bytes, path, tail, records };
        pass.run(disk, &mut inspection)?;
        records = pass.records;
    }
    Ok(inspection)
}

impl Inspection {
    /// The second pass: the live entries.
    pub(crate) fn into_entries(self, disk: &dyn Disk) -> Result<Entries, JournalError> {
        let sources = open_sources(disk, &self.files)?;
        Ok(Entries::new(Records::new(sources, ReadMode::Strict), self.latest))
    }
}

/// The live entries of files that are damaged: everything that can still be read.
///
/// A record that was lost may bring back the one before it.
pub(crate) fn salvage(disk: &dyn Disk, files: &[(FileName, u64)]) -> Result<Entries, JournalError> {
    let mut latest = Latest::default();
    Records::new(open_sources(disk, files)?, ReadMode::Salvage).note_all(&mut latest)?;
    Ok(Entries::new(Records::new(open_sources(disk, files)?, ReadMode::Salvage), latest))
}

fn open_sources(disk: &dyn Disk, files: &[(FileName, u64)]) -> Result<Vec<Source>, JournalError> {
    let mut sources = Vec::new();
    for &(file, length) in files {
        let name = file.to_string();
        let path = disk.path(&name);
        let opened = disk.read(&name).and_then(|source| {
            let mut scanner = Scanner::new(file, source);
            // The first pass has judged it.
            let _head = scanner.head()?;
            Ok(scanner)
        });
        let scanner = opened.map_err(|error| JournalError::io("read", &path, error))?;
        sources.push(Source { scanner, length, path });
    }
    Ok(sources)
}

/// The check of one file.
struct FilePass {
    file: FileName,
    bytes: u64,
    path: PathBuf,
    tail: Tail,
    /// Records seen so far in all files.
    records: u64,
}

impl FilePass {
    fn run(&mut self, disk: &dyn Disk, inspection: &mut Inspection) -> Result<(), JournalError> {
        let source = disk.read(&self.file.to_string()).map_err(|error| self.io(error))?;
        let mut scanner = Scanner::new(self.file, source);
        self.check_head(&mut scanner, inspection)?;
        let sound = match self.file.kind {
            FileKind::Snapshot => self.check_snapshot(&mut scanner, inspection.last_commit)?,
            FileKind::Log => self.check_log(&mut scanner, inspection)?,
        };
        inspection.files.push((self.file, sound));
        inspection.torn_bytes = self.bytes.saturating_sub(sound);
        Ok(())
    }

    fn check_head(
        &self,
        scanner: &mut Scanner,
        inspection: &mut Inspection,
    ) -> Result<(), JournalError> {
        match scanner.head().map_err(|error| self.io(error))? {
            Ok(head) if self.file.kind == FileKind::Snapshot => inspection.last_commit = head.base,
            Ok(head) if head.base != inspection.last_commit => {
                return Err(self.damaged(0, "commits before this file are missing"));
            }
            Ok(_) => {}
            Err(HeadError::Newer(version)) => {
                return Err(JournalError::Newer { path: self.path.clone(), version });
            }
            // A file gets its name only once its head is on the disk.
            Err(HeadError::Unreadable) => {
                return Err(self.damaged(0, "the file's head is unreadable"));
            }
        }
        Ok(())
    }

    fn check_snapshot(&mut self, scanner: &mut Scanner, base: u64) -> Result<u64, JournalError> {
        let mut ended = false;
        loop {
            let offset = scanner.offset();
            match scanner.step().map_err(|error| self.io(error))? {
                Step::Record(header) if header.commit == base && !ended => {
                    ended = header.kind == Kind::End;
                    self.records += 1;
                }
                Step::End if ended => return Ok(offset),
                Step::End => return Err(self.damaged(offset, "the snapshot is cut short")),
                Step::Record(_) | Step::Unreadable => {
                    return Err(self.damaged(offset, "unreadable record in a snapshot"));
                }
            }
        }
    }

    /// Gives the end of the last whole commit.
    fn check_log(
        &mut self,
        scanner: &mut Scanner,
        inspection: &mut Inspection,
    ) -> Result<u64, JournalError> {
        let mut sound = scanner.offset();
        let mut open_commit = Vec::new();
        loop {
            let offset = scanner.offset();
            match scanner.step().map_err(|error| self.io(error))? {
                Step::Record(header) if header.commit != inspection.last_commit + 1 => {
                    return Err(self.damaged(offset, "a commit is missing before this record"));
                }
                Step::Record(header) if header.kind == Kind::End => {
                    self.records += 1;
                    inspection.last_commit = header.commit;
                    sound = scanner.offset();
                    inspection.closed = open_commit.is_empty();
                    for (hash, number) in open_commit.drain(..) {
                        inspection.latest.note(hash, number);
                    }
                }
                Step::Record(_) => {
                    open_commit.push((inspection.latest.hash(scanner.body().0), self.records));
                    self.records += 1;
                }
                Step::End if offset == sound => return Ok(sound),
                Step::End | Step::Unreadable => break,
            }
        }
        if sound == HEAD_BYTES as u64 {
            return Err(self.damaged(sound, "the log has been emptied: its first commit is gone"));
        }
        if self.tail == Tail::Sealed {
            return Err(
                self.damaged(scanner.offset(), "unreadable record, or the file is cut short")
            );
        }
        self.check_torn(scanner, inspection.last_commit)?;
        Ok(sound)
    }

    /// After unreadable bytes: damage, if anything was synced after them.
    fn check_torn(&self, scanner: &mut Scanner, last_commit: u64) -> Result<(), JournalError> {
        let offset = scanner.offset();
        while scanner.seek_record().map_err(|error| self.io(error))? {
            if let Step::Record(header) = scanner.step().map_err(|error| self.io(error))?
                && header.commit > last_commit + 1
            {
                return Err(self.damaged(offset, "unreadable record before sound ones"));
            }
        }
        Ok(())
    }

    fn io(&self, error: std::io::Error) -> JournalError {
        JournalError::io("read", &self.path, error)
    }

    fn damaged(&self, offset: u64, what: &'static str) -> JournalError {
        JournalError::Damaged { path: self.path.clone(), offset, what }
    }
}
