//! Which silences' regular expressions may be compiled, and when?
//!
//! A peer, a user or the journal may give hundreds of silences whose patterns are short and whose
//! programs take megabytes each. So a silence comes as text, and is in force once its programs are
//! compiled: a few at a time between other work, and in all as many bytes as the limit allows, as
//! estimated before. A silence beyond that is kept, passed on and shown, but mutes nothing; it is
//! tried again when others end.
//!
//! Programs of usual size never wait: they are compiled in the turn that brings the silence. Large
//! ones are at most a fifth of what the engine does, and leave a quarter of the bytes to small ones.
//!
//! In: silences without programs. Out: what is compiled now, and when to be called again.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bellwether_model::regex::Pattern;
use bellwether_model::{Mono, Silence};

/// Why a silence that has not ended mutes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotInForce {
    /// Its regular expressions are to be compiled.
    Waiting,
    /// Limit: there is no room for its regular expressions.
    TooLarge,
}

impl NotInForce {
    /// For readers of the API and the log.
    pub fn text(self) -> &'static str {
        match self {
            NotInForce::Waiting => "its regular expressions are still to be compiled",
            NotInForce::TooLarge => {
                "its regular expressions are too large (--silences.max-pattern-bytes)"
            }
        }
    }
}

#[derive(Debug)]
pub(crate) struct SilencePrograms {
    /// Limit: bytes of all programs; 0 for none.
    bytes_max: usize,
    /// What the programs of each silence in force take. Invariant: no zeros.
    bytes: BTreeMap<Arc<str>, usize>,
    /// The sum of `bytes`.
    used: usize,
    waiting: VecDeque<Arc<str>>,
    next_at: Mono,
}

impl SilencePrograms {
    pub fn new(bytes_max: usize) -> Self {
        SilencePrograms {
            bytes_max,
            bytes: BTreeMap::new(),
            used: 0,
            waiting: VecDeque::new(),
            next_at: Mono(0),
        }
    }

    /// Whether a silence, which may replace one with this id, can have so many bytes.
    pub fn has_room(&self, id: &str, bytes: usize) -> bool {
        let others = self.used - self.bytes.get(id).copied().unwrap_or(0);
        self.bytes_max == 0 || bytes == 0 || others + bytes <= self.bytes_max
    }

    pub fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    /// The silence is in force.
    pub fn add(&mut self, id: &Arc<str>, bytes: usize) {
        self.forget(id);
        if bytes > 0 {
            self.bytes.insert(id.clone(), bytes);
            self.used += bytes;
        }
    }

    /// The silence is in force no longer; returns whether that makes room.
    pub fn forget(&mut self, id: &str) -> bool {
        let bytes = self.bytes.remove(id);
        self.used -= bytes.unwrap_or(0);
        bytes.is_some()
    }

    pub fn wait(&mut self, id: Arc<str>) {
        self.waiting.push_back(id);
    }

    /// The next silence to compile, if it is time.
    pub fn next(&mut self, now: Mono) -> Option<Arc<str>> {
        if now < self.next_at { None } else { self.waiting.pop_front() }
    }

    /// When to compile the next one.
    pub fn next_at(&self) -> Option<Mono> {
        (!self.waiting.is_empty()).then_some(self.next_at)
    }

    /// Programs of so many bytes were compiled.
    pub fn pause(&mut self, now: Mono, spent: usize) {
        self.next_at = now.plus(PAUSE_PER_KIB.saturating_mul((spent >> 10) as u32));
    }

    /// Compiles the programs of a silence; returns their bytes, or `None` if there is no room.
    pub fn compile(&self, silence: &Silence) -> Option<usize> {
        let bytes = bytes(silence);
        let fits = bytes <= self.allowed();
        (fits && silence.patterns().all(|pattern| pattern.compile().is_ok())).then_some(bytes)
    }

    /// What the programs of the next silence may take.
    fn allowed(&self) -> usize {
        if self.bytes_max == 0 {
            return EACH_BYTES_MAX;
        }
        let room = self.bytes_max.saturating_sub(self.used);
        let room_for_large = (self.bytes_max / 4 * 3).saturating_sub(self.used);
        room_for_large.max(room.min(SMALL_BYTES)).min(EACH_BYTES_MAX)
    }
}

/// What the programs of a silence take when they are compiled, estimated from above.
pub(crate) fn bytes(silence: &Silence) -> usize {
    let cost: u64 = silence.patterns().map(Pattern::cost).fold(0, u64::saturating_add);
    usize::try_from(cost).unwrap_or(usize::MAX)
}

/// Limit: the programs of one silence; some 50 ms of work.
const EACH_BYTES_MAX: usize = 16 << 20;

/// What fits into the part that large programs leave.
const SMALL_BYTES: usize = 256 << 10;

/// Limit: bytes of programs after which a turn compiles no other silence; about a millisecond.
pub(crate) const TURN_BYTES: usize = 256 << 10;

/// Limit: silences that one turn compiles, each of which is compared with all alerts.
pub(crate) const TURN_SILENCES: usize = 8;

/// Four times what it takes to compile as much.
const PAUSE_PER_KIB: Duration = Duration::from_micros(10);

#[cfg(test)]
mod tests;
