//! One delivery from its flush to its end: wait for one's turn, look again, try, try again.
//!
//! In: deliveries that are due, and what came of attempts. Out: attempts, and how it ended. What is
//! told is read anew from the group whenever a wait has ended.

use std::time::Duration;

use bellwether_model::{FailureReason, Mono, Notification, Now, Outcome, Reason, Remembered};

use super::{End, Engine};
use crate::deduplication::{self, Content, Unknown};
use crate::deliveries::{self, Delivery, State};
use crate::mute::Judged;
use crate::plan::Integration;
use crate::turn::{Attempt, DeliveryId, Effect, Note, Turn};

impl Engine {
    /// A delivery's wait is over: try again, or give up.
    pub(in crate::engine) fn resume_delivery(&mut self, now: Now, id: DeliveryId, turn: &mut Turn) {
        let Some(delivery) = self.deliveries.take(id) else { return };
        match &delivery.state {
            State::Attempting { .. } => {
                let detail = String::from("no answer to the attempt came back");
                self.fail(now, delivery, FailureReason::ContextDeadlineExceeded, detail, turn);
            }
            State::Waiting { .. } if delivery.deadline <= now.mono => {
                // Whoever was trying is trying still; this node looks again with the next flush.
                self.finish(now, &delivery, End::Badly, turn);
            }
            State::BackingOff if delivery.deadline <= now.mono => {
                // Nobody woke the engine in time.
                let detail = String::from("the time for another attempt has passed");
                self.fail(now, delivery, FailureReason::ContextDeadlineExceeded, detail, turn);
            }
            State::Waiting { .. } | State::BackingOff => {
                let looked = delivery.group.filter(|_| self.is_planned(&delivery.integration));
                let looked = looked.and_then(|group_id| {
                    let (group, judged) = self.judge_group(now, group_id)?;
                    let route = self.plan.routes.route(group_id.route);
                    Some((group_id, self.suppressed(now, route, group, &judged), judged))
                });
                match looked {
                    Some((group_id, suppressed, judged)) => {
                        // A mute may have begun since the flush.
                        self.groups.change(group_id, |state| state.suppressed = suppressed);
                        self.consider(now, id, delivery, &judged, turn);
                    }
                    None => self.finish(now, &delivery, End::Well, turn),
                }
            }
        }
    }

    pub(in crate::engine) fn take_outcome(
        &mut self,
        now: Now,
        id: DeliveryId,
        outcome: Outcome,
        turn: &mut Turn,
    ) {
        if !self.deliveries.is_attempting(id) {
            return;
        }
        let Some(mut delivery) = self.deliveries.take(id) else { return };
        let state = std::mem::replace(&mut delivery.state, State::BackingOff);
        let State::Attempting { notified, reason, intent, entry_at, at } = state else { return };
        if is_certainly_not_notified(&outcome)
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
                let entry = self.notification_log.find(&delivery.key);
                let concurrent = entry.filter(|entry| Some(entry.at) != entry_at);
                let notified = match concurrent {
                    Some(entry) => notified.merged_with_concurrent(&entry.notified),
                    None => notified,
                };
                self.record(at, &delivery, notified, remember, turn);
                self.finish(now, &delivery, End::Well, turn);
            }
            Outcome::Refused { reason, detail } => {
                self.note_failure(&delivery, reason, &detail, false, turn);
                self.fail(now, delivery, reason, detail, turn);
            }
            Outcome::Retry { after, reason, detail } => {
                let wait = deliveries::backoff(delivery.attempts, &mut self.rng);
                let again = now.mono.plus(wait.max(after.unwrap_or_default()));
                let retry = again < delivery.deadline;
                self.note_failure(&delivery, reason, &detail, retry, turn);
                if retry {
                    self.deliveries.wait(id, delivery, again);
                } else {
                    self.fail(now, delivery, reason, detail, turn);
                }
            }
        }
    }

    /// Decides whether there is anything to tell, and tells it.
    pub(super) fn consider(
        &mut self,
        now: Now,
        id: DeliveryId,
        mut delivery: Delivery,
        judged: &Judged,
        turn: &mut Turn,
    ) {
        let Some(group_id) = delivery.group else {
            return self.finish(now, &delivery, End::Well, turn);
        };
        let notified_at = self.notification_log.notified_at(&delivery.key, now.wall);
        let entry = self.notification_log.find(&delivery.key);
        let send_resolved = delivery.integration.send_resolved;
        let lag = self.peers.clocks_lag();
        let peers_knew_until = self.notification_log.peers_knew_until(&delivery.key, now.mono, lag);
        let ended = self.notification_log.recently_resolved(&delivery.key, now.mono);
        let unknown = if self.peers.is_alone() { Unknown::Dropped } else { Unknown::Kept };
        let before = entry.map(|entry| &entry.notified);
        let content = deduplication::content(judged, before, peers_knew_until, unknown);
        // Nodes look at a group some time apart, and so one behind may be the first to find that it
        // is time to repeat, just before those ahead do.
        let repeat = delivery.repeat_interval.saturating_add(self.peers.wait());
        let reason = |content: &Content| {
            deduplication::reason(
                content,
                send_resolved,
                repeat,
                entry,
                notified_at,
                &ended,
                now.wall,
            )
        };
        let peers_notified = match &delivery.state {
            State::Waiting { content } => reason(content).is_none(),
            State::BackingOff | State::Attempting { .. } => false,
        };
        let Some(reason) = reason(&content).filter(|_| !peers_notified) else {
            turn.notes.push(Note::NothingToNotify {
                key: delivery.key.group.clone(),
                integration: delivery.integration.id.clone(),
            });
            self.note_resolved(&delivery, content.notified, turn);
            return self.finish(now, &delivery, End::Well, turn);
        };
        let trying = delivery.attempts > 0;
        if let Some((at, note)) = self.deferral(now, &delivery, trying) {
            if !matches!(delivery.state, State::Waiting { .. }) {
                turn.notes.push(note);
                delivery.state = State::Waiting { content };
            }
            delivery.first_attempt = None;
            self.deliveries.wait(id, delivery, at);
            return;
        }
        let remembered = match (reason, entry) {
            (Reason::FirstNotification, _) | (_, None) => Remembered::default(),
            (_, Some(entry)) => entry.remembered.clone(),
        };
        let mut alerts = content.alerts;
        if !send_resolved {
            alerts.retain(|alert| !alert.resolved_at(now.wall));
        }
        if alerts.is_empty() {
            // The receiver does not want to hear it, but that it ended is noted.
            self.record(now.wall, &delivery, content.notified, remembered, turn);
            return self.finish(now, &delivery, End::Well, turn);
        }
        delivery.attempts += 1;
        delivery.last_attempt = Some(now.mono);
        if delivery.first_attempt.is_none() {
            delivery.first_attempt = Some(now.mono);
            self.peers.hasten_status(now.mono.plus(CLAIMED_AFTER));
        }
        let Some(group) = self.groups.find(group_id) else { return };
        let route = self.plan.routes.route(group_id.route);
        turn.notes.push(Note::AttemptStarted {
            key: group.key(route),
            integration: delivery.integration.id.clone(),
            number: delivery.attempts,
            reason,
        });
        turn.after.push(Effect::Attempt(Attempt {
            delivery: id,
            notification: Notification {
                integration: delivery.integration.id.clone(),
                group_key: group.key(route),
                group_labels: group.labels.clone(),
                route_labels: route.labels.clone(),
                reason,
                now: now.wall,
                alerts,
                remembered,
            },
            deadline: delivery.deadline,
            number: delivery.attempts,
        }));
        let intent = self.record_intent(now, &delivery, &content.notified, turn);
        let entry_at = self.notification_log.find(&delivery.key).map(|entry| entry.at);
        let (notified, at) = (content.notified, now.wall);
        delivery.state = State::Attempting { notified, reason, intent, entry_at, at };
        let give_up = delivery.deadline.plus(deliveries::ANSWER_GRACE);
        self.deliveries.wait(id, delivery, give_up);
    }

    /// When to look again, if this is not to be told by this node now; and what to note.
    fn deferral(&self, now: Now, delivery: &Delivery, trying: bool) -> Option<(Mono, Note)> {
        if self.peers.is_alone() {
            return None;
        }
        let (key, integration) = (delivery.key.group.clone(), delivery.integration.id.clone());
        let due = self.peers.turn_at(delivery.since);
        if due > now.mono && !trying {
            let wait = due.since(now.mono);
            return Some((
                due.min(delivery.deadline),
                Note::WaitingForPeers { key, integration, wait },
            ));
        }
        let until = self.peers.claimed_by_peer_until(delivery.key.hash(), trying, now.mono)?;
        // Perhaps it is only the peer that cannot reach the receiver.
        let room = delivery.deadline.since(due);
        let patience = match delivery.last_attempt {
            None => due.plus((room - room / 4).min(DEFER_MAX)),
            Some(at) => at.plus(DEFER_AGAIN_MAX),
        };
        if patience <= now.mono {
            return None;
        }
        let until = until.min(patience);
        Some((until.min(delivery.deadline), Note::DeferredToPeer { key, integration }))
    }

    /// Whether the plan still has this integration.
    fn is_planned(&self, integration: &Integration) -> bool {
        let receiver = self.plan.receiver(&integration.id.receiver);
        receiver.is_some_and(|r| r.integrations.iter().any(|other| other.id == integration.id))
    }

    fn fail(
        &mut self,
        now: Now,
        delivery: Delivery,
        reason: FailureReason,
        detail: String,
        turn: &mut Turn,
    ) {
        turn.notes.push(Note::DeliveryFailed {
            key: delivery.key.group.clone(),
            integration: delivery.integration.id.clone(),
            attempts: delivery.attempts,
            reason,
            detail,
        });
        self.finish(now, &delivery, End::Badly, turn);
    }

    fn note_failure(
        &self,
        delivery: &Delivery,
        reason: FailureReason,
        detail: &str,
        retry: bool,
        turn: &mut Turn,
    ) {
        turn.notes.push(Note::AttemptFailed {
            key: delivery.key.group.clone(),
            integration: delivery.integration.id.clone(),
            number: delivery.attempts,
            reason,
            detail: detail.to_owned(),
            retry,
        });
    }
}

/// Whether the receiver can not have taken what it was told. One that was too slow may have, and
/// so may one behind a gateway that lost its answer.
fn is_certainly_not_notified(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Delivered { .. } => false,
        Outcome::Retry { reason, .. } | Outcome::Refused { reason, .. } => !matches!(
            reason,
            FailureReason::ContextDeadlineExceeded
                | FailureReason::ContextCanceled
                | FailureReason::ServerError
        ),
    }
}

/// How long a delivery is tried before others are told that this node is at it.
pub(in crate::engine) const CLAIMED_AFTER: Duration = Duration::from_millis(10);

/// For how long what is due is left to a peer that tries to tell it, before this node tries too.
const DEFER_MAX: Duration = Duration::from_secs(60);

/// The same, once this node has tried in vain: rarely enough that both hardly ever meet a receiver
/// that has just recovered.
const DEFER_AGAIN_MAX: Duration = Duration::from_secs(5 * 60);
