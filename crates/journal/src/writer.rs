//! How do many submissions share one sync, without a caller waiting for the disk?
//!
//! A thread owns the journal. Whatever is submitted while it syncs is queued and goes into the next
//! commit as one batch (group commit): the slower the disk, the larger the batches.
//! In: changes under a rising sequence number. Out, on the writer's thread: one [`Durable`] per
//! commit that answers all submissions up to a number.
//!
//! Nothing here blocks: a full queue and a poisoned journal are reported at once, by the return value
//! of [`Writer::submit`].
//! Each submission is answered exactly once: by that return value, or by a [`Durable`].
//! After a failure the writer stays poisoned until the process is restarted.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use thiserror::Error;

use crate::record::check_size;
use crate::{Change, Journal, JournalError, Status};

/// Limit: bytes of keys and values that are submitted and not durable yet.
///
/// One submission of any size is taken when nothing else waits, so a large one cannot be stuck.
pub const QUEUE_BYTES_MAX: usize = 64 << 20;

/// Commits what is submitted, on a thread of its own.
///
/// Dropping it commits what was taken, answers it, and ends the thread.
pub struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// The answer to one or more submissions.
#[derive(Debug)]
pub struct Durable {
    /// All submissions up to this number that were not answered before.
    pub up_to: u64,
    /// Whether they are on the disk.
    pub result: Result<(), Arc<JournalError>>,
}

/// Why a submission was not taken; nothing of it was kept.
#[derive(Debug, Error)]
pub enum SubmitError {
    /// The disk is slower than the submissions. The changes come back, to be submitted again after
    /// the next [`Durable`].
    #[error("the journal's queue is full")]
    Full(Vec<Change>),
    /// An earlier write failed: nothing becomes durable any more.
    #[error(transparent)]
    Poisoned(Arc<JournalError>),
    /// A key or a value is over its limit.
    #[error(transparent)]
    TooLarge(JournalError),
}

/// The state of the writer at one moment.
#[derive(Debug, Clone, Default)]
pub struct Health {
    /// The failure after which nothing is made durable any more.
    pub poison: Option<Arc<JournalError>>,
    /// Bytes that are submitted and not durable yet.
    pub queued_bytes: usize,
    /// Commits so far, each with one sync.
    pub commits: u64,
    /// The store, as of the last commit.
    pub status: Status,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    changes: Vec<Change>,
    /// The number of the last submission in `changes`.
    up_to: Option<u64>,
    health: Health,
    closing: bool,
}

impl Writer {
    /// Starts the thread. `on_durable` is called on it, between two commits, and should be short.
    pub fn spawn(
        journal: impl Journal + 'static,
        on_durable: impl FnMut(Durable) + Send + 'static,
    ) -> Result<Self, JournalError> {
        let shared = Arc::new(Shared::default());
        shared.lock().health.status = journal.status();
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || commit_until_closed(&for_thread, journal, on_durable))
            .map_err(|error| {
                JournalError::io("start a thread for", "the journal".as_ref(), error)
            })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Queues `changes` for the next commit, and returns at once.
    ///
    /// `sequence` rises from call to call. An empty submission is answered in its turn too.
    pub fn submit(&self, sequence: u64, changes: Vec<Change>) -> Result<(), SubmitError> {
        changes.iter().try_for_each(check_size).map_err(SubmitError::TooLarge)?;
        let bytes: usize = changes.iter().map(Change::bytes).sum();
        let mut queue = self.shared.lock();
        if let Some(poison) = &queue.health.poison {
            return Err(SubmitError::Poisoned(Arc::clone(poison)));
        }
        let queued = queue.health.queued_bytes;
        if queued > 0 && queued + bytes > QUEUE_BYTES_MAX {
            return Err(SubmitError::Full(changes));
        }
        queue.health.queued_bytes += bytes;
        queue.changes.extend(changes);
        queue.up_to = Some(sequence);
        drop(queue);
        self.shared.changed.notify_one();
        Ok(())
    }

    /// The state right now; cheap.
    pub fn health(&self) -> Health {
        self.shared.lock().health.clone()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.lock().closing = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic on it is in the health already.
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// The queue is sound between any two statements, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for submissions; `None` once the writer is closed and all are taken.
    fn take(&self) -> Option<(Vec<Change>, u64)> {
        let mut queue = self.lock();
        loop {
            if let Some(up_to) = queue.up_to.take() {
                return Some((std::mem::take(&mut queue.changes), up_to));
            }
            if queue.closing {
                return None;
            }
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Poisons the writer if its thread unwinds, so that no caller waits for an answer for ever.
struct EndedEarly<'a>(&'a Shared);

impl Drop for EndedEarly<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.lock().health.poison.get_or_insert(Arc::new(JournalError::ThreadEnded));
        }
    }
}

fn commit_until_closed(
    shared: &Shared,
    mut journal: impl Journal,
    mut on_durable: impl FnMut(Durable),
) {
    let _guard = EndedEarly(shared);
    while let Some((changes, up_to)) = shared.take() {
        let result = journal.commit(&changes).map_err(Arc::new);
        let bytes: usize = changes.iter().map(Change::bytes).sum();
        let mut queue = shared.lock();
        queue.health.queued_bytes -= bytes;
        queue.health.status = journal.status();
        match &result {
            Ok(()) => queue.health.commits += 1,
            Err(error) => {
                queue.health.poison.get_or_insert_with(|| Arc::clone(error));
            }
        }
        drop(queue);
        on_durable(Durable { up_to, result });
    }
}
