//! Holds the effects of a turn until the records that they depend on are on disk.
//!
//! In: the changes of one turn with its effects, and the journal's confirmations. Out: the effects
//! that may be performed now, in the order of the turns, each with the durability of its changes.
//!
//! Durability: the effects of a turn without changes still wait for the turns before it, because
//! they may reveal what those changed.
//!
//! While the journal cannot be written nothing waits: all effects are released as not durable, and the
//! caller decides which of them are still possible. Changes are handed to the journal all the same,
//! since it may be about to begin anew; its first success says that everything is durable again.

use std::collections::VecDeque;
use std::sync::Arc;

use bellwether_journal::{
    Change, Durable, Health, JournalError, KEY_BYTES_MAX, LiveEntries, SubmitError,
    VALUE_BYTES_MAX, Writer,
};
use tracing::error;

/// Whether the changes of a turn will survive a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    Durable,
    NotDurable,
}

/// Effects of type `T` that wait for the journal.
pub struct Outbox<T> {
    writer: Writer,
    /// Of the newest turn that had changes.
    sequence: u64,
    /// Up to which turn the journal has answered.
    answered: u64,
    /// In ascending order of the turns that they wait for.
    held: VecDeque<Held<T>>,
    /// Changes that did not fit in the journal's queue; in order.
    unsubmitted: VecDeque<(u64, Vec<Change>)>,
    failure: Option<Arc<JournalError>>,
    /// Changes that were too large, since the count was last read.
    oversized: u64,
}

struct Held<T> {
    sequence: u64,
    what: T,
    /// Known before the journal answers if a change was too large.
    durability: Durability,
}

/// What may be performed now.
pub type Released<T> = Vec<(T, Durability)>;

impl<T> Outbox<T> {
    /// The writer's answers must come back through [`Outbox::answer`].
    pub fn new(writer: Writer) -> Self {
        let failure = writer.health().failure.map(|failure| failure.error);
        Outbox {
            writer,
            sequence: 0,
            answered: 0,
            held: VecDeque::new(),
            unsubmitted: VecDeque::new(),
            failure,
            oversized: 0,
        }
    }

    /// Takes one turn: its changes, and what follows from it.
    pub fn put(&mut self, mut changes: Vec<Change>, what: T) -> Released<T> {
        let dropped = drop_oversized(&mut changes);
        self.oversized += dropped;
        let durability = if dropped == 0 { Durability::Durable } else { Durability::NotDurable };
        if self.failure.is_some() {
            if !changes.is_empty() {
                self.sequence += 1;
                self.submit_unheld(changes);
            }
            return vec![(what, Durability::NotDurable)];
        }
        if changes.is_empty() {
            if self.held.is_empty() && self.answered == self.sequence {
                return vec![(what, durability)];
            }
            self.held.push_back(Held { sequence: self.sequence, what, durability });
            return Vec::new();
        }
        self.sequence += 1;
        self.held.push_back(Held { sequence: self.sequence, what, durability });
        self.unsubmitted.push_back((self.sequence, changes));
        self.submit()
    }

    /// Takes an answer of the journal.
    pub fn answer(&mut self, durable: Durable) -> Released<T> {
        self.answered = self.answered.max(durable.up_to);
        if let Err(error) = durable.result {
            return self.fail(error);
        }
        self.failure = None;
        let ready = self.held.partition_point(|held| held.sequence <= self.answered);
        let mut released: Released<T> =
            self.held.drain(..ready).map(|held| (held.what, held.durability)).collect();
        released.extend(self.submit());
        released
    }

    /// Whether more turns should wait until the journal has caught up.
    pub fn is_full(&self) -> bool {
        !self.unsubmitted.is_empty()
    }

    /// Why nothing is durable at present, if that is so.
    pub fn failure(&self) -> Option<&Arc<JournalError>> {
        self.failure.as_ref()
    }

    /// Hands in what is live after all turns so far, so that a failed journal can begin anew.
    pub fn begin_anew(&self, live: LiveEntries) {
        self.writer.begin_anew(live);
    }

    /// Waits until the journal has done all that it was given; returns how it was left.
    pub fn close(self) -> Health {
        self.writer.close()
    }

    /// How many changes were too large since this was last called.
    pub fn take_oversized(&mut self) -> u64 {
        std::mem::take(&mut self.oversized)
    }

    pub fn health(&self) -> Health {
        self.writer.health()
    }

    fn submit(&mut self) -> Released<T> {
        while let Some((sequence, changes)) = self.unsubmitted.pop_front() {
            match self.writer.submit(sequence, changes) {
                Ok(()) => {}
                Err(SubmitError::Full(changes)) => {
                    self.unsubmitted.push_front((sequence, changes));
                    break;
                }
                Err(SubmitError::Ended(error)) => return self.fail(error),
                // The sizes were checked before; if the limits differ, nothing is stored.
                Err(SubmitError::TooLarge(error)) => return self.fail(Arc::new(error)),
            }
        }
        Vec::new()
    }

    /// Hands in the changes of a turn whose effects do not wait for them.
    fn submit_unheld(&mut self, changes: Vec<Change>) {
        match self.writer.submit(self.sequence, changes) {
            Ok(()) => {}
            Err(SubmitError::Full(_) | SubmitError::TooLarge(_)) => self.writer.lose(),
            // The failure stays.
            Err(SubmitError::Ended(error)) => self.failure = Some(error),
        }
    }

    fn fail(&mut self, error: Arc<JournalError>) -> Released<T> {
        self.failure = Some(error);
        if !self.unsubmitted.is_empty() {
            self.unsubmitted.clear();
            self.writer.lose();
        }
        self.held.drain(..).map(|held| (held.what, Durability::NotDurable)).collect()
    }
}

/// Drops and logs the changes that the journal would refuse, and returns how many there were.
fn drop_oversized(changes: &mut Vec<Change>) -> u64 {
    let before = changes.len();
    changes.retain(|change| {
        let value_bytes = change.value.as_ref().map_or(0, |value| value.len());
        change.key.len() <= KEY_BYTES_MAX && value_bytes <= VALUE_BYTES_MAX
    });
    let records = before - changes.len();
    if records > 0 {
        error!(
            component = "journal",
            records, "Record exceeds size limit; will not survive a restart"
        );
    }
    records as u64
}

#[cfg(test)]
mod tests;
