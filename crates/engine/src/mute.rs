//! Muting: which alerts are suppressed at this instant, and by what?
//!
//! In: alerts, the instant, and what can suppress them: inhibition, the route's time intervals,
//! silences. Out: a verdict for each alert. The causes are looked at in a fixed order and the first
//! one counts, because the order decides which counter rises. Nothing is remembered: the same
//! judgement serves a flush and a reader's query.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bellwether_model::{Alert, Fingerprint, LabelSet, Timestamp};

use crate::inhibition::InhibitionIndex;
use crate::plan::Plan;
use crate::route::Route;
use crate::silence_index::SilenceIndex;
use crate::silences::Silences;

/// Whether an alert is active or suppressed, and by what.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    Active,
    /// By this source, which fires until then. For a notification an alert counts as inhibited for
    /// `group_wait` longer.
    Inhibited {
        by: Fingerprint,
        until: Timestamp,
    },
    OutsideActiveIntervals,
    InsideMuteInterval,
    /// By these silences, the last of which ends then.
    Silenced {
        by: Vec<Arc<str>>,
        until: Timestamp,
    },
}

/// A group's alerts with their verdicts, in the order of their fingerprints; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    /// Decides which of them fire.
    pub now: Timestamp,
    /// Shared with attempts, since a large group has many.
    pub alerts: Arc<Vec<JudgedAlert>>,
    /// How log entries name them, ascending, each with its position: they are compared with the
    /// lists of log entries, which are ascending too.
    pub by_hash: Arc<Vec<(u64, u32)>>,
}

/// One alert of a group. What every flush needs of it is here, since the alerts themselves are
/// scattered in memory.
#[derive(Debug)]
pub(crate) struct JudgedAlert {
    pub alert: Arc<Alert>,
    pub verdict: Verdict,
    pub fingerprint: Fingerprint,
    pub updated_at: Timestamp,
    pub ends_at: Timestamp,
}

/// Some of the alerts of a judged group.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    of: Arc<Vec<JudgedAlert>>,
    /// Their positions.
    chosen: Vec<u32>,
}

/// Why alerts are suppressed, in the order in which the causes are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suppression {
    Inhibition,
    ActiveTimeInterval,
    MuteTimeInterval,
    Silence,
}

/// What can quieten alerts.
#[derive(Clone, Copy)]
pub(crate) struct MuteContext<'a> {
    pub plan: &'a Plan,
    pub inhibition_index: &'a InhibitionIndex,
    pub silences: &'a Silences,
    pub silence_index: &'a SilenceIndex,
}

impl MuteContext<'_> {
    /// Judges alerts of one group of `route`, for a notification, and says how log entries name
    /// each. The source of an inhibition and its
    /// targets are resolved by different evaluations, so an inhibition lasts until `lingers` after its
    /// source has ended.
    pub fn judge<'a>(
        &self,
        route: &Route,
        alerts: impl Iterator<Item = &'a Arc<Alert>>,
        now: Timestamp,
        lingers: Duration,
    ) -> impl Iterator<Item = (JudgedAlert, u64)> {
        let by_route = self.route_verdict(route, now);
        let since = now.minus(lingers);
        alerts.map(move |alert| {
            let verdict = self.inhibition(&alert.labels, since);
            let verdict = verdict.or_else(|| by_route.clone());
            let verdict = verdict.or_else(|| self.silenced(alert, now));
            let judged = JudgedAlert {
                verdict: verdict.unwrap_or(Verdict::Active),
                fingerprint: alert.fingerprint,
                updated_at: alert.updated_at,
                ends_at: alert.ends_at,
                alert: alert.clone(),
            };
            (judged, alert.labels.log_hash())
        })
    }

    /// By which source an alert with these labels is inhibited, of those that fire after `since`.
    pub fn inhibition(&self, labels: &LabelSet, since: Timestamp) -> Option<Verdict> {
        let (by, until) = self.inhibition_index.inhibitor(self.plan, labels, since)?;
        Some(Verdict::Inhibited { by, until })
    }

    fn silenced(&self, alert: &Alert, now: Timestamp) -> Option<Verdict> {
        let mut by = Vec::new();
        let mut until = now;
        for (id, silence) in self.silences.active(self.silence_index.of(alert), now) {
            by.push(id.clone());
            until = until.max(silence.ends_at);
        }
        (!by.is_empty()).then_some(Verdict::Silenced { by, until })
    }

    fn route_verdict(&self, route: &Route, now: Timestamp) -> Option<Verdict> {
        if self.outside_active(route, now) {
            Some(Verdict::OutsideActiveIntervals)
        } else if self.mute_intervals(route, now).next().is_some() {
            Some(Verdict::InsideMuteInterval)
        } else {
            None
        }
    }

    /// The names of the time intervals that mute the route's groups now: all active ones if it is
    /// outside of them, then the mute ones that it is inside of.
    ///
    /// Compat: a mute interval is named once for each of its specifications that fits.
    pub fn muted_by(&self, route: &Route, now: Timestamp) -> Vec<Arc<str>> {
        let mut names = Vec::new();
        if self.outside_active(route, now) {
            names.extend_from_slice(&route.active_intervals);
        }
        for name in &route.mute_intervals {
            let specs = self.plan.intervals.get(name).into_iter().flatten();
            let fitting = specs.filter(|spec| spec.contains(now)).count();
            names.extend(std::iter::repeat_n(Arc::clone(name), fitting));
        }
        names
    }

    /// The next instant at which one of the route's intervals may begin or end.
    pub fn next_interval_change(&self, route: &Route, now: Timestamp) -> Option<Timestamp> {
        let names = route.active_intervals.iter().chain(&route.mute_intervals);
        let specs = names.filter_map(|name| self.plan.intervals.get(name)).flatten();
        specs.filter_map(|spec| spec.next_change(now)).min()
    }

    fn outside_active(&self, route: &Route, now: Timestamp) -> bool {
        let names = &route.active_intervals;
        !names.is_empty() && !names.iter().any(|name| self.contains(name, now))
    }

    fn mute_intervals<'r>(
        &self,
        route: &'r Route,
        now: Timestamp,
    ) -> impl Iterator<Item = &'r Arc<str>> {
        route.mute_intervals.iter().filter(move |name| self.contains(name, now))
    }

    fn contains(&self, name: &str, now: Timestamp) -> bool {
        let specs = self.plan.intervals.get(name);
        specs.is_some_and(|specs| specs.iter().any(|spec| spec.contains(now)))
    }
}

impl Verdict {
    pub fn is_suppressed(&self) -> bool {
        *self != Verdict::Active
    }

    pub fn cause(&self) -> Option<Suppression> {
        match self {
            Verdict::Active => None,
            Verdict::Inhibited { .. } => Some(Suppression::Inhibition),
            Verdict::OutsideActiveIntervals => Some(Suppression::ActiveTimeInterval),
            Verdict::InsideMuteInterval => Some(Suppression::MuteTimeInterval),
            Verdict::Silenced { .. } => Some(Suppression::Silence),
        }
    }
}

impl Suppression {
    /// The value of the metric's `reason` label.
    pub fn label(self) -> &'static str {
        match self {
            Suppression::Inhibition => "inhibition",
            Suppression::ActiveTimeInterval => "active_time_interval",
            Suppression::MuteTimeInterval => "mute_time_interval",
            Suppression::Silence => "silence",
        }
    }
}

impl JudgedAlert {
    pub fn resolved_at(&self, now: Timestamp) -> bool {
        self.ends_at <= now
    }

    /// Whether it resolved by itself, since no report moved its end ahead.
    pub fn timed_out_at(&self, now: Timestamp) -> bool {
        self.resolved_at(now) && self.ends_at > self.updated_at
    }
}

impl Judged {
    /// How many alerts each cause suppresses.
    pub fn suppressed_by_cause(&self) -> BTreeMap<Suppression, usize> {
        let mut counts = BTreeMap::new();
        for cause in self.alerts.iter().filter_map(|judged| judged.verdict.cause()) {
            *counts.entry(cause).or_default() += 1;
        }
        counts
    }
}

impl Selection {
    pub fn none(judged: &Judged) -> Self {
        Selection { of: judged.alerts.clone(), chosen: Vec::with_capacity(judged.alerts.len()) }
    }

    pub fn add(&mut self, at: u32) {
        self.chosen.push(at);
    }

    /// Leaves out those that have resolved.
    pub fn retain_firing(&mut self, now: Timestamp) {
        self.chosen.retain(|at| !self.of[*at as usize].resolved_at(now));
    }

    pub fn count(&self) -> usize {
        self.chosen.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Alert>> {
        self.chosen.iter().map(|at| &self.of[*at as usize].alert)
    }
}
