//! Groups: which group does an alert belong to, and when is that group due?
//!
//! In: a route and an alert that it wants. Out: groups that are due. A group is the alerts that
//! share a route and the labels it groups by. It is first due after `group_wait` (at once if its
//! first alert is older than that), then every `group_interval`; a group with a change that a
//! mute suppresses is looked at earlier if the mute may have ended.
//!
//! All deadlines stand in one ordered set. It sends nothing and judges nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use bellwether_model::{Alert, Fingerprint, GroupKey, LabelSet, Mono, Now, Timestamp};

use crate::plan::Integration;
use crate::record::{GroupName, GroupRecord};
use crate::replicated::LogKey;
use crate::route::{Route, RouteIndex};

/// Names a group as long as the plan stays the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct GroupId {
    pub route: RouteIndex,
    pub labels: Fingerprint,
}

#[derive(Debug)]
pub(crate) struct Group {
    pub labels: LabelSet,
    pub members: BTreeSet<Fingerprint>,
    pub state: GroupState,
}

/// What outlives a new plan and, but for the open flush, a restart.
#[derive(Debug)]
pub(crate) struct GroupState {
    pub due: Mono,
    pub suppressed: Option<Suppressed>,
    /// Invariant: at most one flush is open, and a group with an open flush is not flushed.
    pub open: Option<OpenFlush>,
}

/// News that only a mute keeps back.
#[derive(Clone, Debug)]
pub(crate) struct Suppressed {
    /// When to look whether the mute has ended, if that is before the group is due.
    pub until: Mono,
    pub by: BTreeSet<MutedBy>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum MutedBy {
    Silence(Arc<str>),
    Source(Fingerprint),
    Interval,
    /// By what is not known: the group was restored from disk.
    BeforeRestart,
}

/// A flush whose deliveries have not all finished.
#[derive(Debug)]
pub(crate) struct OpenFlush {
    pub deliveries: usize,
    pub failed: bool,
    /// Resolved alerts of the batch, with their state then: they may leave if nothing changed.
    pub resolved: Vec<(Fingerprint, Timestamp)>,
}

#[derive(Debug, Default)]
pub(crate) struct Groups {
    table: BTreeMap<GroupId, Group>,
    /// Invariant: one entry for each group without an open flush, at [`GroupState::next`].
    deadlines: BTreeSet<(Mono, GroupId)>,
}

impl Groups {
    pub fn count(&self) -> usize {
        self.table.len()
    }

    pub fn find(&self, id: GroupId) -> Option<&Group> {
        self.table.get(&id)
    }

    pub fn iter(&self) -> impl Iterator<Item = (GroupId, &Group)> {
        self.table.iter().map(|(id, group)| (*id, group))
    }

    pub fn open(&mut self, id: GroupId, group: Group) {
        if group.state.open.is_none() {
            self.deadlines.insert((group.state.next(), id));
        }
        self.table.insert(id, group);
    }

    /// Returns whether the alert was not in the group yet; `None` if there is no such group.
    pub fn join(&mut self, id: GroupId, alert: Fingerprint) -> Option<bool> {
        self.table.get_mut(&id).map(|group| group.members.insert(alert))
    }

    pub fn leave(&mut self, id: GroupId, alert: Fingerprint) -> bool {
        self.table.get_mut(&id).is_some_and(|group| group.members.remove(&alert))
    }

    /// Changes a group's state and keeps its deadline in step.
    pub fn change(&mut self, id: GroupId, change: impl FnOnce(&mut GroupState)) {
        let Some(group) = self.table.get_mut(&id) else { return };
        self.deadlines.remove(&(group.state.next(), id));
        change(&mut group.state);
        if group.state.open.is_none() {
            self.deadlines.insert((group.state.next(), id));
        }
    }

    pub fn close(&mut self, id: GroupId) -> Option<Group> {
        let group = self.table.remove(&id)?;
        self.deadlines.remove(&(group.state.next(), id));
        Some(group)
    }

    /// Removes all groups, for a new plan.
    pub fn take_all(&mut self) -> BTreeMap<GroupId, Group> {
        self.deadlines.clear();
        std::mem::take(&mut self.table)
    }

    pub fn next_deadline(&self) -> Option<Mono> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    pub fn next_due(&self, now: Mono) -> Option<GroupId> {
        self.deadlines.first().filter(|(at, _)| *at <= now).map(|(_, id)| *id)
    }

    /// The groups after `after`.
    pub fn after(&self, after: Option<GroupId>) -> impl Iterator<Item = (GroupId, &Group)> {
        let begin = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.table.range((begin, Bound::Unbounded)).map(|(id, group)| (*id, group))
    }
}

impl GroupState {
    /// Whether there is a change that this mute suppresses, or any mute.
    pub fn is_suppressed_by(&self, muted_by: Option<&MutedBy>) -> bool {
        let by_this =
            |by: &BTreeSet<MutedBy>| muted_by.is_none_or(|muted_by| by.contains(muted_by));
        self.suppressed.as_ref().is_some_and(|suppressed| by_this(&suppressed.by))
    }

    fn next(&self) -> Mono {
        self.suppressed.as_ref().map_or(self.due, |suppressed| self.due.min(suppressed.until))
    }

    /// Looks at suppressed alerts no later than at `at`; returns whether that is earlier.
    pub fn look_by(&mut self, at: Mono) -> bool {
        let until = self.suppressed.as_mut().map(|suppressed| &mut suppressed.until);
        let later = until.filter(|until| **until > at);
        later.map(|until| *until = at).is_some()
    }
}

impl Group {
    /// The key that receivers see.
    pub fn key(&self, route: &Route) -> GroupKey {
        GroupKey::new(&route.key, &self.labels)
    }

    pub fn log_key(&self, route: &Route, integration: &Integration) -> LogKey {
        log_key(route, &self.labels, integration)
    }

    pub fn record(&self, route: &Route, now: Now) -> GroupRecord {
        GroupRecord {
            name: self.name(route),
            due: now.wall_at(self.state.due),
            suppressed_until: self.state.suppressed.as_ref().map(|it| now.wall_at(it.until)),
        }
    }

    pub fn name(&self, route: &Route) -> GroupName {
        name_of(route, &self.labels)
    }
}

pub(crate) fn log_key(route: &Route, labels: &LabelSet, integration: &Integration) -> LogKey {
    LogKey { group: GroupKey::new(&route.identity, labels), integration: integration.id.clone() }
}

pub(crate) fn name_of(route: &Route, labels: &LabelSet) -> GroupName {
    GroupName {
        route: route.identity.clone(),
        receiver: route.receiver.to_string(),
        labels: labels.packed().to_owned(),
    }
}

/// When a new group is due whose first alert is this one.
pub(crate) fn first_due(route: &Route, alert: &Alert, now: Now) -> Mono {
    let wait = route.timing.group_wait;
    if alert.starts_at.plus(wait) < now.wall { now.mono } else { now.mono.plus(wait) }
}

/// When a group is due again that was due at `due`: the next multiple of `interval` after that, in
/// the future of `now`.
pub(crate) fn next_flush(due: Mono, interval: Duration, now: Mono) -> Mono {
    let next = due.plus(interval);
    // A flush that came early, or much too late, starts a new rhythm.
    if due > now || next <= now { now.plus(interval) } else { next }
}

#[cfg(test)]
mod tests;
