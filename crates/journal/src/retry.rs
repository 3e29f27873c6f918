//! When is something that failed tried again?
//!
//! Soon at first, then after twice as long each time, up to a limit; a success makes it soon again.

use std::time::{Duration, Instant};

/// The attempts at one thing.
#[derive(Debug)]
pub(crate) struct Retry {
    wait_max: Duration,
    /// How long the last wait was; zero if nothing has failed since the last success.
    wait: Duration,
    at: Option<Instant>,
}

impl Retry {
    /// With at most this time between two attempts.
    pub(crate) fn within(wait_max: Duration) -> Self {
        Self { wait_max, wait: Duration::ZERO, at: None }
    }

    /// Whether an attempt may be made now.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.at.is_none_or(|at| at <= now)
    }

    /// When the next attempt is due; `None` if nothing has failed.
    pub(crate) fn at(&self) -> Option<Instant> {
        self.at
    }

    pub(crate) fn failed(&mut self, now: Instant) {
        self.wait = (self.wait * 2).clamp(FIRST_WAIT, self.wait_max);
        self.at = Some(now + self.wait);
    }

    pub(crate) fn succeeded(&mut self) {
        *self = Self::within(self.wait_max);
    }
}

const FIRST_WAIT: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_limit_and_begin_anew_after_a_success() {
        const WAIT_MAX: Duration = Duration::from_secs(15);
        let now = Instant::now();
        let mut retry = Retry::within(WAIT_MAX);
        assert!(retry.is_due(now));
        let mut waits = Vec::new();
        for _ in 0..9 {
            retry.failed(now);
            waits.push(retry.at().unwrap() - now);
            assert!(!retry.is_due(now) && retry.is_due(now + WAIT_MAX));
        }
        let doubled = [250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000];
        assert_eq!(waits, doubled.map(Duration::from_millis));
        retry.succeeded();
        retry.failed(now);
        assert_eq!(retry.at(), Some(now + FIRST_WAIT));
    }
}
