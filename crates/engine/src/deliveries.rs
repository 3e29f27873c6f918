//! Deliveries: is each waiting for an answer, waiting to try again, or finished?
//!
//! In: deliveries, what came of their attempts, the time. Out: when to try again, and how it ended.
//! A delivery belongs to one flush and one integration. Its content is read from its group
//! again before every attempt, so it holds no alerts. Attempts end with the flush's own deadline, and
//! so does a delivery that cannot succeed before it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bellwether_model::{FailureReason, Mono, Reason, Timestamp};

use crate::deduplication::Content;
use crate::group::GroupId;
use crate::plan::Integration;
use crate::replicated::{LogKey, Notified};
use crate::rng::Rng;
use crate::turn::DeliveryId;

/// How a delivery ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Notified, or there was nothing to notify.
    Succeeded,
    Failed,
}

#[derive(Debug)]
pub(crate) struct Delivery {
    /// `None` once its group is gone; then nothing more is attempted.
    pub group: Option<GroupId>,
    pub key: LogKey,
    pub integration: Integration,
    /// The route's, when the flush was opened.
    pub repeat_interval: Duration,
    /// Since when there has been something to notify.
    pub since: Mono,
    /// No attempt begins or lasts beyond this.
    pub deadline: Mono,
    pub attempts: u32,
    /// Of the last attempt.
    pub alerts: usize,
    /// Of those since it was last left to others.
    pub first_attempt: Option<Mono>,
    pub last_attempt: Option<Mono>,
    /// What is reported if it ends without success.
    pub failure: ReportedFailure,
    pub state: State,
}

#[derive(Debug)]
pub(crate) enum State {
    /// It is the turn of peers. If they send what was to be sent when the wait began, the delivery
    /// ends; changes since are for the next flush, since peers may be about to send them.
    Waiting { content: Content },
    /// The answer to an attempt with this content is awaited.
    Attempting {
        notified: Notified,
        reason: Reason,
        intent: Option<Intent>,
        /// The timestamp of the entry that the notification log had then.
        entry_at: Option<Timestamp>,
        /// What the wall clock showed when the content was read.
        at: Timestamp,
    },
    /// The next attempt is waited for.
    BackingOff,
    /// There is no time for another attempt. It stays until its deadline, so that the group's next
    /// flush does not attempt what has just failed.
    GaveUp,
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub reason: FailureReason,
    pub detail: String,
}

/// The failure that is reported if the flush ends without success.
#[derive(Debug, Default)]
pub(crate) struct ReportedFailure(pub Option<Failure>);

/// What the notification log had before the intent of an attempt was recorded.
#[derive(Debug)]
pub(crate) struct Intent {
    /// The timestamp of the entry that records it.
    pub at: Timestamp,
    pub before: Notified,
}

#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    table: BTreeMap<DeliveryId, Delivery>,
    /// Invariant: one entry for each delivery, either its next attempt or when to give up waiting.
    timers: BTreeSet<(Mono, DeliveryId)>,
    timer_of: BTreeMap<DeliveryId, Mono>,
    /// Those whose turn it is not yet.
    waiting: BTreeMap<LogKey, DeliveryId>,
    last_id: u64,
}

impl Delivery {
    /// How long what is noted about it is remembered.
    pub fn lasts(&self, retention: Duration) -> Duration {
        retention.min(self.repeat_interval.saturating_mul(2))
    }
}

impl ReportedFailure {
    /// Takes the failure of an attempt that may be repeated; `is_open`: the flush has not ended. Says
    /// whether that is worth a line in the log: it is another failure than the one before.
    ///
    /// Compat: what the end of the flush has cut off is reported only if no attempt failed before, and
    /// if it says more than that.
    pub fn take(&mut self, failure: &Failure, is_open: bool) -> bool {
        let is_news = is_open && self.0.as_ref() != Some(failure);
        let says_more = self.0.is_none() && failure.reason != FailureReason::Other;
        if is_news || (!is_open && says_more) {
            self.0 = Some(failure.clone());
        }
        is_news
    }
}

impl Deliveries {
    pub fn new_id(&mut self) -> DeliveryId {
        self.last_id += 1;
        DeliveryId(self.last_id)
    }

    /// Stores a delivery until `at`.
    pub fn wait(&mut self, id: DeliveryId, delivery: Delivery, at: Mono) {
        if matches!(delivery.state, State::Waiting { .. }) {
            self.waiting.insert(delivery.key.clone(), id);
        }
        self.table.insert(id, delivery);
        self.timers.insert((at, id));
        self.timer_of.insert(id, at);
    }

    pub fn take(&mut self, id: DeliveryId) -> Option<Delivery> {
        if let Some(at) = self.timer_of.remove(&id) {
            self.timers.remove(&(at, id));
        }
        let delivery = self.table.remove(&id)?;
        if self.waiting.get(&delivery.key) == Some(&id) {
            self.waiting.remove(&delivery.key);
        }
        Some(delivery)
    }

    pub fn find(&self, id: DeliveryId) -> Option<&Delivery> {
        self.table.get(&id)
    }

    /// The delivery under this key that waits for its turn.
    pub fn waiting_for(&self, key: &LogKey) -> Option<DeliveryId> {
        self.waiting.get(key).copied()
    }

    pub fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Gives every waiting delivery a new time to look again.
    pub fn reschedule_waiting(&mut self, at: impl Fn(&Delivery) -> Mono) {
        for id in self.waiting.values() {
            let (Some(delivery), Some(timer)) = (self.table.get(id), self.timer_of.get_mut(id))
            else {
                continue;
            };
            self.timers.remove(&(*timer, *id));
            *timer = at(delivery);
            self.timers.insert((*timer, *id));
        }
    }

    /// Lets a waiting delivery look again at `at`.
    pub fn reschedule(&mut self, id: DeliveryId, at: Mono) {
        if let Some(timer) = self.timer_of.get_mut(&id) {
            self.timers.remove(&(*timer, id));
            *timer = at;
            self.timers.insert((at, id));
        }
    }

    /// Hashes of what this node has been trying to notify for a while.
    pub fn claims(&self, now: Mono) -> Vec<u64> {
        let tried = self.table.values().filter(|delivery| {
            let is_trying = !matches!(delivery.state, State::GaveUp);
            is_trying && delivery.first_attempt.is_some_and(|at| at.plus(CLAIMED_AFTER) <= now)
        });
        tried.map(|delivery| delivery.key.hash()).collect()
    }

    pub fn is_attempting(&self, id: DeliveryId) -> bool {
        let delivery = self.table.get(&id);
        delivery.is_some_and(|delivery| matches!(delivery.state, State::Attempting { .. }))
    }

    pub fn next_deadline(&self) -> Option<Mono> {
        self.timers.first().map(|(at, _)| *at)
    }

    pub fn next_due(&self, now: Mono) -> Option<DeliveryId> {
        self.timers.first().filter(|(at, _)| *at <= now).map(|(_, id)| *id)
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Delivery> {
        self.table.values_mut()
    }

    pub fn count(&self) -> usize {
        self.table.len()
    }
}

/// How long to wait after attempt number `attempt`: half a second, half as much again each time, at
/// most a minute, each spread evenly by half up and down.
pub(crate) fn backoff(attempt: u32, rng: &mut Rng) -> Duration {
    let grown = BACKOFF_FIRST.as_secs_f64() * 1.5f64.powi(attempt.saturating_sub(1).min(64) as i32);
    let interval = grown.min(BACKOFF_MAX.as_secs_f64());
    Duration::from_secs_f64(interval * (0.5 + rng.fraction()))
}

const BACKOFF_FIRST: Duration = Duration::from_millis(500);
const BACKOFF_MAX: Duration = Duration::from_secs(60);

/// Beyond the deadline of an attempt: when its answer counts as lost.
pub(crate) const ANSWER_GRACE: Duration = Duration::from_secs(30);

/// How long a delivery is tried before this node claims it: most attempts take less.
pub(crate) const CLAIMED_AFTER: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use bellwether_model::FailureReason;

    use super::{Failure, ReportedFailure};

    fn failure(reason: FailureReason, detail: &str) -> Failure {
        Failure { reason, detail: detail.to_owned() }
    }

    #[test]
    fn a_failure_is_news_if_its_text_or_its_reason_differs_from_the_one_before() {
        let mut reported = ReportedFailure::default();
        let refused = failure(FailureReason::Other, "connection refused");
        let busy = failure(FailureReason::ServerError, "unexpected status code 503");
        let busy_too = failure(FailureReason::Other, "unexpected status code 503");
        for (given, is_news) in [
            (&refused, true),
            (&refused, false),
            (&busy, true),
            (&busy, false),
            (&busy_too, true),
            (&refused, true),
        ] {
            assert_eq!(reported.take(given, true), is_news, "{given:?}");
            assert_eq!(reported.0.as_ref(), Some(given));
        }
    }

    #[test]
    fn what_the_end_of_the_flush_cuts_off_is_reported_only_if_it_is_all_that_is_known() {
        let cut_off = failure(FailureReason::ContextDeadlineExceeded, "time is up");
        let unknown = failure(FailureReason::Other, "time is up");
        let busy = failure(FailureReason::ServerError, "unexpected status code 503");
        let mut reported = ReportedFailure::default();
        assert!(!reported.take(&unknown, false));
        assert_eq!(reported.0, None);
        assert!(!reported.take(&cut_off, false));
        assert_eq!(reported.0.as_ref(), Some(&cut_off));
        let mut reported = ReportedFailure::default();
        assert!(reported.take(&busy, true));
        assert!(!reported.take(&cut_off, false));
        assert_eq!(reported.0.as_ref(), Some(&busy));
    }
}
