//! The inward corridor: a report becomes a member of groups, and ends in a deadline.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{Alert, Fingerprint, Mono, NewAlert, Now};

use super::Engine;
use crate::alerts::{Change, Refusal, Was};
use crate::group::{self, Group, GroupId, GroupState, Withholder};
use crate::inhibit::WatchList;
use crate::plan::Plan;
use crate::record::{GroupName, Record};
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
        for (position, new) in alerts.into_iter().enumerate() {
            match new.ends_at {
                Some(ends_at) if ends_at <= now.wall => resolved += 1,
                _ => firing += 1,
            }
            let name = new.labels.clone();
            match self.alerts.report(new, now.wall, self.plan.resolve_timeout) {
                Ok(change) => self.take_change(now, change, turn),
                Err(Refusal::EndsBeforeStart) => {
                    let message = "start time must be before end time";
                    rejected.push(RejectedAlert { position, message });
                }
                Err(Refusal::TooManyOfName) => {
                    let subject = name.value("alertname").to_owned();
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
        let Change { alert, was, former_end } = change;
        let plan = self.plan.clone();
        let is_source = self.watch_list.update(&plan, former_end, &alert);
        if was == Was::Repeated {
            // It is in all its groups already: a firing alert leaves none.
            return;
        }
        let ended = alert.resolved_at(now.wall);
        if is_source && ended {
            self.look_again_at(now, &Withholder::Source(alert.fingerprint));
        }
        self.join_groups(now, &alert, &BTreeMap::new(), turn);
        turn.keep.push(Record::Alert { alert, ended });
    }

    /// Puts the alert into the group of each of its routes; groups that are new are due as
    /// `known_due` says, or else as new groups are.
    fn join_groups(
        &mut self,
        now: Now,
        alert: &Arc<Alert>,
        known_due: &BTreeMap<GroupName, Mono>,
        turn: &mut Turn,
    ) {
        let plan = self.plan.clone();
        let mut routes = Vec::new();
        plan.routes.matching(&alert.labels, &mut routes);
        for at in routes {
            let route = plan.routes.route(at);
            let id = GroupId { route: at, labels: route.group_fingerprint(&alert.labels) };
            if self.groups.find(id).is_none() {
                let labels = route.group_labels(&alert.labels);
                if self.is_full() {
                    let subject = route.key.clone();
                    turn.notes.push(Note::LimitReached { limit: Limit::Groups, subject });
                    continue;
                }
                let known = known_due.get(&group::name_of(route, &labels)).copied();
                let due = known.unwrap_or_else(|| group::first_due(route, alert, now));
                self.groups.open(id, labels, GroupState::due_at(due));
                self.note_opened(id, turn);
                if known.is_none() {
                    self.keep_deadline(now, id, turn);
                }
            }
            if self.groups.join(id, alert.fingerprint) == Some(true) {
                self.alerts.hold(alert.fingerprint);
            }
        }
    }

    /// Sorts the restored alerts into groups, which keep the deadlines that were on disk.
    pub(super) fn sort_restored(
        &mut self,
        now: Now,
        mut due: BTreeMap<GroupName, Mono>,
        turn: &mut Turn,
    ) {
        self.generation += 1;
        let plan = self.plan.clone();
        let alerts: Vec<Arc<Alert>> = self.alerts.iter().cloned().collect();
        for alert in alerts {
            self.watch_list.update(&plan, None, &alert);
            self.join_groups(now, &alert, &due, turn);
        }
        for (id, group) in self.groups.iter() {
            due.remove(&group.name(plan.routes.route(id.route)));
        }
        turn.keep.extend(due.into_keys().map(Record::GroupGone));
    }

    /// Sorts everything anew under another plan. A group whose route, receiver and labels are the
    /// same keeps its deadline and its open flush, so a reload that changes nothing does nothing.
    pub(super) fn take_plan(&mut self, now: Now, plan: Arc<Plan>, turn: &mut Turn) {
        self.generation += 1;
        let old_plan = std::mem::replace(&mut self.plan, plan.clone());
        let old_groups = self.groups.take_all();
        let mut held: Vec<Fingerprint> =
            old_groups.values().flat_map(|group| group.members.iter().copied()).collect();
        held.sort_unstable();
        held.dedup();
        let mut known_due = BTreeMap::new();
        for (id, group) in &old_groups {
            let name = group.name(old_plan.routes.route(id.route));
            known_due.insert(name, group.state.due);
        }
        self.watch_list = WatchList::new(&plan);
        self.alerts.let_all_go();
        let alerts: Vec<Arc<Alert>> = self.alerts.iter().cloned().collect();
        for alert in alerts {
            self.watch_list.update(&plan, None, &alert);
            // A resolved alert that no group held has been dealt with.
            if !alert.resolved_at(now.wall) || held.binary_search(&alert.fingerprint).is_ok() {
                self.join_groups(now, &alert, &known_due, turn);
            }
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
        for (old_id, old_group) in old_groups {
            let name = old_group.name(old_plan.routes.route(old_id.route));
            let Some(new_id) = new_ids.get(&name).copied() else {
                turn.keep.push(Record::GroupGone(name));
                continue;
            };
            moved.insert(old_id, new_id);
            let timing = self.plan.routes.route(new_id.route).timing;
            let latest = now.mono.plus(timing.group_wait.max(timing.group_interval));
            self.groups.change(new_id, |state| {
                *state = old_group.state;
                state.due = state.due.min(latest);
            });
        }
        for delivery in self.desk.iter_mut() {
            delivery.group = delivery.group.and_then(|old| moved.get(&old).copied());
        }
        moved.len()
    }

    /// Makes the groups due whose news this mute may no longer keep back.
    pub(super) fn look_again_at(&mut self, now: Now, withholder: &Withholder) {
        for id in self.groups.withheld_by(withholder) {
            self.groups.change(id, |state| {
                if let Some(withheld) = &mut state.withheld {
                    withheld.until = now.mono;
                }
            });
        }
    }

    pub(super) fn keep_deadline(&self, now: Now, id: GroupId, turn: &mut Turn) {
        if let Some(group) = self.groups.find(id) {
            turn.keep.push(Record::Group(group.record(self.plan.routes.route(id.route), now)));
        }
    }

    fn note_opened(&self, id: GroupId, turn: &mut Turn) {
        if let Some(group) = self.groups.find(id) {
            let key = group.key(self.plan.routes.route(id.route));
            turn.notes.push(Note::GroupOpened { key, groups: self.groups.count() });
        }
    }

    /// Limit: the number of groups.
    fn is_full(&self) -> bool {
        self.settings.groups_max > 0 && self.groups.count() >= self.settings.groups_max
    }
}

/// A restored alert as it is to be believed now.
pub(super) fn revived(alert: Alert, ended: bool, now: Now, plan: &Plan) -> Alert {
    let at_least = now.wall.plus(plan.resolve_timeout);
    if ended || alert.ends_at >= at_least {
        return alert;
    }
    // The end is a guess now, and gives way to whatever the sender says next.
    Alert { ends_at: at_least, timed_out: true, ..alert }
}
