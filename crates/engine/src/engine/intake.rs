//! From reports to groups: what is true about each alert, and which groups wait with it.
//!
//! In: reports of alerts; a new plan; the end of a flush. Out: records of alerts and groups, and
//! groups that are due. An alert's change goes in a straight line: the alert store merges the
//! report, the inhibition index notes a source, the routing tree names the routes, the group of each
//! takes the alert. What a restart and a new plan do is in `regroup.rs`.
//!
//! It judges nothing and knows neither silences nor deliveries.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bellwether_model::{Alert, Mono, Now};

use crate::alerts::{Alerts, Change, Was};
use crate::deliveries::End;
use crate::group::{self, Group, GroupId, GroupState, Groups, MutedBy, OpenFlush};
use crate::inhibition::Inhibition;
use crate::plan::Plan;
use crate::record::Record;
use crate::settings::EngineSettings;
use crate::turn::{Note, Turn};

pub(super) use regroup::{Deadlines, restored_alert};
use regroup::{Earlier, latest_due};

mod regroup;

#[derive(Debug)]
pub(super) struct Intake {
    pub alerts: Alerts,
    /// Invariant: the sources of the plan's inhibition rules among `alerts`, with their ends.
    pub inhibition: Inhibition,
    /// Invariant: sorted by the plan in force; every member is in `alerts`, which counts for each
    /// alert the groups that hold it.
    pub groups: Groups,
    /// Limit: the number of groups; 0 for none.
    groups_max: usize,
    /// Groups whose flush has ended, and which resolved alerts are still to leave.
    closing: Vec<GroupId>,
    /// Mutes that have ended, as far as groups have not been found that they suppressed.
    ended: VecDeque<EndedMute>,
}

/// A mute that may have ended, and whose groups are to be looked at soon.
#[derive(Debug)]
struct EndedMute {
    /// `None`: any mute.
    mute: Option<MutedBy>,
    /// When it ended.
    at: Mono,
    /// The last group that was looked at for it.
    last: Option<GroupId>,
}

impl Intake {
    pub fn new(plan: &Plan, settings: &EngineSettings) -> Self {
        Intake {
            alerts: Alerts::new(settings.alerts_per_name_max),
            inhibition: Inhibition::new(plan),
            groups: Groups::default(),
            groups_max: settings.groups_max,
            closing: Vec::new(),
            ended: VecDeque::new(),
        }
    }

    /// Passes one change through inhibition and routing into its groups.
    pub fn take_change(&mut self, now: Now, plan: &Plan, change: Change, turn: &mut Turn) {
        let Change { alert, was, late_by } = change;
        self.inhibition.update(plan, &alert, now.wall);
        if was == Was::Repeated {
            // It is in all its groups already: a firing alert leaves none. But one that the
            // limit of groups kept out may find a place now.
            if self.groups_max > 0 && !alert.resolved_at(now.wall) {
                self.join_groups(now, plan, &alert, Earlier::Nothing, turn);
            }
            return;
        }
        if was == Was::EndConfirmed {
            // Its groups have it, or have notified its end; but a restart would let it fire again.
            turn.keep.push(Record::Alert { alert, ended: true });
            return;
        }
        if let Some(by) = late_by {
            let alertname = alert.name().to_owned();
            let is_logged = self.alerts.logs_late_clock(now.wall);
            turn.notes.push(Note::SenderClockLate { alertname, by, is_logged });
        }
        let ended = alert.resolved_at(now.wall);
        self.join_groups(now, plan, &alert, Earlier::Nothing, turn);
        turn.keep.push(Record::Alert { alert, ended });
    }

    /// Looks soon at the groups whose alerts this silence may no longer suppress.
    pub fn reconsider_silenced_by(&mut self, now: Now, plan: &Plan, id: Arc<str>, turn: &mut Turn) {
        self.reconsider(now, plan, Some(MutedBy::Silence(id)), turn);
    }

    /// Looks soon at the groups that this mute has suppressed. If there are many groups, most of them
    /// are found by the next calls of [`Intake::find_unmuted`].
    fn reconsider(&mut self, now: Now, plan: &Plan, mute: Option<MutedBy>, turn: &mut Turn) {
        self.ended.push_back(EndedMute { mute, at: now.mono, last: None });
        if self.groups.count() <= PASSED_PER_TURN {
            self.find_unmuted(now, plan, PASSED_PER_TURN, turn);
        }
    }

    /// Whether [`Intake::find_unmuted`] is wanted at once.
    pub fn has_ended_mutes(&self) -> bool {
        !self.ended.is_empty()
    }

    /// Passes some groups, `max` for each mute that has ended, and looks soon at those that it has
    /// suppressed.
    pub fn find_unmuted(&mut self, now: Now, plan: &Plan, max: usize, turn: &mut Turn) {
        let Some(mut ended) = self.ended.pop_front() else { return };
        let mut passed = 0;
        let next = self.groups.after(ended.last).take(max).inspect(|(id, _)| {
            passed += 1;
            ended.last = Some(*id);
        });
        let suppressed =
            next.filter(|(_, group)| group.state.is_suppressed_by(ended.mute.as_ref()));
        let unmuted: Vec<GroupId> = suppressed.map(|(id, _)| id).collect();
        for id in unmuted {
            let at = ended.at.plus(plan.routes.route(id.route).timing.group_wait);
            let mut is_earlier = false;
            self.groups.change(id, |state| is_earlier = state.look_by(at));
            if is_earlier {
                self.keep_deadline(now, plan, id, turn);
            }
        }
        if passed == max {
            self.ended.push_front(ended);
        }
    }

    /// Notes that what was suppressed still is, without a flush.
    pub fn stay_suppressed(
        &mut self,
        now: Now,
        plan: &Plan,
        id: GroupId,
        suppressed: group::Suppressed,
        turn: &mut Turn,
    ) {
        self.groups.change(id, |state| state.suppressed = Some(suppressed));
        self.keep_deadline(now, plan, id, turn);
    }

    /// Begins a group's flush, and sets when the group is due again.
    pub fn open_flush(
        &mut self,
        now: Now,
        id: GroupId,
        interval: Duration,
        suppressed: Option<group::Suppressed>,
        open: OpenFlush,
    ) {
        self.groups.change(id, |state| {
            state.due = group::next_flush(state.due, interval, now.mono);
            state.suppressed = suppressed;
            state.open = Some(open);
        });
    }

    /// One delivery of a group's flush has ended.
    pub fn finish_delivery(
        &mut self,
        now: Now,
        plan: &Plan,
        id: GroupId,
        end: End,
        turn: &mut Turn,
    ) {
        let mut finished = false;
        self.groups.change(id, |state| {
            if let Some(open) = &mut state.open {
                open.deliveries -= 1;
                open.failed |= end == End::Failed;
                finished = open.deliveries == 0;
            }
        });
        if finished {
            self.close_flush(now, plan, id, turn);
        }
    }

    /// The group of which alerts are still to leave.
    pub fn closing(&self) -> Option<GroupId> {
        self.closing.last().copied()
    }

    /// All deliveries of a flush have ended: resolved alerts that were notified, and have not changed
    /// since, leave; a group that is empty then is closed. If many are to leave, the rest leaves with
    /// the next calls for [`Intake::closing`]. Returns how many alerts were looked at.
    pub fn close_flush(&mut self, now: Now, plan: &Plan, id: GroupId, turn: &mut Turn) -> usize {
        self.closing.retain(|closing| *closing != id);
        let mut flush = None;
        self.groups.change(id, |state| flush = state.open.take());
        let Some(mut flush) = flush else { return 0 };
        let count = flush.resolved.len().min(LEAVE_PER_TURN);
        let leaving = flush.resolved.split_off(flush.resolved.len() - count);
        if !flush.failed {
            for (member, updated_at) in leaving {
                let unchanged = self
                    .alerts
                    .find(member)
                    .is_none_or(|a| a.updated_at == updated_at && a.resolved_at(now.wall));
                if unchanged && self.groups.leave(id, member) {
                    self.alerts.remove_holder(member);
                }
            }
            if !flush.resolved.is_empty() {
                self.groups.change(id, |state| state.open = Some(flush));
                self.closing.push(id);
                return count;
            }
        }
        if self.groups.find(id).is_some_and(|group| !group.members.is_empty()) {
            // Only now: a crash during the flush must not put off what it had to notify.
            self.keep_deadline(now, plan, id, turn);
        } else if let Some(group) = self.groups.close(id) {
            let route = plan.routes.route(id.route);
            turn.keep.push(Record::GroupGone(group.name(route)));
            let key = group.key(route);
            turn.notes.push(Note::GroupClosed { key, groups: self.groups.count() });
        }
        count
    }

    /// Removes resolved alerts that no group holds, `max` or a few more, and returns them. Sources stay
    /// as long as an inhibition by them may last.
    pub fn remove_resolved(
        &mut self,
        now: Now,
        plan: &Plan,
        max: usize,
        turn: &mut Turn,
    ) -> Vec<Arc<Alert>> {
        let waits = plan.routes.iter().map(|route| route.timing.group_wait);
        let since = now.wall.minus(waits.max().unwrap_or_default());
        let inhibition = &self.inhibition;
        let gone = self.alerts.collect(now.wall, max, |it| inhibition.fired_after(since, it));
        for alert in &gone {
            self.inhibition.remove(plan, alert);
            turn.keep.push(Record::AlertGone(alert.fingerprint));
        }
        gone
    }

    /// Puts the alert into the group of each of its routes; a group that is not there yet
    /// takes over its deadline from an earlier one of the same name, or else is due as a new group.
    fn join_groups(
        &mut self,
        now: Now,
        plan: &Plan,
        alert: &Arc<Alert>,
        earlier: Earlier<'_>,
        turn: &mut Turn,
    ) {
        let mut routes = Vec::new();
        plan.routes.matching(&alert.labels, &mut routes);
        for at in routes {
            let route = plan.routes.route(at);
            let id = GroupId { route: at, labels: route.group_fingerprint(&alert.labels) };
            if alert.resolved_at(now.wall) && !earlier.held(plan, route, alert) {
                continue;
            }
            let is_new = match self.groups.join(id, alert.fingerprint) {
                Some(is_new) => is_new,
                None => self.open_group(now, plan, id, alert, earlier, turn),
            };
            if is_new {
                self.alerts.add_holder(alert.fingerprint);
            }
        }
    }

    /// Opens a group with its first alert; returns whether the limit allowed it.
    fn open_group(
        &mut self,
        now: Now,
        plan: &Plan,
        id: GroupId,
        alert: &Alert,
        earlier: Earlier<'_>,
        turn: &mut Turn,
    ) -> bool {
        let route = plan.routes.route(id.route);
        if self.is_full() {
            turn.notes.push(Note::GroupLimitReached {
                route: route.key.clone(),
                alertname: alert.name().to_owned(),
                groups: self.groups.count(),
                limit: self.groups_max,
            });
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

    fn keep_deadline(&self, now: Now, plan: &Plan, id: GroupId, turn: &mut Turn) {
        if let Some(group) = self.groups.find(id) {
            turn.keep.push(Record::Group(group.record(plan.routes.route(id.route), now)));
        }
    }

    fn is_full(&self) -> bool {
        self.groups_max > 0 && self.groups.count() >= self.groups_max
    }
}

/// Limit: groups that one turn looks for after the end of a mute; about a millisecond's work.
pub(super) const PASSED_PER_TURN: usize = 512;

/// Limit: alerts that leave a group in one turn; about a millisecond's work.
const LEAVE_PER_TURN: usize = 512;
