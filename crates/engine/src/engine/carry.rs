//! The code of [`Engine`] that moves results from one part to the next, input by input.
//!
//! One `impl Engine` block for each kind of input: alerts and plans, due groups and deliveries,
//! silences, peers, maintenance. The functions see all parts, because a flush needs the groups, what
//! mutes them, the notification log and the turn of peers at once. The rules are in the parts: the
//! functions here call them in order, and pass each only what it needs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_model::{GroupKey, NewAlert, Now, Outcome, Silence, Timestamp};

use super::Engine;
use super::intake::Deadlines;
use super::judging::{Budget, Judging, Purpose};
use super::notification::{Batch, Finished, Resumed, Step, note_flush};
use super::replication::PeerRecord;
use super::silencing::Compiled;
use crate::alerts::{PREFETCH_BATCH, Refusal, Was};
use crate::deliveries::{CLAIMED_AFTER, Delivery};
use crate::flush;
use crate::group::{Group, GroupId, OpenFlush, Suppressed};
use crate::mute::Judged;
use crate::notification_log::FromPeer;
use crate::plan::{Integration, Plan};
use crate::record::{GroupName, Record, RecordError, wire};
use crate::replicated::{LogKey, SilenceRecord};
use crate::silences::{PostedSilence, SilenceRefusal};
use crate::turn::{
    AlertsReply, Channel, DeliveryId, Effect, FullState, Note, RefusedAlerts, RejectedAlert, Turn,
    UnknownSilence,
};

// === Alerts and plans: to the groups ===

impl Engine {
    pub(super) fn take_alerts(
        &mut self,
        now: Now,
        alerts: Vec<NewAlert>,
        refused: RefusedAlerts,
        turn: &mut Turn,
    ) -> AlertsReply {
        self.generation += 1;
        let plan = self.plan.clone();
        // By this node's own clock: the end must not come sooner when the clock is set back no more.
        let set_back_by = self.replication.peers.clock_set_back_by();
        let resolve_timeout = plan.resolve_timeout.saturating_add(set_back_by);
        let RefusedAlerts { mut firing, mut resolved } = refused;
        let mut rejected = Vec::new();
        let mut reports = alerts.into_iter();
        for position in 0.. {
            if position % PREFETCH_BATCH == 0 {
                self.intake.alerts.prefetch(reports.as_slice());
            }
            let Some(new) = reports.next() else { break };
            match new.ends_at {
                Some(ends_at) if ends_at <= now.wall => resolved += 1,
                _ => firing += 1,
            }
            match self.intake.alerts.report(new, now.wall, resolve_timeout) {
                Ok(change) => {
                    if change.was == Was::New {
                        self.silencing.add_alert(&change.alert);
                    }
                    self.intake.take_change(now, &plan, change, turn);
                }
                Err(Refusal::EndsBeforeStart) => {
                    let message = "start time must be before end time";
                    rejected.push(RejectedAlert { position, message });
                }
                Err(Refusal::TooManyOfName { name: alertname }) => {
                    turn.notes.push(Note::AlertLimitReached { alertname });
                }
            }
        }
        let invalid = refused.firing + refused.resolved + rejected.len();
        turn.notes.push(Note::AlertsReceived { firing, resolved, invalid });
        AlertsReply { rejected }
    }

    pub(super) fn take_plan(&mut self, now: Now, plan: Arc<Plan>, turn: &mut Turn) {
        self.generation += 1;
        // Groups are about to get other ids. What was being judged is still due.
        self.judging = None;
        while let Some(id) = self.intake.closing() {
            self.intake.close_flush(now, &self.plan, id, turn);
        }
        let old_plan = std::mem::replace(&mut self.plan, plan);
        let moved = self.intake.take_plan(now, &old_plan, &self.plan, turn);
        self.notification.move_groups(&moved);
    }

    pub(super) fn restore_groups(
        &mut self,
        now: Now,
        known: BTreeMap<GroupName, Deadlines>,
        turn: &mut Turn,
    ) {
        self.generation += 1;
        let log = &self.notification.log;
        for id in self.intake.restore_groups(now, &self.plan, known, log, turn) {
            let Some(mut judging) = self.begin_judging(now, Purpose::Flush(id), id) else {
                continue;
            };
            self.judge_some(now, &mut judging, usize::MAX);
            let found = self.suppressed(now, id, &judging.finish());
            self.intake.restore_suppression(id, found);
        }
    }
}

// === Groups that are due: to the notification log ===

impl Engine {
    /// Looks at a group that is due and begins to notify its receiver.
    pub(super) fn flush(&mut self, now: Now, id: GroupId, budget: &mut Budget, turn: &mut Turn) {
        let plan = self.plan.clone();
        let route = plan.routes.route(id.route);
        let Some(judged) = self.judge(now, Purpose::Flush(id), id, budget) else { return };
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
        let resolved: Vec<_> = resolved.map(|it| it.alert.clone()).collect();
        note_flush(group.key(route), &judged, resolved.len(), turn);
        // What resolved by itself was last written as firing.
        let timed_out = resolved.iter().filter(|alert| alert.ends_at > alert.updated_at);
        turn.keep
            .extend(timed_out.map(|alert| Record::Alert { alert: alert.clone(), ended: true }));

        let integrations = plan.receiver(&route.receiver).map_or(&[][..], |r| &r.integrations);
        let batch = Batch { id, group, route, judged: &judged };
        let wait = self.replication.peers.wait(now.mono);
        let deliveries = self.notification.open(now, &batch, integrations, wait);
        let open = OpenFlush {
            deliveries: deliveries.len(),
            failed: false,
            resolved: resolved.iter().map(|a| (a.fingerprint, a.updated_at)).collect(),
        };
        self.intake.open_flush(now, id, route.timing.group_interval, suppressed, open);
        if deliveries.is_empty() {
            self.intake.close_flush(now, &plan, id, turn);
        }
        for (delivery_id, delivery) in deliveries {
            self.consider(now, delivery_id, delivery, &judged, turn);
        }
        self.spent.add(judged);
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
        let judged = match self.notification.group_to_judge(now, id) {
            Some(group) => {
                let judged = self.judge(now, purpose, group, budget);
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
                // A mute may have begun since the flush.
                let suppressed = self.suppressed(now, group, &judged);
                self.intake.groups.change(group, |state| state.suppressed = suppressed);
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

    /// Judges as many alerts of a group as `budget` allows, and goes on with what was begun for the
    /// same purpose. `None` if there is no such group, or if alerts are left for the next turn.
    fn judge(
        &mut self,
        now: Now,
        purpose: Purpose,
        group: GroupId,
        budget: &mut Budget,
    ) -> Option<Judged> {
        let begun = self.judging.take().filter(|it| it.purpose == purpose);
        let mut judging = match begun {
            Some(begun) => begun,
            None => self.begin_judging(now, purpose, group)?,
        };
        let max = if judging.is_small() { usize::MAX } else { budget.left() };
        let count = self.judge_some(now, &mut judging, max);
        budget.spend(count);
        if count == max {
            self.judging = Some(judging);
            return None;
        }
        Some(judging.finish())
    }

    fn begin_judging(&self, now: Now, purpose: Purpose, id: GroupId) -> Option<Judging> {
        let members = self.intake.groups.find(id)?.members.len();
        Some(Judging::begin(purpose, id, members, now.wall))
    }

    /// Judges the next alerts of a group, `max` at most; returns how many it was.
    fn judge_some(&self, now: Now, judging: &mut Judging, max: usize) -> usize {
        let Some(group) = self.intake.groups.find(judging.group) else { return 0 };
        let route = self.plan.routes.route(judging.group.route);
        let alerts = flush::freeze(group, &self.intake.alerts, judging.last()).take(max);
        judging.add(self.mute_context().judge(route, alerts, now.wall))
    }

    /// What suppresses those of a group's alerts that fire and that not all integrations were notified
    /// of.
    fn suppressed(&self, now: Now, id: GroupId, judged: &Judged) -> Option<Suppressed> {
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

// === Silences: to the alerts that they match ===

impl Engine {
    pub(super) fn post_silence(
        &mut self,
        now: Now,
        silence: PostedSilence,
        turn: &mut Turn,
    ) -> Result<String, SilenceRefusal> {
        let rng = &mut self.rng;
        let posted = self.silencing.post(silence, now, &self.settings, || rng.uuid())?;
        let stored = posted.versions.into_iter().map(|it| self.store_silence(now, it, turn));
        let mut stored: Vec<Arc<Silence>> = stored.collect();
        if let Some(silence) = stored.pop() {
            turn.notes.push(match posted.created {
                true => Note::SilenceCreated { silence, replaced: stored.pop() },
                false => Note::SilenceUpdated { silence },
            });
        }
        Ok(posted.id)
    }

    pub(super) fn expire_silence(
        &mut self,
        now: Now,
        id: &str,
        turn: &mut Turn,
    ) -> Result<(), UnknownSilence> {
        if let Some(version) = self.silencing.expire(id, now).map_err(|_| UnknownSilence)? {
            let silence = self.store_silence(now, version, turn);
            turn.notes.push(Note::SilenceExpired { silence });
        }
        Ok(())
    }

    fn store_silence(&mut self, now: Now, silence: Silence, turn: &mut Turn) -> Arc<Silence> {
        let silence = Arc::new(silence);
        self.merge_silence(now, self.silencing.new_record(silence.clone()), turn);
        let version = self.silencing.record(silence.clone());
        if !self.replication.peers.is_alone() {
            turn.broadcast(Channel::Silences, &version.encode());
        }
        turn.keep.push(Record::Silence(version));
        silence
    }

    /// Compiles regular expressions of silences, as many as one turn may.
    pub(super) fn compile_programs(&mut self, now: Now, turn: &mut Turn) {
        if self.silencing.next_compile().is_some_and(|at| at <= now.mono) {
            let compiled = self.silencing.compile_some(now, &self.intake.alerts);
            self.generation += 1;
            note_programs(compiled, turn);
        }
    }

    /// Returns whether the version is newer than the known one.
    pub(super) fn merge_silence(
        &mut self,
        now: Now,
        version: SilenceRecord,
        turn: &mut Turn,
    ) -> bool {
        let Some(id) = self.silencing.merge(version, now, &self.intake.alerts) else {
            return false;
        };
        self.generation += 1;
        self.intake.reconsider_silenced_by(now, &self.plan, id, turn);
        true
    }
}

// === Peers ===

impl Engine {
    /// Merges records that a peer sent. A message that cannot be read is passed over.
    pub(super) fn merge_peer_records(
        &mut self,
        now: Now,
        channel: Channel,
        data: Vec<u8>,
        turn: &mut Turn,
    ) {
        let (mut changed, mut rejected, mut missing) = (0, None, BTreeMap::new());
        for message in wire::split_messages(&data) {
            let merged = message.and_then(|message| {
                self.merge_peer_record(now, channel, message, &mut missing, turn)
            });
            match merged {
                Ok(has_changed) => changed += usize::from(has_changed),
                Err(error) => rejected = Some(error),
            }
        }
        if !missing.is_empty() {
            let known = self.known_alerts(missing.keys());
            self.notification.keep_resolves_pending(now, missing, &known, turn);
        }
        if let Some(error) = rejected {
            turn.notes.push(Note::RecordsRejected { channel, why: error.to_string() });
        }
        if changed > 0 {
            turn.notes.push(Note::RecordsMerged { channel, changed });
            turn.after.push(Effect::Forward { channel, data });
        }
    }

    /// Returns whether the record was news, and adds to `missing` the alerts that were notified as
    /// firing and that it does not mention.
    fn merge_peer_record(
        &mut self,
        now: Now,
        channel: Channel,
        message: &[u8],
        missing: &mut BTreeMap<LogKey, Vec<u64>>,
        turn: &mut Turn,
    ) -> Result<bool, RecordError> {
        let changed = match self.replication.read(now, channel, message)? {
            None => return Ok(false),
            Some(PeerRecord::Silence(version)) => {
                let bytes = message.len();
                self.silencing.check_limits(now, &version, bytes, &self.settings)?;
                let changed = self.merge_silence(now, version.clone(), turn);
                if changed {
                    turn.keep.push(Record::Silence(version));
                }
                changed
            }
            Some(PeerRecord::LogEntry(entry)) => {
                let key = entry.key.clone();
                match self.notification.merge_peer_entry(now, entry, turn) {
                    FromPeer::Merged { missing: hashes, .. } => {
                        if !hashes.is_empty() {
                            missing.entry(key).or_default().extend(hashes);
                        }
                        true
                    }
                    FromPeer::Late { .. } => true,
                    FromPeer::Known => false,
                }
            }
        };
        self.replication.mark_seen(message);
        Ok(changed)
    }

    /// The log hashes of the alerts that this node knows, for the groups of these log entries.
    fn known_alerts<'k>(
        &self,
        keys: impl Iterator<Item = &'k LogKey>,
    ) -> BTreeMap<GroupKey, BTreeSet<u64>> {
        let mut known: BTreeMap<GroupKey, BTreeSet<u64>> =
            keys.map(|key| (key.group.clone(), BTreeSet::new())).collect();
        for (id, group) in self.intake.groups.iter() {
            if let Some(known) = known.get_mut(&group.key(self.plan.routes.route(id.route))) {
                let alerts = &self.intake.alerts;
                let members = group.members.iter().filter_map(|member| alerts.find(*member));
                known.extend(members.map(|alert| alert.labels.log_hash()));
            }
        }
        known
    }

    /// Lets everything that waits for its turn look again when that comes, as far as is known now.
    pub(super) fn reschedule_waiting(&mut self) {
        let peers = &self.replication.peers;
        self.notification
            .deliveries
            .reschedule_waiting(|delivery| peers.turn_at(delivery.since).min(delivery.deadline));
    }

    /// Checks peers with an earlier position while anything waits, and sends the status that is due.
    pub(super) fn tend_peers(&mut self, now: Now, os_wall: Timestamp, turn: &mut Turn) {
        if self.replication.peers.is_alone() {
            return;
        }
        let is_waiting = self.notification.deliveries.has_waiting();
        if self.replication.check_liveness(now.mono, is_waiting, turn) {
            self.reschedule_waiting();
            self.advance(now, turn);
        }
        let deliveries = &self.notification.deliveries;
        self.replication.send_status(now.mono, os_wall, || deliveries.claims(now.mono), turn);
    }

    /// Everything that peers should know, for one that requests all of it.
    pub(super) fn full_state(&mut self) -> FullState {
        let silences = self.silencing.encode();
        FullState { silences, notification_log: self.notification.log.encode() }
    }
}

// === Maintenance ===

impl Engine {
    pub(super) fn maintain(&mut self, now: Now, turn: &mut Turn) {
        let due = self.maintenance.take_due(now, &self.settings);
        if !due.alerts && !due.records {
            return;
        }
        self.generation += 1;
        let mut alerts = Some(0);
        if due.alerts {
            let gone = self.intake.remove_resolved(now, &self.plan, REMOVED_PER_TURN, turn);
            gone.iter().for_each(|alert| self.silencing.remove_alert(alert));
            let is_last = gone.len() < REMOVED_PER_TURN;
            alerts = self.maintenance.count_removed(now, gone.len(), is_last);
        }
        if alerts.is_none() && !due.records {
            return;
        }
        let (mut silences, mut log_entries) = (0, 0);
        if due.records {
            silences = self.silencing.remove_expired(now, turn);
            let groups = self.intake.groups.iter();
            let groups = groups.map(|(id, group)| self.log_group_key(id, group)).collect();
            log_entries = self.notification.remove_expired(now, &groups, turn);
            if silences + log_entries > 0 {
                self.replication.forget_seen();
            }
        }
        let alerts = alerts.unwrap_or_default();
        turn.notes.push(Note::Collected { alerts, silences, log_entries });
    }

    /// The key under which the notification log has a group.
    fn log_group_key(&self, id: GroupId, group: &Group) -> GroupKey {
        GroupKey::new(&self.plan.routes.route(id.route).identity, &group.labels)
    }
}

/// Says which silences are not in force.
pub(super) fn note_programs(compiled: Vec<Compiled>, turn: &mut Turn) {
    let refused = compiled.into_iter().filter(|silence| !silence.in_force);
    turn.notes.extend(refused.map(|it| Note::SilenceNotInForce { silence: it.silence }));
}

/// Limit: alerts that one turn removes; about a millisecond's work.
const REMOVED_PER_TURN: usize = 512;
