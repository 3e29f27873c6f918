//! Errors of a journal, distinguished by what the caller does next.
//!
//! Refuse to start: `Locked`, `NotWritable`, `Newer`, and `Io` while the files are read.
//! Report that nothing is durable for now, and go on: `NotDurable`, with what caused it.
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
        "the disk is full, cannot {action} {}: {source}",
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

    /// This write or sync, or an earlier one, failed; nothing is made durable until the journal has
    /// begun anew.
    #[error("the journal cannot be written at present: {cause}")]
    NotDurable { cause: Arc<JournalError> },

    /// More was to be written than could be remembered while the disk did not answer.
    #[error("the disk is too slow for what is to be written")]
    Overrun,

    /// A key or value over its limit; nothing of the batch was written.
    #[error("a {what} of {bytes} bytes is over the journal's limit of {limit} bytes")]
    TooLarge { what: &'static str, bytes: usize, limit: usize },

    /// The thread that should write has ended early; this is a defect of the program.
    #[error("the journal's thread has ended early")]
    ThreadEnded,
}

impl JournalError {
    /// What an operator can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NotDurable { cause } => cause.remedy(),
            Self::DiskFull { .. } => {
                "free space on this file system or enlarge it; no restart is needed"
            }
            Self::NotWritable { .. } => {
                "make the directory writable for the user that runs the server, and the file \
                 system if it was mounted read-only; no restart is needed"
            }
            Self::Io { source, .. } if is_out_of_descriptors(source) => {
                "raise the limit of open files (ulimit -n, LimitNOFILE), or find out who holds \
                 connections open"
            }
            Self::Locked { .. }
            | Self::Io { .. }
            | Self::Newer { .. }
            | Self::Damaged { .. }
            | Self::Overrun
            | Self::TooLarge { .. } => {
                "look for errors of the disk in the kernel's log; once it works, no restart is needed"
            }
            Self::ThreadEnded => "restart the server, and report the defect with its log",
        }
    }

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

fn is_out_of_descriptors(error: &Error) -> bool {
    let errno = rustix::io::Errno::from_io_error(error);
    matches!(errno, Some(rustix::io::Errno::MFILE | rustix::io::Errno::NFILE))
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;

    #[test]
    fn the_remedy_is_that_of_the_cause() {
        for (errno, remedy) in [
            (Errno::MFILE, "ulimit -n"),
            (Errno::NFILE, "ulimit -n"),
            (Errno::IO, "kernel's log"),
            (Errno::NOSPC, "free space"),
            (Errno::DQUOT, "free space"),
            (Errno::ACCESS, "make the directory writable"),
            (Errno::ROFS, "make the directory writable"),
        ] {
            let error = JournalError::io("write", "a log".as_ref(), errno.into());
            assert!(error.remedy().contains(remedy), "{error}: {}", error.remedy());
            let later = JournalError::NotDurable { cause: Arc::new(error) };
            assert!(later.remedy().contains(remedy), "{later}: {}", later.remedy());
        }
        assert!(JournalError::ThreadEnded.remedy().contains("restart"));
    }
}
