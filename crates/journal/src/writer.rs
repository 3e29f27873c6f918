//! How do many submissions share one sync, without a caller waiting for the disk?
//!
//! A thread owns the journal. Whatever is submitted while it syncs is queued and goes into the next
//! commit as one batch (group commit): the slower the disk, the larger the batches.
//! In: changes under a rising sequence number. Out, on the writer's thread: one [`Durable`] per
//! commit that answers all submissions up to a number.
//!
//! Nothing here blocks: a full queue is reported at once, by the return value of [`Writer::submit`].
//! Each submission is answered exactly once: by that return value, or by a [`Durable`].
//!
//! After a failure submissions are answered as not durable until the journal has begun anew. For that
//! the writer asks for the live entries ([`Answer::LiveWanted`]), which [`Writer::begin_anew`] hands
//! in; when they are durable, with all that was submitted after them, a [`Durable`] without an error
//! says so.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::record::check_size;
use crate::{Activity, Change, Failure, Journal, JournalError, LiveEntries, Status};

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

/// What the writer says.
#[derive(Debug)]
pub enum Answer {
    Durable(Durable),
    /// The journal has failed, and the disk can be written again: [`Writer::begin_anew`] is waited
    /// for.
    LiveWanted,
}

/// Why a submission was not taken; nothing of it was kept.
#[derive(Debug, Error)]
pub enum SubmitError {
    /// The disk is slower than the submissions. The changes come back, to be submitted again after
    /// the next [`Durable`].
    #[error("the journal's queue is full")]
    Full(Vec<Change>),
    /// The writer's thread has ended: nothing becomes durable any more.
    #[error(transparent)]
    Ended(Arc<JournalError>),
    /// A key or a value is over its limit.
    #[error(transparent)]
    TooLarge(JournalError),
}

/// The state of the writer at one moment.
#[derive(Debug, Clone, Default)]
pub struct Health {
    /// Why nothing is durable at present, if that is so.
    pub failure: Option<Failure>,
    /// How often that has begun.
    pub failures: u64,
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
    /// The live entries, and how many of `changes` came before them.
    live: Option<(LiveEntries, usize)>,
    /// Whether changes were refused that will not be submitted again.
    lost: bool,
    /// The number of the last submission in `changes`.
    up_to: Option<u64>,
    health: Health,
    /// Set when the thread has ended early.
    ended: Option<Arc<JournalError>>,
    closing: bool,
}

/// What the thread takes from the queue.
struct Taken {
    changes: Vec<Change>,
    live: Option<(LiveEntries, usize)>,
    lost: bool,
    up_to: Option<u64>,
}

impl Writer {
    /// Starts the thread. `on_answer` is called on it, between two commits, and should be short.
    pub fn spawn(
        journal: impl Journal + 'static,
        on_answer: impl FnMut(Answer) + Send + 'static,
    ) -> Result<Self, JournalError> {
        let shared = Arc::new(Shared::default());
        shared.lock().health.note(journal.status());
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || commit_until_closed(&for_thread, journal, on_answer))
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
        if let Some(ended) = &queue.ended {
            return Err(SubmitError::Ended(Arc::clone(ended)));
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

    /// Hands in the entries that are live after all submissions so far, so that a failed journal can
    /// begin anew.
    pub fn begin_anew(&self, live: LiveEntries) {
        let mut queue = self.shared.lock();
        queue.lost = false;
        queue.live = Some((live, queue.changes.len()));
        drop(queue);
        self.shared.changed.notify_one();
    }

    /// Changes that were refused are not submitted again, so the live entries must be handed in again
    /// before anything later is durable.
    pub fn lose(&self) {
        self.shared.lock().lost = true;
        self.shared.changed.notify_one();
    }

    /// Commits what was taken, answers it, and ends the thread; returns how the journal was left.
    pub fn close(mut self) -> Health {
        self.end();
        self.health()
    }

    /// The state right now; cheap.
    pub fn health(&self) -> Health {
        self.shared.lock().health.clone()
    }

    fn end(&mut self) {
        self.shared.lock().closing = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic on it is in the health already.
            let _ = thread.join();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.end();
    }
}

impl Shared {
    /// The queue is sound between any two statements, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for something to do, until `call_at` at the latest; `None` once the writer is closed and
    /// all is taken.
    fn take(&self, call_at: Option<Instant>) -> Option<Taken> {
        let mut queue = self.lock();
        loop {
            let wait = call_at.map(|at| at.saturating_duration_since(Instant::now()));
            let has_work = queue.up_to.is_some() || queue.live.is_some() || queue.lost;
            if has_work || (wait == Some(Duration::ZERO) && !queue.closing) {
                return Some(Taken {
                    changes: std::mem::take(&mut queue.changes),
                    live: queue.live.take(),
                    lost: std::mem::take(&mut queue.lost),
                    up_to: queue.up_to.take(),
                });
            }
            if queue.closing {
                return None;
            }
            queue = match wait {
                None => self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner),
                Some(wait) => {
                    let waited = self.changed.wait_timeout(queue, wait);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

impl Health {
    fn note(&mut self, status: Status) {
        if self.failure.is_none() && status.failure.is_some() {
            self.failures += 1;
        }
        self.failure = status.failure.clone();
        self.status = status;
    }
}

/// Refuses all submissions if the thread unwinds, so that no caller waits for an answer for ever.
struct EndedEarly<'a>(&'a Shared);

impl Drop for EndedEarly<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut queue = self.0.lock();
            let error = Arc::new(JournalError::ThreadEnded);
            queue.ended = Some(Arc::clone(&error));
            queue.health.failure = Some(Failure { error, free_bytes: None });
        }
    }
}

fn commit_until_closed(
    shared: &Shared,
    mut journal: impl Journal,
    mut on_answer: impl FnMut(Answer),
) {
    let _guard = EndedEarly(shared);
    let mut answered = 0;
    let mut has_asked = false;
    let mut was_failing = journal.status().failure.is_some();
    loop {
        let tended = journal.tend(Instant::now());
        let status = journal.status();
        let is_failing = status.failure.is_some();
        shared.lock().health.note(status);
        if std::mem::replace(&mut was_failing, is_failing) && !is_failing {
            on_answer(Answer::Durable(Durable { up_to: answered, result: Ok(()) }));
        }
        let wants_live = tended.activity == Activity::WantsLive;
        if wants_live && !has_asked {
            on_answer(Answer::LiveWanted);
        }
        has_asked = wants_live;
        let Some(taken) = shared.take(tended.call_at) else { break };
        let bytes: usize = taken.changes.iter().map(Change::bytes).sum();
        let Some((result, up_to)) = perform(&mut journal, taken) else { continue };
        answered = up_to;
        let mut queue = shared.lock();
        queue.health.queued_bytes -= bytes;
        queue.health.note(journal.status());
        if result.is_ok() {
            queue.health.commits += 1;
        }
        drop(queue);
        on_answer(Answer::Durable(Durable { up_to, result }));
    }
    // What was begun with the last live entries is finished; a failure is not tried again.
    while journal.tend(Instant::now()).activity == Activity::Rebuilding {
        std::thread::sleep(CLOSING_POLL);
    }
    shared.lock().health.note(journal.status());
}

/// Does what was submitted; the answer to it, if there is something to answer.
fn perform(
    journal: &mut impl Journal,
    taken: Taken,
) -> Option<(Result<(), Arc<JournalError>>, u64)> {
    let Taken { changes, live, lost, up_to } = taken;
    let mut after = &changes[..];
    if let Some((live, count)) = live {
        let (before, rest) = changes.split_at(count);
        // If it is refused: `live` has it as well.
        let _ = journal.commit(before);
        journal.begin_anew(live);
        after = rest;
    }
    if lost {
        journal.lose();
    }
    let result = journal.commit(after).map_err(Arc::new);
    up_to.map(|up_to| (result, up_to))
}

/// How often a rebuild is looked at while the writer is being closed.
const CLOSING_POLL: Duration = Duration::from_millis(5);
