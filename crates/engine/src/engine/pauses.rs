//! Was this process held up, and until when does it wait for what happened meanwhile?
//!
//! In: readings of the clocks, and when the engine wanted to be called. Out: whether notifications
//! are held. A node that was stopped, suspended or starved for longer than its peers wait for it
//! knows an old state, and they have notified in its place. What they sent is still to be read, and
//! the membership requests their states at once: until that has come, nothing is notified and no
//! answer counts as missing.
//!
//! Only for members of a cluster. A node that is late again and again, since it has too much to do,
//! is not held all the time.

use std::time::Duration;

use bellwether_model::{Mono, Now};

#[derive(Debug, Default)]
pub(super) struct Pauses {
    last: Option<Now>,
    held_until: Option<Mono>,
}

impl Pauses {
    /// Takes the reading of a turn; `expected` is when the engine wanted to be called. Returns for how
    /// long this process was held up, if notifications are held from now on.
    pub fn note(&mut self, now: Now, expected: Option<Mono>) -> Option<Duration> {
        let last = self.last.replace(now)?;
        // What the last turn left undone was due before it.
        let late = expected.map(|expected| now.mono.since(expected.max(last.mono)));
        let late = late.unwrap_or_default();
        // While a machine is suspended its monotonic clock may stand still.
        let slept = now.wall.since(last.wall.plus(now.mono.since(last.mono)));
        let by = if slept > SUSPENDED { slept } else { late };
        let is_again = self.held_until.is_some_and(|until| now.mono < until.plus(HELD_AGAIN_AFTER));
        if by <= LATE || is_again {
            return None;
        }
        self.held_until = Some(now.mono.plus(HELD_FOR));
        Some(by)
    }

    /// Whether nothing may be notified yet.
    pub fn hold(&self, now: Mono) -> bool {
        self.held_until.is_some_and(|until| now < until)
    }

    /// When something that is due at `at` may happen.
    pub fn after(&self, at: Mono) -> Mono {
        self.held_until.map_or(at, |until| at.max(until))
    }

    /// When to look at the clocks again, so that a pause is noticed before anything falls due.
    pub fn next(&self) -> Option<Mono> {
        self.last.map(|last| last.mono.plus(LOOK_EVERY))
    }
}

/// Peers that wait for a node that does not answer give it up after a second.
const LATE: Duration = Duration::from_secs(1);
/// A clock that is set ahead by so much, or a machine that was suspended.
const SUSPENDED: Duration = Duration::from_secs(10);
/// A full state takes less, on a network in which clusters work at all.
const HELD_FOR: Duration = Duration::from_secs(2);
const HELD_AGAIN_AFTER: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_secs(2);
