//! Alerts that are sorted into groups again: after a restart, and under a new plan.
//!
//! In: the alerts of the store, and what is known of earlier groups. Out: the same groups as far as
//! their route, receiver and labels are the same, with the deadlines that they had.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{Alert, Mono, Now};

use super::Intake;
use crate::group::{self, Group, GroupId, MutedBy, Suppressed};
use crate::notification_log::NotificationLog;
use crate::plan::Plan;
use crate::record::{GroupName, Record};
use crate::route::Route;
use crate::turn::{Note, Turn};

/// What is known about groups from before.
#[derive(Clone, Copy)]
pub(super) enum Earlier<'a> {
    Nothing,
    /// What an earlier run of the program kept.
    Run {
        deadlines: &'a BTreeMap<GroupName, Deadlines>,
        log: &'a NotificationLog,
    },
    /// The groups of the plan that is replaced.
    Plan(&'a BTreeMap<GroupName, &'a Group>),
}

/// When a group is due, and when the mute that suppresses some of its alerts may end.
#[derive(Clone, Copy)]
pub(in crate::engine) struct Deadlines {
    pub due: Mono,
    pub suppressed_until: Option<Mono>,
}

impl Intake {
    /// Sorts the restored alerts into groups, which keep the deadlines that were on disk. Returns the
    /// groups with suppressed alerts: what suppresses them is to be found out.
    pub fn restore_groups(
        &mut self,
        now: Now,
        plan: &Plan,
        mut known: BTreeMap<GroupName, Deadlines>,
        log: &NotificationLog,
        turn: &mut Turn,
    ) -> Vec<GroupId> {
        self.inhibition.restore(plan, self.alerts.iter());
        let alerts: Vec<Arc<Alert>> = self.alerts.iter().cloned().collect();
        for alert in alerts {
            let earlier = Earlier::Run { deadlines: &known, log };
            self.join_groups(now, plan, &alert, earlier, turn);
        }
        let mut suppressed = Vec::new();
        for (id, group) in self.groups.iter() {
            known.remove(&group.name(plan.routes.route(id.route)));
            if group.state.suppressed.is_some() {
                suppressed.push(id);
            }
        }
        turn.keep.extend(known.into_keys().map(Record::GroupGone));
        suppressed
    }

    /// Notes what suppresses alerts of a restored group, which is looked at no later than it was to
    /// be; what suppressed them before may have ended since.
    pub fn restore_suppression(&mut self, id: GroupId, found: Option<Suppressed>) {
        self.groups.change(id, |state| {
            if let (Some(suppressed), Some(found)) = (&mut state.suppressed, found) {
                suppressed.until = suppressed.until.min(found.until);
                suppressed.by.extend(found.by);
            }
        });
    }

    /// Sorts all alerts again under another plan. A group whose route, receiver and labels are the
    /// same keeps its deadline and its open flush, so a reload that changes nothing does nothing.
    ///
    /// Returns the new ids of the groups that are still there, by their old ones; `None` if all groups
    /// stay as they are.
    pub fn take_plan(
        &mut self,
        now: Now,
        old_plan: &Plan,
        plan: &Plan,
        turn: &mut Turn,
    ) -> Option<BTreeMap<GroupId, GroupId>> {
        if plan.routes.is_like(&old_plan.routes) {
            self.keep_groups(now, old_plan, plan, turn);
            return None;
        }
        while self.has_ended_mutes() {
            self.find_unmuted(now, old_plan, usize::MAX, turn);
        }
        let old_groups = self.groups.take_all();
        let old_by_name: BTreeMap<GroupName, &Group> = old_groups
            .iter()
            .map(|(id, group)| (group.name(old_plan.routes.route(id.route)), group))
            .collect();
        self.inhibition.restore(plan, self.alerts.iter());
        self.alerts.clear_holders();
        let alerts: Vec<Arc<Alert>> = self.alerts.iter().cloned().collect();
        for alert in alerts {
            self.join_groups(now, plan, &alert, Earlier::Plan(&old_by_name), turn);
        }
        let moved = self.hand_over(now, old_plan, plan, old_groups, turn);
        turn.notes.push(Note::PlanApplied { groups: self.groups.count(), kept: moved.len() });
        Some(moved)
    }

    /// Sorts all alerts under a plan as if they had just come: no group keeps anything.
    pub fn begin_anew(&mut self, now: Now, old_plan: &Plan, plan: &Plan, turn: &mut Turn) {
        self.ended.clear();
        for (id, group) in self.groups.take_all() {
            turn.keep.push(Record::GroupGone(group.name(old_plan.routes.route(id.route))));
        }
        self.inhibition.restore(plan, self.alerts.iter());
        self.alerts.clear_holders();
        let alerts: Vec<Arc<Alert>> = self.alerts.iter().cloned().collect();
        for alert in alerts {
            self.join_groups(now, plan, &alert, Earlier::Nothing, turn);
        }
        turn.notes.push(Note::PlanApplied { groups: self.groups.count(), kept: 0 });
    }

    /// Takes a plan under which all groups stay as they are.
    fn keep_groups(&mut self, now: Now, old_plan: &Plan, plan: &Plan, turn: &mut Turn) {
        if plan.inhibit_rules != old_plan.inhibit_rules {
            self.inhibition.restore(plan, self.alerts.iter());
        }
        if !plan.mutes_like(old_plan) {
            self.reconsider(now, plan, None, turn);
        }
        let groups = self.groups.count();
        turn.notes.push(Note::PlanApplied { groups, kept: groups });
    }

    /// Gives the state of the old groups to the new ones of the same names.
    fn hand_over(
        &mut self,
        now: Now,
        old_plan: &Plan,
        plan: &Plan,
        old_groups: BTreeMap<GroupId, Group>,
        turn: &mut Turn,
    ) -> BTreeMap<GroupId, GroupId> {
        let mut new_ids = BTreeMap::new();
        for (id, group) in self.groups.iter() {
            new_ids.insert(group.name(plan.routes.route(id.route)), id);
        }
        let mut moved = BTreeMap::new();
        let same_mutes = plan.mutes_like(old_plan);
        for (old_id, old_group) in old_groups {
            let old_route = old_plan.routes.route(old_id.route);
            let name = old_group.name(old_route);
            let Some(new_id) = new_ids.get(&name).copied() else {
                turn.keep.push(Record::GroupGone(name));
                continue;
            };
            moved.insert(old_id, new_id);
            let route = plan.routes.route(new_id.route);
            let latest = latest_due(route, now);
            let is_late = old_group.state.due > latest;
            let may_be_unmuted = !same_mutes || !route.intervals_like(old_route);
            let mut is_earlier = is_late;
            self.groups.change(new_id, |state| {
                *state = old_group.state;
                state.due = state.due.min(latest);
                if may_be_unmuted {
                    is_earlier |= state.look_by(soonest_look(route, now));
                }
            });
            if is_earlier {
                self.keep_deadline(now, plan, new_id, turn);
            }
        }
        moved
    }
}

impl Earlier<'_> {
    pub fn deadlines(self, name: impl FnOnce() -> GroupName) -> Option<(Mono, Option<Suppressed>)> {
        match self {
            Earlier::Nothing => None,
            Earlier::Run { deadlines, .. } => deadlines.get(&name()).map(|deadlines| {
                let suppressed = |until| Suppressed { until, by: [MutedBy::BeforeRestart].into() };
                (deadlines.due, deadlines.suppressed_until.map(suppressed))
            }),
            Earlier::Plan(groups) => groups.get(&name()).map(|group| (group.state.due, None)),
        }
    }

    /// Whether a resolved alert is in this route's group. One that is reported now is. Of earlier
    /// ones those are that the group held, as far as is known: after a restart, those of which an
    /// integration was notified as firing and not yet as resolved.
    pub fn held(self, plan: &Plan, route: &Route, alert: &Alert) -> bool {
        let labels = || route.group_labels(&alert.labels);
        match self {
            Earlier::Nothing => true,
            Earlier::Plan(groups) => groups
                .get(&group::name_of(route, &labels()))
                .is_some_and(|group| group.members.contains(&alert.fingerprint)),
            Earlier::Run { log, .. } => {
                let labels = labels();
                let hash = alert.labels.log_hash();
                let receiver = plan.receiver(&route.receiver);
                let mut integrations = receiver.iter().flat_map(|r| &r.integrations);
                integrations.any(|integration| {
                    let entry = log.find(&group::log_key(route, &labels, integration));
                    entry.is_some_and(|entry| entry.notified.was_notified_firing(hash))
                })
            }
        }
    }
}

/// No group of the route waits longer.
pub(super) fn latest_due(route: &Route, now: Now) -> Mono {
    now.mono.plus(route.timing.group_wait.max(route.timing.group_interval))
}

/// When to look at what a mute suppressed that may end now.
pub(super) fn soonest_look(route: &Route, now: Now) -> Mono {
    now.mono.plus(route.timing.group_wait)
}

/// A restored alert as it is to be believed now.
pub(in crate::engine) fn restored_alert(alert: Alert, ended: bool, now: Now, plan: &Plan) -> Alert {
    let at_least = now.wall.plus(plan.resolve_timeout);
    if ended || alert.ends_at >= at_least {
        return alert;
    }
    // The end is a guess now, and gives way to whatever the sender says next.
    Alert { ends_at: at_least, timed_out: true, ..alert }
}
