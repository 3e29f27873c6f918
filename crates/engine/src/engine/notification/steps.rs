//! The steps of one delivery: decide, defer to peers or attempt, take the outcome, try again.
//!
//! In: deliveries that are due, with their groups as they are now; outcomes of attempts. Out:
//! attempts, and how the delivery ended.

use std::time::Duration;

use bellwether_model::{FailureReason, Mono, Now, Outcome, Reason, Remembered, Timestamp};

use super::{Batch, Notification};
use crate::deduplication::{self, Candidate, Content, Decision, Deferral};
use crate::deliveries::{self, Delivery, End, Failure, State};
use crate::group::GroupId;
use crate::peers::Peers;
use crate::replicated::is_amended;
use crate::rng::Rng;
use crate::turn::{Attempt, DeliveryId, Draft, Effect, GiveUpCause, Note, Turn};

/// A delivery that is over, for its group to know.
#[derive(Debug)]
#[must_use]
pub(in crate::engine) struct Finished {
    pub group: Option<GroupId>,
    pub end: End,
}

impl Finished {
    /// A delivery whose group or integration is gone: nothing is left to notify.
    pub fn without_group(delivery: &Delivery) -> Self {
        finish(delivery, End::Succeeded)
    }
}

/// Where a delivery stands after a step.
#[derive(Debug)]
#[must_use]
pub(in crate::engine) enum Step {
    Finished(Finished),
    /// It waits for peers.
    Deferred,
    /// It waits for the outcome of an attempt; `is_first`: since it was last deferred to peers.
    Attempting {
        is_first: bool,
    },
}

/// What a delivery whose wait is over needs.
#[derive(Debug)]
#[must_use]
pub(in crate::engine) enum Resumed {
    Finished(Finished),
    /// The group is to be judged again, then the delivery is to be considered.
    Consider(Box<Delivery>),
}

/// What follows a failed attempt: see [`Note::AttemptFailed`].
struct Retried {
    is_possible: bool,
    is_news: bool,
}

impl Notification {
    /// The group that is to be judged before a delivery whose wait is over can go on; `None` if it has
    /// ended.
    pub fn group_to_judge(&self, now: Now, id: DeliveryId) -> Option<GroupId> {
        let delivery = self.deliveries.find(id)?;
        match delivery.state {
            State::Waiting { .. } | State::BackingOff if delivery.deadline > now.mono => {
                delivery.group
            }
            State::Waiting { .. }
            | State::BackingOff
            | State::Attempting { .. }
            | State::GaveUp => None,
        }
    }

    /// Takes a delivery whose wait is over.
    pub fn resume(&mut self, now: Now, id: DeliveryId, turn: &mut Turn) -> Option<Resumed> {
        let delivery = self.deliveries.take(id)?;
        Some(match &delivery.state {
            State::Waiting { .. } if delivery.deadline <= now.mono => {
                // The peer is still trying; this node looks again with the next flush.
                Resumed::Finished(finish(&delivery, End::Failed))
            }
            State::BackingOff if delivery.deadline <= now.mono => {
                // The engine was not woken in time.
                Resumed::Finished(give_up(&delivery, TIME_IS_UP, turn))
            }
            State::Attempting { .. } => {
                let detail = "no answer to the attempt came back";
                Resumed::Finished(give_up(&delivery, detail, turn))
            }
            State::GaveUp => Resumed::Finished(give_up(&delivery, TIME_IS_UP, turn)),
            State::Waiting { .. } | State::BackingOff => Resumed::Consider(Box::new(delivery)),
        })
    }

    /// Decides whether to notify, and does what was decided.
    pub fn consider(
        &mut self,
        now: Now,
        id: DeliveryId,
        delivery: Delivery,
        batch: &Batch<'_>,
        peers: &Peers,
        turn: &mut Turn,
    ) -> Step {
        let waited_with = match &delivery.state {
            State::Waiting { content } => Some(content),
            State::BackingOff | State::Attempting { .. } | State::GaveUp => None,
        };
        let candidate = Candidate {
            key: &delivery.key,
            send_resolved: delivery.integration.send_resolved,
            repeat_interval: delivery.repeat_interval,
            since: delivery.since,
            deadline: delivery.deadline,
            last_attempt: delivery.last_attempt,
            waited_with,
            suppressed_ends: self.suppressed_ends,
            logs_muted: self.logs_muted,
        };
        match deduplication::decide(&candidate, batch.judged, &mut self.log, peers, now) {
            Decision::Nothing { notified } => {
                turn.notes.push(Note::NothingToNotify {
                    key: delivery.key.group.clone(),
                    integration: delivery.integration.id.clone(),
                });
                self.note_muted(&delivery.key, &notified.muted, turn);
                self.note_resolved(&delivery, notified, turn);
                Step::Finished(finish(&delivery, End::Succeeded))
            }
            Decision::Defer { until, cause, content } => {
                self.defer(id, delivery, until, cause, content, turn);
                Step::Deferred
            }
            Decision::Notify { reason, content } => {
                self.notify(now, (id, delivery), batch, (reason, content), turn)
            }
        }
    }

    /// Takes the outcome of an attempt; returns the delivery's end, if that is it.
    pub fn take_outcome(
        &mut self,
        now: Now,
        id: DeliveryId,
        outcome: Outcome,
        rng: &mut Rng,
        turn: &mut Turn,
    ) -> Option<Finished> {
        if !self.deliveries.is_attempting(id) {
            return None;
        }
        let mut delivery = self.deliveries.take(id)?;
        let state = std::mem::replace(&mut delivery.state, State::BackingOff);
        let State::Attempting { notified, reason, intent, entry_at, at } = state else {
            return None;
        };
        if deduplication::is_certainly_not_notified(&outcome)
            && let Some(intent) = intent
        {
            self.roll_back(&delivery.key, intent, turn);
        }
        match outcome {
            Outcome::Delivered { remember } => {
                turn.notes.push(Note::Delivered {
                    key: delivery.key.group.clone(),
                    integration: delivery.integration.id.clone(),
                    attempts: delivery.attempts,
                    reason,
                });
                let entry = self.log.find(&delivery.key);
                // A peer notified something while the attempt was under way.
                let is_new = |at: Timestamp| !entry_at.is_some_and(|then| is_amended(then, at));
                let concurrent = entry.filter(|entry| is_new(entry.at));
                let notified = match concurrent {
                    Some(entry) => notified.merged_with_concurrent(&entry.notified),
                    None => notified,
                };
                self.record(at, &delivery, notified, remember, turn);
                self.log.note_answer(&delivery.key, now.wall);
                Some(finish(&delivery, End::Succeeded))
            }
            Outcome::Refused { reason, detail } => {
                let failure = Failure { reason, detail };
                note_failed_attempt(
                    &delivery,
                    &failure,
                    Retried { is_possible: false, is_news: false },
                    turn,
                );
                Some(fail(&delivery, failure, GiveUpCause::Refused, turn))
            }
            Outcome::Retry { after, reason, detail } => {
                let failure = Failure { reason, detail };
                let backoff = deliveries::backoff(delivery.attempts, rng);
                self.back_off(now, (id, delivery), &failure, (after, backoff), turn);
                None
            }
        }
    }

    /// Lets a delivery wait for its next attempt: no less than `backoff`, and as long as the receiver has
    /// asked for if the flush lasts that long.
    fn back_off(
        &mut self,
        now: Now,
        (id, mut delivery): (DeliveryId, Delivery),
        failure: &Failure,
        (asked, backoff): (Option<Duration>, Duration),
        turn: &mut Turn,
    ) {
        let deadline = delivery.deadline;
        let fits = |wait: &Duration| now.mono.plus(*wait) < deadline;
        let asked = asked.map(|asked| asked.max(backoff));
        let wait = asked.filter(fits).or_else(|| Some(backoff).filter(fits));
        let is_news = delivery.failure.take(failure, now.mono < deadline);
        let retried = Retried { is_possible: wait.is_some(), is_news };
        note_failed_attempt(&delivery, failure, retried, turn);
        let next = match wait {
            Some(wait) => now.mono.plus(wait),
            None => {
                delivery.state = State::GaveUp;
                deadline
            }
        };
        self.deliveries.wait(id, delivery, next);
    }

    /// Lets a delivery wait for peers.
    fn defer(
        &mut self,
        id: DeliveryId,
        mut delivery: Delivery,
        until: Mono,
        cause: Deferral,
        content: Content,
        turn: &mut Turn,
    ) {
        if !matches!(delivery.state, State::Waiting { .. }) {
            let key = delivery.key.group.clone();
            let integration = delivery.integration.id.clone();
            turn.notes.push(match cause {
                Deferral::EarlierPosition { wait } => {
                    Note::WaitingForPeers { key, integration, wait }
                }
                Deferral::Claimed => Note::DeferredToPeer { key, integration },
            });
            delivery.state = State::Waiting { content: content.without_alerts() };
        }
        delivery.first_attempt = None;
        self.deliveries.wait(id, delivery, until);
    }

    /// Makes an attempt; or, if the integration wants none of it, records that it is done.
    fn notify(
        &mut self,
        now: Now,
        (id, mut delivery): (DeliveryId, Delivery),
        batch: &Batch<'_>,
        (reason, content): (Reason, Content),
        turn: &mut Turn,
    ) -> Step {
        let entry = self.log.find(&delivery.key);
        let remembered = match (reason, entry) {
            (Reason::FirstNotification, _) | (_, None) => Remembered::default(),
            (_, Some(entry)) => entry.remembered.clone(),
        };
        let Content { mut alerts, notified, .. } = content;
        if !delivery.integration.send_resolved {
            alerts.retain_firing(batch.judged.now);
        }
        if alerts.count() == 0 {
            // The receiver is not notified of resolved alerts, but the log says that they are.
            self.record(batch.judged.now, &delivery, notified, remembered, turn);
            return Step::Finished(finish(&delivery, End::Succeeded));
        }
        let is_first = delivery.first_attempt.is_none();
        delivery.attempts += 1;
        delivery.alerts = alerts.count();
        delivery.last_attempt = Some(now.mono);
        delivery.first_attempt.get_or_insert(now.mono);
        let key = batch.group.key(batch.route);
        turn.notes.push(Note::AttemptStarted {
            key: key.clone(),
            integration: delivery.integration.id.clone(),
            number: delivery.attempts,
            reason,
        });
        turn.after.push(Effect::Attempt(Attempt {
            delivery: id,
            integration: delivery.integration.id.clone(),
            draft: Draft {
                group_key: key,
                group_labels: batch.group.labels.clone(),
                route_labels: batch.route.labels.clone(),
                reason,
                now: batch.judged.now,
                alerts,
                remembered,
            },
            deadline: delivery.deadline,
            number: delivery.attempts,
        }));
        let intent = self.record_intent(now, &delivery, &notified, turn);
        let entry_at = self.log.find(&delivery.key).map(|entry| entry.at);
        let at = batch.judged.now;
        delivery.state = State::Attempting { notified, reason, intent, entry_at, at };
        let give_up = delivery.deadline.plus(deliveries::ANSWER_GRACE);
        self.deliveries.wait(id, delivery, give_up);
        Step::Attempting { is_first }
    }
}

/// The delivery is over.
fn finish(delivery: &Delivery, end: End) -> Finished {
    Finished { group: delivery.group, end }
}

/// The flush is over, and no attempt has succeeded; `detail` is said if none is known to have failed.
fn give_up(delivery: &Delivery, detail: &str, turn: &mut Turn) -> Finished {
    let failure = delivery.failure.0.clone().unwrap_or_else(|| Failure {
        reason: FailureReason::ContextDeadlineExceeded,
        detail: detail.to_owned(),
    });
    fail(delivery, failure, GiveUpCause::DeadlineReached, turn)
}

fn fail(delivery: &Delivery, failure: Failure, cause: GiveUpCause, turn: &mut Turn) -> Finished {
    let Failure { reason, detail } = failure;
    turn.notes.push(Note::DeliveryFailed {
        key: delivery.key.group.clone(),
        integration: delivery.integration.id.clone(),
        attempts: delivery.attempts,
        alerts: delivery.alerts,
        reason,
        detail,
        cause,
    });
    finish(delivery, End::Failed)
}

fn note_failed_attempt(delivery: &Delivery, failure: &Failure, retried: Retried, turn: &mut Turn) {
    turn.notes.push(Note::AttemptFailed {
        key: delivery.key.group.clone(),
        integration: delivery.integration.id.clone(),
        number: delivery.attempts,
        reason: failure.reason,
        detail: failure.detail.clone(),
        retry: retried.is_possible,
        is_news: retried.is_news,
    });
}

const TIME_IS_UP: &str = "context deadline exceeded";
