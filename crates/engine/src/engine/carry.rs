//! The code of [`Engine`] that moves results from one part to the next, input by input.
//!
//! One `impl Engine` block for each kind of input: alerts and plans, silences, maintenance; what is due is
//! in `due`, what peers send in `merging`. The functions see all parts, the rules are in the parts: the
//! functions here call them in order, and pass each only what it needs.

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_model::{GroupKey, NewAlert, Now, Silence};

use super::Engine;
use super::intake::Deadlines;
use super::judging::Purpose;
use super::silencing::Compiled;
use crate::alerts::{PREFETCH_BATCH, Refusal, Was};
use crate::group::{Group, GroupId};
use crate::plan::Plan;
use crate::record::{GroupName, Record};
use crate::replicated::SilenceRecord;
use crate::silences::{PostedSilence, SilenceRefusal};
use crate::turn::{AlertsReply, Channel, Note, RefusedAlerts, RejectedAlert, Turn, UnknownSilence};

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
        self.flushed = None;
        while let Some(id) = self.intake.closing() {
            self.intake.close_flush(now, &self.plan, id, turn);
        }
        let old_plan = std::mem::replace(&mut self.plan, plan);
        let moved = match self.settings.strict {
            // Compat: deliveries that are open end.
            true => {
                self.intake.begin_anew(now, &old_plan, &self.plan, turn);
                Some(BTreeMap::new())
            }
            false => self.intake.take_plan(now, &old_plan, &self.plan, turn),
        };
        if let Some(moved) = moved {
            self.notification.move_groups(&moved);
        }
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
        let merged = self.silencing.merge(version, now, &self.intake.alerts);
        let Some((id, was_known)) = merged else { return false };
        self.generation += 1;
        if was_known {
            self.intake.reconsider_silenced_by(now, &self.plan, id, turn);
        }
        true
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
            // Their names are only wanted if an entry has expired that awaits a resolve.
            let (plan, groups) = (&self.plan, &self.intake.groups);
            let groups = LazyCell::new(|| {
                let names = groups.iter().map(|(id, group)| log_group_key(plan, id, group));
                names.collect::<BTreeSet<GroupKey>>()
            });
            let has_group = |key: &GroupKey| groups.contains(key);
            log_entries = self.notification.remove_expired(now, REMOVED_PER_TURN, has_group, turn);
            if log_entries == REMOVED_PER_TURN {
                self.maintenance.go_on(now);
            }
            if silences + log_entries > 0 {
                self.replication.forget_seen();
            }
        }
        let alerts = alerts.unwrap_or_default();
        turn.notes.push(Note::Collected { alerts, silences, log_entries });
    }

    /// The key under which the notification log has a group.
    pub(super) fn log_group_key(&self, id: GroupId, group: &Group) -> GroupKey {
        log_group_key(&self.plan, id, group)
    }
}

fn log_group_key(plan: &Plan, id: GroupId, group: &Group) -> GroupKey {
    GroupKey::new(&plan.routes.route(id.route).identity, &group.labels)
}

/// Says which silences are not in force.
pub(super) fn note_programs(compiled: Vec<Compiled>, turn: &mut Turn) {
    let refused = compiled.into_iter().filter(|silence| !silence.in_force);
    turn.notes.extend(refused.map(|it| Note::SilenceNotInForce { silence: it.silence }));
}

/// Limit: alerts, and entries of the notification log, that one turn removes; about a millisecond's
/// work each.
const REMOVED_PER_TURN: usize = 512;
