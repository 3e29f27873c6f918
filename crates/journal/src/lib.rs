//! Durable records: what a killed process finds again when it starts.
//!
//! In: batches of changes, each a key with a new value or with none.
//! An acknowledged batch is on the disk, whole, whatever happens next: a kill, a power cut, a full
//! disk.
//! Out: once at the start, the live entries: the newest value of every key that has one.
//!
//! The crate never learns what a key or a value means; it can be tested with random bytes.
//! It keeps no entries in memory either: its user holds them already.
//!
//! - [`open`] reads a directory and gives back a [`FileJournal`] and the [`Entries`].
//! - [`read`] reads the entries of a journal that another process may have open.
//! - [`Writer`] owns a journal on a thread of its own and makes one commit, with one sync, of
//!   everything that was submitted while the previous sync ran.
//! - [`MemoryStore`] is a journal without a disk, with faults on demand, for tests of others.
//!
//! The bytes on the disk are drawn in docs/disk.md.

mod compaction;
mod directory;
mod disk;
mod error;
mod file_journal;
mod inspection;
mod live;
mod memory;
mod options;
mod record;
mod scanner;
mod writer;

#[cfg(test)]
mod sim_disk;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use directory::{Opened, open, read};
pub use error::JournalError;
pub use file_journal::FileJournal;
pub use live::Entries;
pub use memory::{Fault, MemoryJournal, MemoryStore};
pub use options::JournalOptions;
pub use record::{KEY_BYTES_MAX, VALUE_BYTES_MAX};
pub use writer::{Durable, Health, QUEUE_BYTES_MAX, SubmitError, Writer};

/// Something that makes batches durable, one after the other.
pub trait Journal: Send {
    /// Makes all of `batch` durable, or none of it; of two changes to one key the later one counts.
    ///
    /// Returns only once the disk has confirmed the batch; an empty batch is durable already.
    /// A change over the size limits is refused with [`JournalError::TooLarge`], nothing of its
    /// batch is written, and the journal stays usable.
    /// After any other error the journal is poisoned: every later call fails until it is opened
    /// again, and whether the failed batch is found then is open (all of it or nothing).
    fn commit(&mut self, batch: &[Change]) -> Result<(), JournalError>;

    /// What an operator may want to know about the store right now; cheap.
    fn status(&self) -> Status {
        Status::default()
    }
}

/// One key with its new value; `None` deletes the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// At most [`KEY_BYTES_MAX`] bytes.
    pub key: Box<[u8]>,
    /// At most [`VALUE_BYTES_MAX`] bytes.
    pub value: Option<Box<[u8]>>,
}

/// A live key and its newest value, as found when the journal was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub key: Box<[u8]>,
    pub value: Box<[u8]>,
}

/// The state of a store between two commits.
#[derive(Debug, Clone, Default)]
pub struct Status {
    /// Bytes that the store takes on the disk.
    pub disk_bytes: u64,
    /// Why the last attempt to drop outdated records failed, if it did.
    /// Commits go on and the attempt is repeated after further growth; meanwhile the disk fills.
    pub compaction_failure: Option<Arc<JournalError>>,
}

impl Change {
    /// A change that gives `key` the value `value`.
    pub fn put(key: impl Into<Box<[u8]>>, value: impl Into<Box<[u8]>>) -> Self {
        Self { key: key.into(), value: Some(value.into()) }
    }

    /// A change that removes `key`, whether or not it is there.
    pub fn delete(key: impl Into<Box<[u8]>>) -> Self {
        Self { key: key.into(), value: None }
    }

    fn bytes(&self) -> usize {
        self.key.len() + self.value.as_ref().map_or(0, |value| value.len())
    }
}
