//! The configuration as the engine needs it: compiled, checked, immutable.
//!
//! In: [`PlanParts`], lowered from the operator's file. Out: a [`Plan`] in which every route knows
//! its keys and every name is resolved. A new plan replaces the old one whole.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bellwether_model::{IntegrationId, LabelSet, Matchers, TimeInterval};

use crate::index::MatcherIndex;
use crate::route::{RouteIndex, Routes};

pub use spec::{GroupBy, RouteSpec, Timing};

pub(crate) mod spec;

/// What a [`Plan`] is made from.
#[derive(Clone, Debug)]
pub struct PlanParts {
    pub route: RouteSpec,
    /// In the order of the configuration. Every receiver that a route names is among them.
    pub receivers: Vec<Receiver>,
    pub inhibit_rules: Vec<InhibitRule>,
    /// Alternatives under each name; an unknown name in a route contains no instant.
    pub intervals: BTreeMap<Arc<str>, Vec<TimeInterval>>,
    /// Added to alerts that come without an end.
    pub resolve_timeout: Duration,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Receiver {
    pub name: Arc<str>,
    /// Always has `name`.
    pub labels: LabelSet,
    /// In the order in which they are notified.
    pub integrations: Vec<Integration>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Integration {
    pub id: IntegrationId,
    pub send_resolved: bool,
}

/// Alerts that match `target` are inhibited while one that matches `source` fires with equal values of
/// the labels `equal`.
#[derive(Clone, Debug, PartialEq)]
pub struct InhibitRule {
    pub name: String,
    pub source: Matchers,
    pub target: Matchers,
    pub equal: Vec<String>,
}

/// The compiled configuration.
#[derive(Debug)]
pub struct Plan {
    pub(crate) routes: Routes,
    receivers: Vec<Receiver>,
    by_name: BTreeMap<Arc<str>, usize>,
    pub(crate) inhibit_rules: Arc<[InhibitRule]>,
    /// Which rules, by their positions, have an alert as source, and as target.
    pub(crate) inhibit_sources: MatcherIndex<usize>,
    pub(crate) inhibit_targets: MatcherIndex<usize>,
    pub(crate) intervals: BTreeMap<Arc<str>, Vec<TimeInterval>>,
    pub(crate) resolve_timeout: Duration,
}

impl Plan {
    pub fn new(parts: PlanParts) -> Self {
        let PlanParts { route, receivers, inhibit_rules, intervals, resolve_timeout } = parts;
        let mut inhibit_sources = MatcherIndex::default();
        let mut inhibit_targets = MatcherIndex::default();
        for (number, rule) in inhibit_rules.iter().enumerate() {
            inhibit_sources.insert(number, &rule.source);
            inhibit_targets.insert(number, &rule.target);
        }
        let by_name =
            receivers.iter().enumerate().map(|(at, receiver)| (receiver.name.clone(), at));
        Plan {
            routes: Routes::compile(&route),
            by_name: by_name.collect(),
            receivers,
            inhibit_rules: inhibit_rules.into(),
            inhibit_sources,
            inhibit_targets,
            intervals,
            resolve_timeout,
        }
    }

    /// In the order of the configuration.
    pub fn receivers(&self) -> &[Receiver] {
        &self.receivers
    }

    pub fn receiver(&self, name: &str) -> Option<&Receiver> {
        self.by_name.get(name).map(|at| &self.receivers[*at])
    }

    pub fn inhibit_rules(&self) -> &[InhibitRule] {
        &self.inhibit_rules
    }

    /// A hash of all that decides which groups there are and which receivers they notify: nodes of a
    /// cluster with equal hashes agree on every key.
    pub fn keys_hash(&self) -> u64 {
        let mut text = String::new();
        for route in self.routes.iter() {
            let route = format!("{:?} {:?} {:?}\n", route.identity, route.receiver, route.group_by);
            text.push_str(&route);
        }
        for Receiver { name, integrations, .. } in &self.receivers {
            text.push_str(&format!("{name:?}"));
            for Integration { id, send_resolved } in integrations {
                text.push_str(&format!(" {id} {send_resolved}"));
            }
            text.push('\n');
        }
        twox_hash::XxHash64::oneshot(0, text.as_bytes())
    }

    /// Whether inhibition and the time intervals themselves are the same in both.
    pub(crate) fn mutes_like(&self, other: &Plan) -> bool {
        self.inhibit_rules == other.inhibit_rules && self.intervals == other.intervals
    }

    /// The receivers of the routes that an alert with these labels takes, in route order; one that
    /// several routes name is listed for each.
    pub fn receivers_of(&self, labels: &LabelSet) -> Vec<Arc<str>> {
        let mut matched: Vec<RouteIndex> = Vec::new();
        self.routes.matching(labels, &mut matched);
        matched.into_iter().map(|at| self.routes.route(at).receiver.clone()).collect()
    }
}
