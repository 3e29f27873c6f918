//! Readings of a monotonic clock.
//!
//! The machine reads no clock: its caller passes one reading with each input, and the instants that the
//! machine returns are of the same clock.

use std::time::Duration;

/// A reading of the caller's monotonic clock, in nanoseconds since any fixed moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mono(pub u64);

impl Mono {
    /// Saturates at the end of time, which lies 584 years away.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Mono(self.0.saturating_add(nanos(by)))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    pub fn since(self, earlier: Mono) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The first moment after `now` that lies a whole number of `interval`s after `self`; `self`
    /// if that is still to come.
    #[must_use]
    pub(crate) fn rolled_past(self, now: Mono, interval: Duration) -> Self {
        if self > now {
            return self;
        }
        let interval = nanos(interval).max(1);
        let periods = (now.0 - self.0) / interval + 1;
        Mono(self.0.saturating_add(periods.saturating_mul(interval)))
    }
}

/// Saturates.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
