//! Has the cluster settled?
//!
//! After the start a node delays notifications until it probably has the log entries of the others.
//! That cannot be known; as in Go, the cluster counts as settled when the number of members has stayed
//! the same for some polls. Go keeps counting polls while its first joins are in progress or no name
//! could be looked up, and then settles alone; here such a poll counts as unsettled. When the timeout
//! is over, the cluster counts as settled in any case.

use std::time::Duration;

use crate::machine::Mono;

/// The wait for the cluster to settle.
#[derive(Debug)]
pub(super) struct Settle {
    started: Mono,
    interval: Duration,
    deadline: Mono,
    next_poll: Mono,
    polls: u32,
    /// Consecutive polls without a change.
    steady: u32,
    members: usize,
    settled: bool,
}

/// The result of a poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Poll {
    NotDue,
    Unsettled { polls: u32, before: usize, now: usize, elapsed: Duration, steady: bool },
    Settled { elapsed: Duration },
    TimedOut { polls: u32, elapsed: Duration },
}

impl Settle {
    pub fn new(now: Mono, interval: Duration, timeout: Duration) -> Self {
        Self {
            started: now,
            interval,
            deadline: now.plus(timeout),
            next_poll: now.plus(interval),
            polls: 0,
            steady: 0,
            members: 0,
            settled: false,
        }
    }

    /// `joining`: some configured peers have not been tried yet.
    pub fn poll(&mut self, now: Mono, members: usize, joining: bool) -> Poll {
        if self.settled || now < self.next_poll.min(self.deadline) {
            return Poll::NotDue;
        }
        let elapsed = now.since(self.started);
        if now >= self.deadline {
            self.settled = true;
            return Poll::TimedOut { polls: self.polls, elapsed };
        }
        self.next_poll = now.plus(self.interval);
        if self.steady >= STEADY_POLLS && !joining {
            self.settled = true;
            return Poll::Settled { elapsed };
        }
        let before = std::mem::replace(&mut self.members, members);
        let steady = before == members && !joining;
        self.steady = if steady { self.steady + 1 } else { 0 };
        let polls = self.polls;
        self.polls += 1;
        Poll::Unsettled { polls, before, now: members, elapsed, steady }
    }

    pub fn is_settled(&self) -> bool {
        self.settled
    }

    /// Consecutive polls without a change that are still required.
    pub fn polls_missing(&self) -> u32 {
        STEADY_POLLS.saturating_sub(self.steady)
    }

    pub fn next_wakeup(&self) -> Option<Mono> {
        (!self.settled).then(|| self.next_poll.min(self.deadline))
    }
}

/// As in Go; the cluster is settled at the poll after these.
const STEADY_POLLS: u32 = 3;

#[cfg(test)]
mod tests;
