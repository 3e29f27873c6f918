//! What happens when a group or a delivery is due, or an attempt is answered.
//!
//! In: a group, a delivery or an outcome. Out: flushes, attempts and log entries, in the turn. A flush
//! needs the group, what mutes its alerts, the notification log and the turn of peers at once, so the
//! functions see all parts of the [`Engine`]; the rules are in the parts. How much of it fits into one
//! turn is known to `judging`.

use std::time::Duration;

use bellwether_model::{Now, Outcome};

use super::Engine;
use super::judging::{Budget, Flushed, Judging, Purpose, is_small};
use super::notification::{Batch, Finished, Resumed, Step, note_flush};
use crate::deliveries::{CLAIMED_AFTER, Delivery};
use crate::flush;
use crate::group::{GroupId, OpenFlush, Suppressed};
use crate::mute::Judged;
use crate::plan::Integration;
use crate::record::Record;
use crate::turn::{DeliveryId, Turn};

impl Engine {
    /// Looks at a group that is due and begins to notify its receiver.
    pub(super) fn flush(&mut self, now: Now, id: GroupId, budget: &mut Budget, turn: &mut Turn) {
        let plan = self.plan.clone();
        let route = plan.routes.route(id.route);
        let Some(judged) = self.judge(now, Purpose::Flush(id), id, budget, turn) else { return };
        let suppressed = self.suppressed(now, id, &judged);
        let Some(group) = self.intake.groups.find(id) else { return };
        let is_early = group.state.due > now.mono;
        if let (true, Some(before), Some(still)) = (is_early, &group.state.suppressed, &suppressed)
            && still.by.is_superset(&before.by)
        {
            let still = still.clone();
            self.spent.add(judged);
            return self.intake.stay_suppressed(now, &plan, id, still, turn);
        }
        let resolved = judged.alerts.iter().filter(|alert| alert.resolved_at(judged.now));
        let resolved: Vec<_> = resolved.map(|it| (it.fingerprint, it.updated_at)).collect();
        note_flush(group.key(route), &judged, resolved.len(), turn);

        let integrations = plan.receiver(&route.receiver).map_or(&[][..], |r| &r.integrations);
        let batch = Batch { id, group, route, judged: &judged };
        let wait = self.replication.peers.wait(now.mono);
        let deliveries = self.notification.open(now, &batch, integrations, wait);
        let open = OpenFlush { deliveries: deliveries.len(), failed: false, resolved };
        self.intake.open_flush(now, id, route.timing.group_interval, suppressed, open);
        if deliveries.is_empty() {
            self.intake.close_flush(now, &plan, id, turn);
        }
        if is_small(judged.alerts.len()) {
            for (delivery_id, delivery) in deliveries {
                self.consider(now, delivery_id, delivery, &judged, turn);
            }
            return self.spent.add(judged);
        }
        budget.exhaust();
        let ids = deliveries.iter().map(|(delivery_id, _)| *delivery_id);
        self.flushed = Some(Flushed::new(judged, ids)).filter(|it| !it.is_decided());
        for (delivery_id, delivery) in deliveries {
            self.notification.deliveries.wait(delivery_id, delivery, now.mono);
        }
    }

    /// A delivery's wait is over: try again, or give up.
    pub(super) fn resume_delivery(
        &mut self,
        now: Now,
        id: DeliveryId,
        budget: &mut Budget,
        turn: &mut Turn,
    ) {
        let purpose = Purpose::Delivery(id);
        let flushed = self.take_flushed(id);
        let is_flushed = flushed.is_some();
        let judged = match self.notification.group_to_judge(now, id) {
            Some(group) if is_flushed => flushed.map(|judged| (group, judged)),
            Some(group) => {
                let judged = self.judge(now, purpose, group, budget, turn);
                if self.judging.is_some() {
                    return;
                }
                judged.map(|judged| (group, judged))
            }
            None => {
                self.judging = None;
                None
            }
        };
        match self.notification.resume(now, id, turn) {
            None => {}
            Some(Resumed::Finished(finished)) => self.finish(now, finished, turn),
            Some(Resumed::Consider(delivery)) => {
                let judged = judged.filter(|_| self.is_planned(&delivery.integration));
                let Some((group, judged)) = judged else {
                    let finished = Finished::without_group(&delivery);
                    return self.finish(now, finished, turn);
                };
                if !is_flushed {
                    // A mute may have begun since the flush.
                    let suppressed = self.suppressed(now, group, &judged);
                    self.intake.groups.change(group, |state| state.suppressed = suppressed);
                }
                if !is_small(judged.alerts.len()) {
                    budget.exhaust();
                }
                self.consider(now, id, *delivery, &judged, turn);
                self.spent.add(judged);
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
        let rng = &mut self.rng;
        if let Some(finished) = self.notification.take_outcome(now, id, outcome, rng, turn) {
            self.finish(now, finished, turn);
        }
    }

    fn consider(
        &mut self,
        now: Now,
        id: DeliveryId,
        delivery: Delivery,
        judged: &Judged,
        turn: &mut Turn,
    ) {
        let group = delivery.group.and_then(|id| Some((id, self.intake.groups.find(id)?)));
        let Some((group_id, group)) = group else {
            return self.finish(now, Finished::without_group(&delivery), turn);
        };
        let route = self.plan.routes.route(group_id.route);
        let batch = Batch { id: group_id, group, route, judged };
        let peers = &self.replication.peers;
        match self.notification.consider(now, id, delivery, &batch, peers, turn) {
            Step::Finished(finished) => self.finish(now, finished, turn),
            Step::Attempting { is_first: true } => {
                self.replication.peers.hasten_status(now.mono.plus(CLAIMED_AFTER));
            }
            Step::Attempting { is_first: false } | Step::Deferred => {}
        }
    }

    fn finish(&mut self, now: Now, finished: Finished, turn: &mut Turn) {
        let Finished { group, end } = finished;
        if let Some(id) = group {
            self.intake.finish_delivery(now, &self.plan, id, end, turn);
        }
    }

    /// The group as its flush has judged it, for a delivery that is yet to be decided.
    fn take_flushed(&mut self, id: DeliveryId) -> Option<Judged> {
        let flushed = self.flushed.as_mut()?;
        let judged = flushed.take(id)?;
        if flushed.is_decided() {
            self.flushed = None;
        }
        Some(judged)
    }

    /// Judges as many alerts of a group as `budget` allows, and goes on with what was begun for the
    /// same purpose. `None` if there is no such group, or if alerts are left for the next turn.
    fn judge(
        &mut self,
        now: Now,
        purpose: Purpose,
        group: GroupId,
        budget: &mut Budget,
        turn: &mut Turn,
    ) -> Option<Judged> {
        let begun = self.judging.take().filter(|it| it.purpose == purpose);
        let mut judging = match begun {
            Some(begun) => begun,
            None => self.begin_judging(now, purpose, group)?,
        };
        let max = if judging.is_small() { usize::MAX } else { budget.left() };
        let count = self.judge_some(now, &mut judging, max);
        budget.spend(count);
        if matches!(purpose, Purpose::Flush(_)) {
            // What resolved by itself was last written as firing.
            let timed_out = judging.timed_out(count).cloned();
            turn.keep.extend(timed_out.map(|alert| Record::Alert { alert, ended: true }));
        }
        if count == max {
            self.judging = Some(judging);
            return None;
        }
        Some(judging.finish())
    }

    pub(super) fn begin_judging(&self, now: Now, purpose: Purpose, id: GroupId) -> Option<Judging> {
        let members = self.intake.groups.find(id)?.members.len();
        Some(Judging::begin(purpose, id, members, now.wall))
    }

    /// Judges the next alerts of a group, `max` at most; returns how many it was.
    pub(super) fn judge_some(&self, now: Now, judging: &mut Judging, max: usize) -> usize {
        let Some(group) = self.intake.groups.find(judging.group) else { return 0 };
        let route = self.plan.routes.route(judging.group.route);
        let alerts = flush::freeze(group, &self.intake.alerts, judging.last()).take(max);
        let wait = route.timing.group_wait;
        let lingers = if self.settings.strict { Duration::ZERO } else { wait };
        judging.add(self.mute_context().judge(route, alerts, now.wall, lingers))
    }

    /// What suppresses those of a group's alerts that fire and that not all integrations were notified
    /// of, unless its end is not looked for.
    pub(super) fn suppressed(&self, now: Now, id: GroupId, judged: &Judged) -> Option<Suppressed> {
        if self.settings.strict {
            return None;
        }
        let group = self.intake.groups.find(id)?;
        let route = self.plan.routes.route(id.route);
        let context = self.mute_context();
        let receiver = self.plan.receiver(&route.receiver);
        let entries: Vec<_> = receiver
            .iter()
            .flat_map(|receiver| &receiver.integrations)
            .map(|integration| self.notification.log.find(&group.log_key(route, integration)))
            .collect();
        flush::suppressed(judged, &context, route, &entries, now)
    }

    /// Whether the plan still has this integration.
    fn is_planned(&self, integration: &Integration) -> bool {
        let receiver = self.plan.receiver(&integration.id.receiver);
        receiver.is_some_and(|r| r.integrations.iter().any(|other| other.id == integration.id))
    }
}
