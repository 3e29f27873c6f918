//! The inward corridor: a report becomes a member of groups, and ends in a deadline.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_model::{Alert, Mono, NewAlert, Now};

use super::Engine;
use crate::alerts::{Change, PREFETCH_BATCH, Refusal, Was};
use crate::group::{self, Group, GroupId, GroupState, MutedBy, Suppressed};
use crate::inhibition::InhibitionIndex;
use crate::plan::Plan;
use crate::record::{GroupName, Record};
use crate::route::Route;
use crate::turn::{Answer, Limit, Note, RejectedAlert, Ticket, Turn};

impl Engine {
    pub(super) fn take_alerts(
        &mut self,
        now: Now,
        alerts: Vec<NewAlert>,
        refused: usize,
        ticket: Ticket,
        turn: &mut Turn,
    ) {
        let (mut firing, mut resolved) = (refused, 0);
        let mut rejected = Vec::new();
        let mut reports = alerts.into_iter();
        for position in 0.. {
            if position % PREFETCH_BATCH == 0 {
                self.alerts.prefetch(reports.as_slice());
            }
            let Some(new) = reports.next() else { break };
            match new.ends_at {
                Some(ends_at) if ends_at <= now.wall => resolved += 1,
                _ => firing += 1,
            }
            match self.alerts.report(new, now.wall, self.plan.resolve_timeout) {
                Ok(change) => self.take_change(now, change, turn),
                Err(Refusal::EndsBeforeStart) => {
                    let message = "start time must be before end time";
                    rejected.push(RejectedAlert { position, message });
                }
                Err(Refusal::TooManyOfName { name: subject }) => {
                    turn.notes.push(Note::LimitReached { limit: Limit::AlertsPerName, subject });
                }
            }
        }
        let invalid = refused + rejected.len();
        turn.notes.push(Note::AlertsReceived { firing, resolved, invalid });
        turn.reply(ticket, Answer::Alerts { rejected });
    }

    /// Carries one change from the register past the watch list and the signpost into its groups.
    fn take_change(&mut self, now: Now, change: Change, turn: &mut Turn) {
        let Change { alert, was, former_end, late_by } = change;
        let plan = self.plan.clone();
        let is_source = self.inhibition_index.update(&plan, former_end, &alert);
        if was == Was::New {
            self.cover_alert(&alert);
        }
        if was == Was::Repeated {
            // It is in all its groups already: a firing alert leaves none. But one for which there
            // was no room may have room now.
            if self.settings.groups_max > 0 && !alert.resolved_at(now.wall) {
                self.join_groups(now, &alert, Earlier::Nothing, turn);
            }
            return;
        }
        if let Some(by) = late_by {
            let alertname = alert.name().to_owned();
            turn.notes.push(Note::SenderClockLate { alertname, by });
        }
        let ended = alert.resolved_at(now.wall);
        if is_source && ended {
            self.reconsider_muted_by(now, &MutedBy::Source(alert.fingerprint));
        }
        self.join_groups(now, &alert, Earlier::Nothing, turn);
        turn.keep.push(Record::Alert { alert, ended });
    }

    /// Puts the alert into the group of each of its routes; groups that are not there yet take
    /// over their deadlines from earlier ones of the same names, or else are due as new groups.
    fn join_groups(&mut self, now: Now, alert: &Arc<Alert>, earlier: Earlier<'_>, turn: &mut Turn) {
        let plan = self.plan.clone();
        let mut routes = Vec::new();
        plan.routes.matching(&alert.labels, &mut routes);
        for at in routes {
            let route = plan.routes.route(at);
            let id = GroupId { route: at, labels: route.group_fingerprint(&alert.labels) };
            if alert.resolved_at(now.wall) && !self.belongs_still(route, alert, earlier) {
                continue;
            }
            let is_new = match self.groups.join(id, alert.fingerprint) {
                Some(is_new) => is_new,
                None => self.open_group(now, id, alert, earlier, turn),
            };
            if is_new {
                self.alerts.add_holder(alert.fingerprint);
            }
        }
    }

    /// Opens a group with its first alert; returns whether there was room.
    fn open_group(
        &mut self,
        now: Now,
        id: GroupId,
        alert: &Alert,
        earlier: Earlier<'_>,
        turn: &mut Turn,
    ) -> bool {
        let route = self.plan.routes.route(id.route);
        if self.is_full() {
            let subject = route.key.clone();
            turn.notes.push(Note::LimitReached { limit: Limit::Groups, subject });
            return false;
        }
        let labels = route.group_labels(&alert.labels);
        let known = earlier.deadlines(|| group::name_of(route, &labels));
        let is_known = known.is_some();
        let (due, suppressed) = match known {
            Some((due, suppressed)) => (due.min(latest_due(route, now)), suppressed),
            None => (group::first_due(route, alert, now), None),
        };
        let state = GroupState { due, suppressed, open: None };
        let group = Group { labels, members: [alert.fingerprint].into(), state };
        if !is_known {
            let groups = self.groups.count() + 1;
            turn.notes.push(Note::GroupOpened { key: group.key(route), groups });
            turn.keep.push(Record::Group(group.record(route, now)));
        }
        self.groups.open(id, group);
        true
    }

    /// Whether a resolved alert is in this route's group. One that is reported now is. Of earlier
    /// ones those are that the group held, as far as is known: after a restart, those that somebody
    /// was told of as firing and not yet as resolved.
    fn belongs_still(&self, route: &Route, alert: &Alert, earlier: Earlier<'_>) -> bool {
        let labels = || route.group_labels(&alert.labels);
        match earlier {
            Earlier::Nothing => true,
            Earlier::Plan(groups) => groups
                .get(&group::name_of(route, &labels()))
                .is_some_and(|group| group.members.contains(&alert.fingerprint)),
            Earlier::Run(_) => {
                let labels = labels();
                let hash = alert.labels.log_hash();
                let receiver = self.plan.receiver(&route.receiver);
                let mut integrations = receiver.iter().flat_map(|r| &r.integrations);
                integrations.any(|integration| {
                    let entry =
                        self.notification_log.find(&group::ledger_key(route, &labels, integration));
                    entry.is_some_and(|entry| entry.notified.was_notified_firing(hash))
                })
            }
        }
    }

    /// Sorts the restored alerts into groups, which keep the deadlines that were on disk.
    pub(super) fn sort_restored(
        &mut self,
        now: Now,
        mut known: BTreeMap<GroupName, Deadlines>,
        turn: &mut Turn,
    ) {
        self.generation += 1;
        let plan = self.plan.clone();
        let alerts: Vec<Arc<Alert>> = self.alerts.iter().cloned().collect();
        for alert in alerts {
            self.inhibition_index.update(&plan, None, &alert);
            self.join_groups(now, &alert, Earlier::Run(&known), turn);
        }
        let mut suppressed = Vec::new();
        for (id, group) in self.groups.iter() {
            known.remove(&group.name(plan.routes.route(id.route)));
            if group.state.suppressed.is_some() {
                suppressed.push(id);
            }
        }
        turn.keep.extend(known.into_keys().map(Record::GroupGone));
        for id in suppressed {
            self.restore_suppression(now, id);
        }
    }

    /// Finds out anew what keeps a group's news back; it is looked at no later than it was to be.
    fn restore_suppression(&mut self, now: Now, id: GroupId) {
        let found = self.judge_group(now, id).and_then(|(group, judged)| {
            self.suppressed(now, self.plan.routes.route(id.route), group, &judged)
        });
        self.groups.change(id, |state| {
            if let (Some(suppressed), Some(found)) = (&mut state.suppressed, found) {
                suppressed.until = suppressed.until.min(found.until);
                suppressed.by = found.by;
            }
        });
    }

    /// Sorts everything anew under another plan. A group whose route, receiver and labels are the
    /// same keeps its deadline and its open flush, so a reload that changes nothing does nothing.
    pub(super) fn take_plan(&mut self, now: Now, plan: Arc<Plan>, turn: &mut Turn) {
        self.generation += 1;
        let old_plan = std::mem::replace(&mut self.plan, plan.clone());
        let old_groups = self.groups.take_all();
        let old_by_name: BTreeMap<GroupName, &Group> = old_groups
            .iter()
            .map(|(id, group)| (group.name(old_plan.routes.route(id.route)), group))
            .collect();
        self.inhibition_index = InhibitionIndex::new(&plan);
        self.alerts.clear_holders();
        let alerts: Vec<Arc<Alert>> = self.alerts.iter().cloned().collect();
        for alert in alerts {
            self.inhibition_index.update(&plan, None, &alert);
            self.join_groups(now, &alert, Earlier::Plan(&old_by_name), turn);
        }
        let kept = self.hand_over(now, &old_plan, old_groups, turn);
        turn.notes.push(Note::PlanApplied { groups: self.groups.count(), kept });
    }

    /// Gives the state of the old groups to the new ones of the same names; returns how many.
    fn hand_over(
        &mut self,
        now: Now,
        old_plan: &Plan,
        old_groups: BTreeMap<GroupId, Group>,
        turn: &mut Turn,
    ) -> usize {
        let mut new_ids = BTreeMap::new();
        for (id, group) in self.groups.iter() {
            new_ids.insert(group.name(self.plan.routes.route(id.route)), id);
        }
        let mut moved = BTreeMap::new();
        let same_mutes = self.plan.mutes_like(old_plan);
        for (old_id, old_group) in old_groups {
            let old_route = old_plan.routes.route(old_id.route);
            let name = old_group.name(old_route);
            let Some(new_id) = new_ids.get(&name).copied() else {
                turn.keep.push(Record::GroupGone(name));
                continue;
            };
            moved.insert(old_id, new_id);
            let route = self.plan.routes.route(new_id.route);
            let latest = latest_due(route, now);
            let is_late = old_group.state.due > latest;
            let may_be_unmuted = !same_mutes || !route.intervals_like(old_route);
            self.groups.change(new_id, |state| {
                *state = old_group.state;
                state.due = state.due.min(latest);
                if may_be_unmuted && let Some(suppressed) = &mut state.suppressed {
                    suppressed.until = now.mono;
                }
            });
            if is_late {
                self.keep_deadline(now, new_id, turn);
            }
        }
        for delivery in self.deliveries.iter_mut() {
            delivery.group = delivery.group.and_then(|old| moved.get(&old).copied());
        }
        moved.len()
    }

    /// Makes the groups due whose news this mute may no longer keep back.
    pub(super) fn reconsider_muted_by(&mut self, now: Now, muted_by: &MutedBy) {
        for id in self.groups.suppressed_by(muted_by) {
            self.groups.change(id, |state| {
                if let Some(suppressed) = &mut state.suppressed {
                    suppressed.until = now.mono;
                }
            });
        }
    }

    pub(super) fn keep_deadline(&self, now: Now, id: GroupId, turn: &mut Turn) {
        if let Some(group) = self.groups.find(id) {
            turn.keep.push(Record::Group(group.record(self.plan.routes.route(id.route), now)));
        }
    }

    /// Limit: the number of groups.
    fn is_full(&self) -> bool {
        self.settings.groups_max > 0 && self.groups.count() >= self.settings.groups_max
    }
}

/// What is known about groups from before.
#[derive(Clone, Copy)]
enum Earlier<'a> {
    Nothing,
    /// What an earlier run of the program kept.
    Run(&'a BTreeMap<GroupName, Deadlines>),
    /// The groups of the plan that is replaced.
    Plan(&'a BTreeMap<GroupName, &'a Group>),
}

/// When a group is due, and when its withheld news may be told.
#[derive(Clone, Copy)]
pub(super) struct Deadlines {
    pub due: Mono,
    pub suppressed_until: Option<Mono>,
}

impl Earlier<'_> {
    fn deadlines(self, name: impl FnOnce() -> GroupName) -> Option<(Mono, Option<Suppressed>)> {
        match self {
            Earlier::Nothing => None,
            Earlier::Run(known) => known.get(&name()).map(|deadlines| {
                let suppressed = |until| Suppressed { until, by: BTreeSet::new() };
                (deadlines.due, deadlines.suppressed_until.map(suppressed))
            }),
            Earlier::Plan(groups) => groups.get(&name()).map(|group| (group.state.due, None)),
        }
    }
}

/// No group of the route waits longer.
fn latest_due(route: &Route, now: Now) -> Mono {
    now.mono.plus(route.timing.group_wait.max(route.timing.group_interval))
}

/// A restored alert as it is to be believed now.
pub(super) fn restored_alert(alert: Alert, ended: bool, now: Now, plan: &Plan) -> Alert {
    let at_least = now.wall.plus(plan.resolve_timeout);
    if ended || alert.ends_at >= at_least {
        return alert;
    }
    // The end is a guess now, and gives way to whatever the sender says next.
    Alert { ends_at: at_least, timed_out: true, ..alert }
}
