//! Errors of a journal, distinguished by what the caller does next.
//!
//! Refuse to start (or start without durable state): `Locked`, `NotWritable`, `Newer`, `Io`.
//! Report that nothing is durable any more, and go on: `DiskFull`, `Io` and then `Poisoned`.
//! Repair the caller: `TooLarge`.
//! A damaged store is not an error of `open`: it is moved aside there; `Damaged` is only seen when
//! bytes rot while the journal is in use.

use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

/// Why the journal could not be opened or a batch not be made durable.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum JournalError {
    /// Another process, or another journal in this one, has the directory open.
    #[error(
        "the data directory {} is in use by {holder}: stop that one or choose another directory",
        path.display()
    )]
    Locked { path: PathBuf, holder: String },

    /// The directory or a file in it cannot be created or written by this user or at all.
    #[error(
        "cannot {action} {}: {source}; the directory must be writable by the user that runs the server",
        path.display()
    )]
    NotWritable { action: &'static str, path: PathBuf, source: Error },

    /// The disk or the quota is used up.
    #[error(
        "the disk is full, cannot {action} {}: {source}; free some space and restart the server",
        path.display()
    )]
    DiskFull { action: &'static str, path: PathBuf, source: Error },

    /// Any other answer of the operating system.
    #[error("cannot {action} {}: {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: Error },

    /// The store was written by a later version of this program, and is left as it is.
    #[error(
        "{} has format version {version}, this program knows up to {}: use the newer program again",
        path.display(),
        crate::record::FORMAT_VERSION
    )]
    Newer { path: PathBuf, version: u32 },

    /// Bytes that were durable once are not what was written.
    #[error("{} is damaged at byte {offset}: {what}", path.display())]
    Damaged { path: PathBuf, offset: u64, what: &'static str },

    /// An earlier write or sync failed; nothing is made durable until the journal is opened again.
    #[error(
        "nothing is made durable until the server is restarted, since an earlier write failed: {cause}"
    )]
    Poisoned { cause: Arc<JournalError> },

    /// A key or value over its limit; nothing of the batch was written.
    #[error("a {what} of {bytes} bytes is over the journal's limit of {limit} bytes")]
    TooLarge { what: &'static str, bytes: usize, limit: usize },

    /// The thread that should write has ended early; this is a defect of the program.
    #[error("the journal's thread has ended early")]
    ThreadEnded,
}

impl JournalError {
    /// Sorts an answer of the operating system by what the caller does about it.
    pub(crate) fn io(action: &'static str, path: &Path, source: Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                Self::DiskFull { action, path, source }
            }
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                Self::NotWritable { action, path, source }
            }
            _ => Self::Io { action, path, source },
        }
    }
}
