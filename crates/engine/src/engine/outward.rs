//! The outward corridor: a deadline becomes deliveries, and ends in the ledger.

use std::collections::BTreeSet;

use bellwether_model::{
    FailureReason, Mono, Notification, Now, Outcome, Reason, Remembered, Timestamp,
};

use super::Engine;
use crate::decide::{self, Unknown};
use crate::delivery::{self, Announced, Delivery, State};
use crate::flush;
use crate::group::{Group, GroupId, OpenFlush, Withheld, Withholder};
use crate::ledger::{LedgerEntry, LedgerKey, Told};
use crate::mute::{Judged, Verdict};
use crate::plan::Integration;
use crate::record::{Record, wire};
use crate::route::Route;
use crate::turn::{Attempt, Channel, DeliveryId, Effect, Note, Turn};

/// How a delivery ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Well,
    Badly,
}

impl Engine {
    /// Looks at a group that is due and begins to tell its receiver.
    pub(super) fn flush(&mut self, now: Now, id: GroupId, turn: &mut Turn) {
        let plan = self.plan.clone();
        let route = plan.routes.route(id.route);
        let Some((group, judged)) = self.look(now, id) else { return };
        let key = group.key(route);
        let resolved: Vec<_> = judged
            .alerts()
            .map(|(alert, _)| alert)
            .filter(|alert| alert.resolved_at(now.wall))
            .cloned()
            .collect();
        let firing = judged.alerts().count() - resolved.len();
        turn.notes.push(Note::FlushOpened { key, firing, resolved: resolved.len() });
        for (cause, alerts) in judged.quiet_by_cause() {
            turn.notes.push(Note::Suppressed { cause, alerts });
        }
        // What ended by itself was last written as firing.
        let silently_ended = resolved.iter().filter(|alert| alert.ends_at > alert.updated_at);
        turn.keep.extend(
            silently_ended.map(|alert| Record::Alert { alert: alert.clone(), ended: true }),
        );

        let integrations = plan.receiver(&route.receiver).map_or(&[][..], |r| &r.integrations);
        let interval = route.timing.group_interval;
        let deadline = now.mono.plus(interval.max(FLUSH_TIMEOUT_MIN)).plus(self.flock.wait());
        let withheld = self.withheld(now, route, group, &judged);
        let deliveries: Vec<Delivery> = integrations
            .iter()
            .map(|integration| Delivery {
                group: Some(id),
                key: group.ledger_key(route, integration),
                integration: integration.clone(),
                repeat_interval: route.timing.repeat_interval,
                since: now.mono,
                deadline,
                attempts: 0,
                first_attempt: None,
                last_attempt: None,
                state: State::BackingOff,
            })
            .collect();
        self.groups.change(id, |state| {
            state.due = next_beat(state.due, interval, now.mono);
            state.withheld = withheld;
            state.open = Some(OpenFlush {
                deliveries: deliveries.len(),
                failed: false,
                resolved: resolved.iter().map(|a| (a.fingerprint, a.updated_at)).collect(),
            });
        });
        if deliveries.is_empty() {
            self.close_flush(now, id, turn);
        }
        for delivery in deliveries {
            let delivery_id = self.desk.new_id();
            self.consider(now, delivery_id, delivery, &judged, turn);
        }
    }

    /// A delivery's wait is over: try again, or give up.
    pub(super) fn resume_delivery(&mut self, now: Now, id: DeliveryId, turn: &mut Turn) {
        let Some(delivery) = self.desk.take(id) else { return };
        match &delivery.state {
            State::Attempting { .. } => {
                let detail = String::from("no answer to the attempt came back");
                self.fail(now, delivery, FailureReason::ContextDeadlineExceeded, detail, turn);
            }
            State::Waiting if delivery.deadline <= now.mono => {
                // Whoever was trying is trying still; this node looks again with the next flush.
                self.finish(now, &delivery, End::Badly, turn);
            }
            State::BackingOff if delivery.deadline <= now.mono => {
                // Nobody woke the engine in time.
                let detail = String::from("the time for another attempt has passed");
                self.fail(now, delivery, FailureReason::ContextDeadlineExceeded, detail, turn);
            }
            State::Waiting | State::BackingOff => {
                let looked = delivery.group.filter(|_| self.is_planned(&delivery.integration));
                let looked = looked.and_then(|group_id| {
                    let (group, judged) = self.look(now, group_id)?;
                    let route = self.plan.routes.route(group_id.route);
                    Some((group_id, self.withheld(now, route, group, &judged), judged))
                });
                match looked {
                    Some((group_id, withheld, judged)) => {
                        // A mute may have begun since the flush.
                        self.groups.change(group_id, |state| state.withheld = withheld);
                        self.consider(now, id, delivery, &judged, turn);
                    }
                    None => self.finish(now, &delivery, End::Well, turn),
                }
            }
        }
    }

    pub(super) fn take_outcome(
        &mut self,
        now: Now,
        id: DeliveryId,
        outcome: Outcome,
        turn: &mut Turn,
    ) {
        if !self.desk.is_attempting(id) {
            return;
        }
        let Some(mut delivery) = self.desk.take(id) else { return };
        let state = std::mem::replace(&mut delivery.state, State::BackingOff);
        let State::Attempting { told, reason, announced, at } = state else { return };
        if is_surely_untold(&outcome)
            && let Some(announced) = announced
        {
            self.withdraw(&delivery.key, announced, turn);
        }
        match outcome {
            Outcome::Delivered { remember } => {
                turn.notes.push(Note::Delivered {
                    key: delivery.key.group.clone(),
                    integration: delivery.integration.id.clone(),
                    attempts: delivery.attempts,
                    reason,
                });
                self.enter(at, &delivery, told, remember, turn);
                self.finish(now, &delivery, End::Well, turn);
            }
            Outcome::Refused { reason, detail } => {
                self.note_failure(&delivery, reason, &detail, false, turn);
                self.fail(now, delivery, reason, detail, turn);
            }
            Outcome::Retry { after, reason, detail } => {
                let wait = delivery::backoff(delivery.attempts, &mut self.rng);
                let again = now.mono.plus(wait.max(after.unwrap_or_default()));
                let retry = again < delivery.deadline;
                self.note_failure(&delivery, reason, &detail, retry, turn);
                if retry {
                    self.desk.wait(id, delivery, again);
                } else {
                    self.fail(now, delivery, reason, detail, turn);
                }
            }
        }
    }

    /// The group and its alerts as they are judged now.
    pub(super) fn look(&self, now: Now, id: GroupId) -> Option<(&Group, Judged)> {
        let group = self.groups.find(id)?;
        let alerts = flush::freeze(group, &self.alerts);
        let route = self.plan.routes.route(id.route);
        Some((group, self.causes().judge(route, alerts, now.wall)))
    }

    /// Whether the plan still has this integration.
    fn is_planned(&self, integration: &Integration) -> bool {
        let receiver = self.plan.receiver(&integration.id.receiver);
        receiver.is_some_and(|r| r.integrations.iter().any(|other| other.id == integration.id))
    }

    /// Decides whether there is anything to tell, and tells it.
    fn consider(
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
        let told_at = self.ledger.told_at(&delivery.key, now.wall);
        let entry = self.ledger.find(&delivery.key);
        let send_resolved = delivery.integration.send_resolved;
        let lag = self.flock.clocks_lag();
        let hearsay = self.ledger.hearsay(&delivery.key, now.mono, lag);
        let ended = self.ledger.ended_lately(&delivery.key, now.mono);
        let unknown = if self.flock.is_alone() { Unknown::Dropped } else { Unknown::Kept };
        let before = entry.map(|entry| &entry.told);
        let content = decide::content(judged, before, hearsay, unknown);
        // Nodes look at a group some time apart, and so one behind may be the first to find that it
        // is time to repeat, just before those ahead do.
        let repeat = delivery.repeat_interval.saturating_add(self.flock.wait());
        let reason =
            decide::reason(&content, send_resolved, repeat, entry, told_at, &ended, now.wall);
        let Some(reason) = reason else {
            turn.notes.push(Note::NothingToTell {
                key: delivery.key.group.clone(),
                integration: delivery.integration.id.clone(),
            });
            self.note_ended(&delivery, content.told, turn);
            return self.finish(now, &delivery, End::Well, turn);
        };
        let trying = delivery.attempts > 0;
        if let Some((at, note)) = self.others_first(now, &delivery, trying) {
            if !matches!(delivery.state, State::Waiting) {
                turn.notes.push(note);
            }
            delivery.state = State::Waiting;
            delivery.first_attempt = None;
            self.desk.wait(id, delivery, at);
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
            self.enter(now.wall, &delivery, content.told, remembered, turn);
            return self.finish(now, &delivery, End::Well, turn);
        }
        delivery.attempts += 1;
        delivery.last_attempt = Some(now.mono);
        if delivery.first_attempt.is_none() {
            delivery.first_attempt = Some(now.mono);
            self.flock.hasten_bulletin(now.mono.plus(CLAIMED_AFTER));
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
        let announced = self.announce(now, &delivery, &content.told, turn);
        delivery.state = State::Attempting { told: content.told, reason, announced, at: now.wall };
        let give_up = delivery.deadline.plus(delivery::ANSWER_GRACE);
        self.desk.wait(id, delivery, give_up);
    }

    /// Writes down what an integration was told, as it was at `at`.
    fn enter(
        &mut self,
        at: Timestamp,
        delivery: &Delivery,
        told: Told,
        remembered: Remembered,
        turn: &mut Turn,
    ) {
        let told_at = at;
        let at = self.ledger.stamp(&delivery.key, told_at);
        let lasts = delivery.lasts(self.settings.retention);
        let entry = LedgerEntry::new(delivery.key.clone(), told, at, lasts);
        let entry = LedgerEntry { remembered, ..entry };
        self.tell(Channel::Log, &wire::encode_entry(&entry), turn);
        self.ledger.merge(entry.clone());
        self.ledger.told_at(&delivery.key, told_at);
        turn.keep.push(Record::Told(entry));
    }

    /// When to look again, if this is not to be told by this node now; and what to note.
    fn others_first(&self, now: Now, delivery: &Delivery, trying: bool) -> Option<(Mono, Note)> {
        if self.flock.is_alone() {
            return None;
        }
        let (key, integration) = (delivery.key.group.clone(), delivery.integration.id.clone());
        let due = self.flock.turn_at(delivery.since);
        if due > now.mono && !trying {
            let wait = due.since(now.mono);
            return Some((due.min(delivery.deadline), Note::Waiting { key, integration, wait }));
        }
        let until = self.flock.left_to_others(delivery.key.hash(), trying, now.mono)?;
        // Perhaps it is only the peer that cannot reach the receiver.
        let room = delivery.deadline.since(due);
        let patience = match delivery.last_attempt {
            None => due.plus((room - room / 4).min(LEFT_TO_PEER)),
            Some(at) => at.plus(LEFT_TO_PEER_AGAIN),
        };
        if patience <= now.mono {
            return None;
        }
        let until = until.min(patience);
        Some((until.min(delivery.deadline), Note::LeftToPeer { key, integration }))
    }

    /// Notes what an attempt is about to change in the receiver's mind: should its answer be lost,
    /// or the process be killed before, neither the old nor the new is certain.
    fn announce(
        &mut self,
        now: Now,
        delivery: &Delivery,
        told: &Told,
        turn: &mut Turn,
    ) -> Option<Announced> {
        if !delivery.integration.send_resolved {
            return None;
        }
        let mut entry = self.ledger.find(&delivery.key).cloned().unwrap_or_else(|| {
            let lasts = delivery.lasts(self.settings.retention);
            LedgerEntry::new(delivery.key.clone(), Told::default(), now.wall, lasts)
        });
        let unsure = entry.told.unsure_after(told);
        if unsure == entry.told {
            return None;
        }
        let before = std::mem::replace(&mut entry.told, unsure);
        let at = self.amend(entry, turn);
        Some(Announced { at, before })
    }

    /// What an attempt announced has surely not been told.
    fn withdraw(&mut self, key: &LedgerKey, announced: Announced, turn: &mut Turn) {
        let Announced { at, before } = announced;
        if let Some(entry) = self.ledger.find(key).filter(|entry| entry.at == at) {
            let entry = LedgerEntry { told: before, ..entry.clone() };
            self.amend(entry, turn);
        }
    }

    /// Replaces what an entry says was told, but not when; returns its new timestamp.
    fn amend(&mut self, entry: LedgerEntry, turn: &mut Turn) -> Timestamp {
        let at = self.ledger.stamp(&entry.key, entry.at);
        let entry = LedgerEntry { at, wire: None, ..entry };
        self.ledger.amend(entry.clone());
        turn.keep.push(Record::Told(entry));
        at
    }

    /// Notes that alerts ended of which a receiver that wants no "resolved" was told, so that it
    /// hears of them again when they fire again. When it was last told stays what it was.
    fn note_ended(&mut self, delivery: &Delivery, told: Told, turn: &mut Turn) {
        let Some(entry) = self.ledger.find(&delivery.key) else { return };
        let has_ended = |hash: &u64| told.resolved.binary_search(hash).is_ok();
        if delivery.integration.send_resolved || !entry.told.firing.iter().any(has_ended) {
            return;
        }
        let entry = LedgerEntry { told, ..entry.clone() };
        self.amend(entry, turn);
        if let Some(entry) = self.ledger.find(&delivery.key) {
            self.tell(Channel::Log, &wire::encode_entry(entry), turn);
        }
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

    fn finish(&mut self, now: Now, delivery: &Delivery, end: End, turn: &mut Turn) {
        let Some(id) = delivery.group else { return };
        let mut finished = false;
        self.groups.change(id, |state| {
            if let Some(open) = &mut state.open {
                open.deliveries -= 1;
                open.failed |= end == End::Badly;
                finished = open.deliveries == 0;
            }
        });
        if finished {
            self.close_flush(now, id, turn);
        }
    }

    /// All deliveries of a flush are finished: resolved alerts that were told, and have not changed
    /// since, leave; a group that is empty then is no more.
    fn close_flush(&mut self, now: Now, id: GroupId, turn: &mut Turn) {
        let mut flush = None;
        self.groups.change(id, |state| flush = state.open.take());
        let Some(flush) = flush else { return };
        if !flush.failed {
            for (member, updated_at) in flush.resolved {
                let unchanged = self
                    .alerts
                    .find(member)
                    .is_none_or(|a| a.updated_at == updated_at && a.resolved_at(now.wall));
                if unchanged && self.groups.leave(id, member) {
                    self.alerts.let_go(member);
                }
            }
        }
        if self.groups.find(id).is_some_and(|group| !group.members.is_empty()) {
            // Only now: a crash during the flush must not put off what it had to tell.
            self.keep_deadline(now, id, turn);
        } else if let Some(group) = self.groups.close(id) {
            let route = self.plan.routes.route(id.route);
            turn.keep.push(Record::GroupGone(group.name(route)));
            let key = group.key(route);
            turn.notes.push(Note::GroupClosed { key, groups: self.groups.count() });
        }
    }

    /// Whether some alert fires that a receiver has not been told of, only because of a mute; and
    /// when to look again.
    pub(super) fn withheld(
        &self,
        now: Now,
        route: &Route,
        group: &Group,
        judged: &Judged,
    ) -> Option<Withheld> {
        let receiver = self.plan.receiver(&route.receiver);
        let entries: Vec<_> = receiver
            .iter()
            .flat_map(|receiver| &receiver.integrations)
            .map(|integration| self.ledger.find(&group.ledger_key(route, integration)))
            .collect();
        let mut by = BTreeSet::new();
        let mut until: Option<Mono> = None;
        for (alert, verdict) in judged.alerts() {
            if !verdict.is_quiet() || alert.resolved_at(now.wall) {
                continue;
            }
            let hash = alert.labels.log_hash();
            let knows = |entry: &Option<&LedgerEntry>| {
                entry.is_some_and(|entry| entry.told.firing.binary_search(&hash).is_ok())
            };
            if !entries.is_empty() && entries.iter().all(knows) {
                continue;
            }
            let ends = match verdict {
                Verdict::Heard => continue,
                Verdict::Inhibited { by: source, until } => {
                    by.insert(Withholder::Source(*source));
                    Some(*until)
                }
                Verdict::Silenced { by: silences, until } => {
                    by.extend(silences.iter().cloned().map(Withholder::Silence));
                    Some(*until)
                }
                Verdict::OutsideActiveIntervals | Verdict::InsideMuteInterval => {
                    by.insert(Withholder::Interval);
                    self.causes().next_interval_change(route, now.wall)
                }
            };
            let ends = ends.map(|ends| now.mono_at(ends)).filter(|ends| *ends > now.mono);
            until = until.into_iter().chain(ends).min();
        }
        // What no known instant ends may still be ended by hand, or by a new plan.
        let until = until.unwrap_or(Mono(u64::MAX));
        (!by.is_empty()).then_some(Withheld { until, by })
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

/// Whether the receiver can not have taken what it was told. One that was too slow may have.
fn is_surely_untold(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Delivered { .. } => false,
        Outcome::Retry { reason, .. } | Outcome::Refused { reason, .. } => !matches!(
            reason,
            FailureReason::ContextDeadlineExceeded | FailureReason::ContextCanceled
        ),
    }
}

/// The next multiple of `interval` after a beat that was due at `due`, in the future of `now`.
fn next_beat(due: Mono, interval: std::time::Duration, now: Mono) -> Mono {
    let next = due.plus(interval);
    // A beat that came early, or much too late, starts a new rhythm.
    if due > now || next <= now { now.plus(interval) } else { next }
}

/// How long a delivery is tried before others are told that this node is at it.
pub(super) const CLAIMED_AFTER: std::time::Duration = std::time::Duration::from_secs(1);

/// For how long what is due is left to a peer that tries to tell it, before this node tries too.
const LEFT_TO_PEER: std::time::Duration = std::time::Duration::from_secs(60);

/// The same, once this node has tried in vain: rarely enough that both hardly ever meet a receiver
/// that has just recovered.
const LEFT_TO_PEER_AGAIN: std::time::Duration = std::time::Duration::from_secs(5 * 60);

/// Compat: a flush may take this long even where groups are due more often.
const FLUSH_TIMEOUT_MIN: std::time::Duration = std::time::Duration::from_secs(10);
