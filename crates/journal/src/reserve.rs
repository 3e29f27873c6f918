//! Is there room for the next commits even if others fill the disk?
//!
//! Space behind the end of the newest log is reserved ahead, so that a full disk takes what follows
//! from the notifications of the last minutes. Without it, the next start would notify again.
//! A file system that cannot reserve for a file gets a file of that size instead, which is removed
//! when the disk is full; what it took may then be taken by others too.

use std::hash::{BuildHasher as _, RandomState};
use std::io::{ErrorKind, Result};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::JournalError;
use crate::disk::{Disk, DiskFile, RESERVE};
use crate::retry::Retry;

pub(crate) struct Reserve {
    /// How much is wanted.
    wanted_bytes: u64,
    kind: Kind,
    retry: Retry,
    failure: Option<Arc<JournalError>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Up to this offset of the newest log.
    InLog { to: u64 },
    /// In a file of its own, of so many bytes.
    File { bytes: u64 },
}

impl Reserve {
    pub(crate) fn new(wanted_bytes: u64) -> Self {
        Self {
            wanted_bytes,
            kind: Kind::InLog { to: 0 },
            retry: Retry::within(WAIT_MAX),
            failure: None,
        }
    }

    /// How much is there for commits from `offset` of the log on.
    pub(crate) fn bytes(&self, offset: u64) -> u64 {
        match self.kind {
            Kind::InLog { to } => to.saturating_sub(offset),
            Kind::File { bytes } => bytes,
        }
    }

    /// Why it is not as large as it should be, if it is not.
    pub(crate) fn failure(&self) -> Option<Arc<JournalError>> {
        self.failure.clone()
    }

    pub(crate) fn next_attempt(&self) -> Option<Instant> {
        self.retry.at()
    }

    /// Another log is written from now on, or none.
    pub(crate) fn begin_log(&mut self) {
        if let Kind::InLog { to } = &mut self.kind {
            *to = 0;
        }
        self.retry.succeeded();
    }

    /// Makes it as large as it should be, or as large as the disk allows.
    pub(crate) fn fill(
        &mut self,
        now: Instant,
        disk: &dyn Disk,
        log: &mut dyn DiskFile,
        offset: u64,
    ) {
        let is_enough = self.bytes(offset) >= self.wanted_bytes / 4 * 3;
        if is_enough || !self.retry.is_due(now) {
            if is_enough {
                self.failure = None;
                self.retry.succeeded();
            }
            return;
        }
        let filled = match self.kind {
            Kind::InLog { to } => self.fill_in_log(disk, log, to.max(offset), offset),
            Kind::File { .. } => self.fill_file(disk),
        };
        match filled {
            Ok(()) => {
                self.failure = None;
                self.retry.succeeded();
            }
            Err(error) => {
                let path = disk.path("");
                self.failure = Some(Arc::new(JournalError::io("reserve space in", &path, error)));
                self.retry.failed(now);
            }
        }
    }

    /// The disk is full: makes room for what is being written, if a file of its own was kept for that.
    pub(crate) fn give_up(&mut self, disk: &dyn Disk) -> bool {
        match &mut self.kind {
            Kind::File { bytes } => {
                *bytes = 0;
                disk.remove(RESERVE).is_ok()
            }
            Kind::InLog { .. } => false,
        }
    }

    fn fill_in_log(
        &mut self,
        disk: &dyn Disk,
        log: &mut dyn DiskFile,
        from: u64,
        offset: u64,
    ) -> Result<()> {
        let mut missing = (offset + self.wanted_bytes).saturating_sub(from);
        let mut first_failure = None;
        while missing >= STEP_BYTES_MIN || first_failure.is_none() {
            match log.reserve(from, from + missing) {
                Ok(()) => {
                    self.kind = Kind::InLog { to: from + missing };
                    return first_failure.map_or(Ok(()), Err);
                }
                Err(error) if error.kind() == ErrorKind::Unsupported => {
                    return self.fill_file(disk);
                }
                Err(error) => {
                    first_failure.get_or_insert(error);
                    missing /= 2;
                }
            }
        }
        first_failure.map_or(Ok(()), Err)
    }

    fn fill_file(&mut self, disk: &dyn Disk) -> Result<()> {
        if size_of(disk) == self.wanted_bytes {
            self.kind = Kind::File { bytes: self.wanted_bytes };
            return Ok(());
        }
        let written = write_file(disk, self.wanted_bytes);
        match written {
            Ok(()) => self.kind = Kind::File { bytes: self.wanted_bytes },
            Err(_) => {
                self.kind = Kind::File { bytes: 0 };
                drop(disk.remove(RESERVE));
            }
        }
        written
    }
}

fn size_of(disk: &dyn Disk) -> u64 {
    let files = disk.list().unwrap_or_default();
    files.iter().find(|(name, _)| name == RESERVE).map_or(0, |(_, bytes)| *bytes)
}

/// Writes bytes that no file system can compress.
fn write_file(disk: &dyn Disk, bytes: u64) -> Result<()> {
    let mut file = disk.create(RESERVE)?;
    let hasher = RandomState::new();
    let mut random = (0_u64..).flat_map(|number| hasher.hash_one(number).to_le_bytes());
    let mut left = usize::try_from(bytes).unwrap_or(usize::MAX);
    while left > 0 {
        let piece: Vec<u8> = random.by_ref().take(WRITE_BYTES.min(left)).collect();
        file.write(&piece)?;
        left -= piece.len();
    }
    file.sync()?;
    disk.sync_names()
}

/// The longest wait between two attempts.
const WAIT_MAX: Duration = Duration::from_secs(15);

const WRITE_BYTES: usize = 256 << 10;

/// Less is not worth a call.
const STEP_BYTES_MIN: u64 = 64 << 10;
