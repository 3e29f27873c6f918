//! Durable records: what a killed process finds again when it starts.
//!
//! In: batches of changes, each a key with a new value or with none.
//! An acknowledged batch is on the disk, whole, whatever happens next: a kill, a power cut, a full
//! disk. While the disk takes nothing, batches are refused; when it does again, the journal asks its
//! user for the live entries and begins anew with them.
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
mod rebuild;
mod record;
mod reserve;
mod retry;
mod scanner;
mod writer;

#[cfg(test)]
mod sim_disk;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Instant;

pub use directory::{Opened, Read, open, read};
pub use disk::{create_private_directory, create_private_file};
pub use error::JournalError;
pub use file_journal::FileJournal;
pub use live::Entries;
pub use memory::{Fault, MemoryJournal, MemoryStore};
pub use options::JournalOptions;
pub use record::{KEY_BYTES_MAX, VALUE_BYTES_MAX};
pub use writer::{Answer, Durable, Health, QUEUE_BYTES_MAX, SubmitError, Writer};

/// Something that makes batches durable, one after the other.
pub trait Journal: Send {
    /// Makes all of `batch` durable, or none of it; of two changes to one key the later one counts.
    ///
    /// Returns only once the disk has confirmed the batch; an empty batch is durable already.
    /// A change over the size limits is refused with [`JournalError::TooLarge`], nothing of its
    /// batch is written, and the journal stays usable.
    /// After any other error the journal has failed: every later call fails until it has begun anew,
    /// and whether the failed batch is found at a start before that is open (all of it or nothing).
    fn commit(&mut self, batch: &[Change]) -> Result<(), JournalError>;

    /// Does what is due at `now`, and tries again what has failed. To be called after commits, and
    /// when the answer says.
    fn tend(&mut self, _now: Instant) -> Tended {
        Tended::default()
    }

    /// Begins a failed journal anew: these are all entries that are live, and later commits come
    /// after them.
    fn begin_anew(&mut self, _live: LiveEntries) {}

    /// Changes are missing that could not be handed in. The journal counts as failed, and must begin
    /// anew with entries that include them.
    fn lose(&mut self) {}

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

/// All live entries, in no order, each key once.
pub type LiveEntries = Box<dyn Iterator<Item = Entry> + Send>;

/// What [`Journal::tend`] leaves to be done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tended {
    /// When to call it again at the latest.
    pub call_at: Option<Instant>,
    pub activity: Activity,
}

/// What a failed journal is at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Activity {
    /// Nothing, or it has not failed.
    #[default]
    None,
    /// The disk can be written again; the live entries are wanted.
    WantsLive,
    /// It writes the live entries.
    Rebuilding,
}

/// Why nothing is durable.
#[derive(Debug, Clone)]
pub struct Failure {
    pub error: Arc<JournalError>,
    /// What the disk had left; `None` if it does not say.
    pub free_bytes: Option<u64>,
}

/// The state of a store between two commits.
#[derive(Debug, Clone, Default)]
pub struct Status {
    /// Bytes that the store takes on the disk.
    pub disk_bytes: u64,
    /// Bytes that the next commits may take even if the disk is full.
    pub reserved_bytes: u64,
    /// Why that is less than it should be, if it is.
    pub reserve_failure: Option<Arc<JournalError>>,
    /// Why nothing is durable at present, if that is so.
    pub failure: Option<Failure>,
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
