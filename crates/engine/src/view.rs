//! What readers see: the engine's memory at one instant, shared and immutable.
//!
//! In: a query and an instant. Out: alerts, groups and silences with the status that they have
//! then, judged by the same rules as in a flush. Nothing is written by reading.
//!
//! Groups are not copied for readers: they follow from the alerts and the plan, so they are formed
//! for each query.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::regex::Pattern;
use bellwether_model::{
    Alert, Fingerprint, GroupKey, LabelSet, Matcher, Op, Silence, SilenceState, Timestamp,
};

use crate::alerts::{LabelBits, Snapshot, prefetch, prefetched};
use crate::flush::sort_as_shown;
use crate::inhibition::InhibitionIndex;
use crate::mute::{MuteContext, Verdict};
use crate::peers::PeerView;
use crate::plan::{Plan, Receiver};
use crate::route::{Route, RouteIndex};
use crate::silence_index::SilenceIndex;
use crate::silence_programs::NotInForce;
use crate::silences::Silences;

/// The memory at one instant.
#[derive(Clone, Debug)]
pub struct View {
    plan: Arc<Plan>,
    alerts: Snapshot,
    inhibition_index: InhibitionIndex,
    silences: Arc<Silences>,
    silence_index: Arc<SilenceIndex>,
    group_count: usize,
    peers: Vec<PeerView>,
}

/// Which alerts a reader wants: those for which everything here holds.
#[derive(Clone, Debug)]
pub struct AlertQuery {
    pub filters: Vec<Matcher>,
    /// Whether alerts that are not suppressed are wanted.
    pub active: bool,
    pub silenced: bool,
    pub inhibited: bool,
    pub receivers: ReceiverFilter,
}

/// Which groups, and which of their alerts.
#[derive(Clone, Debug)]
pub struct GroupQuery {
    pub alerts: AlertQuery,
    /// Whether groups that time intervals mute are wanted.
    pub muted: bool,
}

/// Which receivers: one for which all of this holds.
#[derive(Clone, Debug, Default)]
pub struct ReceiverFilter {
    pub name: Option<Pattern>,
    pub labels: Vec<Matcher>,
}

#[derive(Debug)]
pub struct ListedAlert<'a> {
    pub alert: &'a Arc<Alert>,
    pub status: &'a Status,
    /// Of each route that the alert takes, in route order; a name may stand there twice.
    pub receivers: &'a [Arc<str>],
}

/// What suppresses an alert; empty if nothing does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    pub silenced_by: Vec<Arc<str>>,
    pub inhibited_by: Option<Fingerprint>,
    /// Names of time intervals; only known for an alert as a member of a group.
    pub muted_by: Vec<Arc<str>>,
}

#[derive(Debug)]
pub struct ListedGroup {
    pub key: GroupKey,
    pub labels: LabelSet,
    pub receiver: Arc<str>,
    pub route_labels: LabelSet,
    pub alerts: Vec<GroupedAlert>,
}

#[derive(Debug)]
pub struct GroupedAlert {
    pub alert: Arc<Alert>,
    pub status: Status,
    /// Of all groups of the query that hold the alert; sorted and unique.
    pub receivers: Vec<Arc<str>>,
}

/// How many alerts are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlertCounts {
    pub active: usize,
    pub suppressed: usize,
}

impl View {
    pub(crate) fn new(
        plan: Arc<Plan>,
        alerts: Snapshot,
        inhibition_index: InhibitionIndex,
        silences: Arc<Silences>,
        silence_index: Arc<SilenceIndex>,
        group_count: usize,
        peers: Vec<PeerView>,
    ) -> Self {
        View { plan, alerts, inhibition_index, silences, silence_index, group_count, peers }
    }

    /// Calls `each` for every alert that is not resolved at `now` and fits the query, in ascending
    /// order of fingerprints.
    pub fn each_alert(
        &self,
        now: Timestamp,
        query: &AlertQuery,
        mut each: impl FnMut(ListedAlert<'_>),
    ) {
        let mut judge = Judge::new(self, now);
        let mut routes = Vec::new();
        let mut receivers = Vec::new();
        let candidates = self.alerts.candidates(LabelBits::required(&query.filters));
        for alert in prefetched(candidates) {
            if alert.ends_at < now || !query.fits(&alert.labels) {
                continue;
            }
            self.plan.routes.matching(&alert.labels, &mut routes);
            if !routes.iter().any(|at| query.receivers.fits(&self.plan, *at)) {
                continue;
            }
            let status = judge.status(alert);
            if query.fits_status(status) {
                receivers.clear();
                receivers
                    .extend(routes.iter().map(|at| self.plan.routes.route(*at).receiver.clone()));
                each(ListedAlert { alert, status, receivers: &receivers });
            }
        }
    }

    /// The groups that have an alert which fits, by labels, then receiver; their alerts by `job`,
    /// `instance`, then labels.
    pub fn groups(
        &self,
        now: Timestamp,
        query: &GroupQuery,
    ) -> impl Iterator<Item = ListedGroup> + use<'_> {
        let mut formed: BTreeMap<(RouteIndex, Fingerprint), FormedGroup<'_>> = BTreeMap::new();
        let mut judge = Judge::new(self, now);
        let mut routes = Vec::new();
        let candidates = self.alerts.candidates(LabelBits::required(&query.alerts.filters));
        for alert in prefetched(candidates) {
            if alert.ends_at < now || !query.alerts.fits(&alert.labels) {
                continue;
            }
            self.plan.routes.matching(&alert.labels, &mut routes);
            routes.retain(|at| query.alerts.receivers.fits(&self.plan, *at));
            let mut receivers: Vec<Arc<str>> =
                routes.iter().map(|at| self.plan.routes.route(*at).receiver.clone()).collect();
            receivers.sort();
            receivers.dedup();
            for at in &routes {
                let muted_by = judge.muted_by(*at);
                if !query.muted && !muted_by.is_empty() {
                    continue;
                }
                let status = Status { muted_by, ..judge.status(alert).clone() };
                if query.alerts.fits_status(&status) {
                    let route = self.plan.routes.route(*at);
                    let group = formed
                        .entry((*at, route.group_fingerprint(&alert.labels)))
                        .or_insert_with(|| FormedGroup {
                            route,
                            labels: route.group_labels(&alert.labels),
                            alerts: Vec::new(),
                        });
                    let receivers = receivers.clone();
                    group.alerts.push(GroupedAlert { alert: alert.clone(), status, receivers });
                }
            }
        }
        let mut groups: Vec<FormedGroup<'_>> = formed.into_values().collect();
        groups.sort_by(|a, b| {
            a.labels.order(&b.labels).then_with(|| a.route.receiver.cmp(&b.route.receiver))
        });
        groups.into_iter().map(FormedGroup::listed)
    }

    /// In the order of their ids.
    pub fn silences(&self) -> impl Iterator<Item = &Arc<Silence>> {
        self.silences.iter()
    }

    /// Whether a silence holds at `now`, by this view's clocks.
    pub fn silence_state(&self, silence: &Silence, now: Timestamp) -> SilenceState {
        self.silences.state_of(silence, now)
    }

    /// Why a silence that has not ended mutes nothing; `None` if it does.
    pub fn not_in_force(&self, id: &str) -> Option<NotInForce> {
        self.silences.not_in_force(id)
    }

    /// How many silences that have not ended mute nothing.
    pub fn silences_not_in_force(&self) -> usize {
        self.silences.count_not_in_force()
    }

    pub fn silence(&self, id: &str) -> Option<&Arc<Silence>> {
        self.silences.find(id)
    }

    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The other members of the cluster.
    pub fn peers(&self) -> &[PeerView] {
        &self.peers
    }

    pub fn group_count(&self) -> usize {
        self.group_count
    }

    /// Of the alerts that are not resolved.
    pub fn alert_counts(&self, now: Timestamp) -> AlertCounts {
        let mut judge = Judge::new(self, now);
        let mut counts = AlertCounts::default();
        for alert in self.alerts.candidates(LabelBits::default()) {
            if alert.ends_at < now {
                continue;
            }
            if judge.status(alert).is_suppressed() {
                counts.suppressed += 1;
            } else {
                counts.active += 1;
            }
        }
        counts
    }
}

/// A group while its alerts come together.
struct FormedGroup<'a> {
    route: &'a Route,
    labels: LabelSet,
    alerts: Vec<GroupedAlert>,
}

impl FormedGroup<'_> {
    fn listed(self) -> ListedGroup {
        let FormedGroup { route, labels, mut alerts } = self;
        prefetch(alerts.iter().map(|grouped| &grouped.alert));
        sort_as_shown(&mut alerts, |grouped| &grouped.alert);
        ListedGroup {
            key: GroupKey::new(&route.key, &labels),
            labels,
            receiver: route.receiver.clone(),
            route_labels: route.labels.clone(),
            alerts,
        }
    }
}

/// Judges many alerts at one instant, and remembers what is the same for all of a route.
struct Judge<'a> {
    view: &'a View,
    now: Timestamp,
    status: Status,
    muted_by: BTreeMap<RouteIndex, Vec<Arc<str>>>,
}

impl<'a> Judge<'a> {
    fn new(view: &'a View, now: Timestamp) -> Self {
        Judge { view, now, status: Status::default(), muted_by: BTreeMap::new() }
    }

    fn mute_context(&self) -> MuteContext<'a> {
        let View { plan, inhibition_index, silences, silence_index, .. } = self.view;
        MuteContext { plan, inhibition_index, silences, silence_index }
    }

    /// What silences and inhibition say; valid until the next call.
    fn status(&mut self, alert: &Alert) -> &Status {
        let view = self.view;
        let silenced_by = &mut self.status.silenced_by;
        silenced_by.clear();
        let active = view.silences.active(view.silence_index.of(alert), self.now);
        silenced_by.extend(active.map(|(id, _)| id.clone()));
        self.status.inhibited_by = match self.mute_context().inhibition(&alert.labels, self.now) {
            Some(Verdict::Inhibited { by, .. }) => Some(by),
            _ => None,
        };
        &self.status
    }

    fn muted_by(&mut self, at: RouteIndex) -> Vec<Arc<str>> {
        if let Some(known) = self.muted_by.get(&at) {
            return known.clone();
        }
        let muted_by = self.mute_context().muted_by(self.view.plan.routes.route(at), self.now);
        self.muted_by.insert(at, muted_by.clone());
        muted_by
    }
}

impl Status {
    pub fn is_suppressed(&self) -> bool {
        !self.silenced_by.is_empty() || self.inhibited_by.is_some() || !self.muted_by.is_empty()
    }
}

impl AlertQuery {
    fn fits(&self, labels: &LabelSet) -> bool {
        self.filters.iter().all(|filter| filter_fits(filter, labels))
    }

    fn fits_status(&self, status: &Status) -> bool {
        (self.active || status.is_suppressed())
            && (self.silenced || status.silenced_by.is_empty())
            && (self.inhibited || status.inhibited_by.is_none())
    }
}

impl ReceiverFilter {
    pub fn fits_receiver(&self, receiver: &Receiver) -> bool {
        self.name.as_ref().is_none_or(|name| name.is_match(&receiver.name))
            && self.labels.iter().all(|filter| filter_fits(filter, &receiver.labels))
    }

    fn fits(&self, plan: &Plan, at: RouteIndex) -> bool {
        if self.name.is_none() && self.labels.is_empty() {
            return true;
        }
        let receiver = plan.receiver(&plan.routes.route(at).receiver);
        receiver.is_some_and(|receiver| self.fits_receiver(receiver))
    }
}

impl Default for AlertQuery {
    fn default() -> Self {
        AlertQuery {
            filters: Vec::new(),
            active: true,
            silenced: true,
            inhibited: true,
            receivers: ReceiverFilter::default(),
        }
    }
}

impl Default for GroupQuery {
    fn default() -> Self {
        GroupQuery { alerts: AlertQuery::default(), muted: true }
    }
}

/// Compat: with an empty pattern a filter checks whether the label is there at all, so that
/// `foo!=""` means "has foo".
fn filter_fits(filter: &Matcher, labels: &LabelSet) -> bool {
    let asks_for_presence =
        filter.value.is_empty() && matches!(filter.op, Op::NotEqual | Op::NotMatches);
    match labels.get(&filter.name) {
        Some(_) if asks_for_presence => true,
        value => filter.matches_value(value.unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests;
