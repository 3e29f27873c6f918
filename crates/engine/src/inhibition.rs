//! The inhibition index: is an alert inhibited because a source of a rule fires?
//!
//! In: every change of an alert, in the turn in which it happened. Out: for a target, the source
//! that inhibits it. Per rule and per combination of the `equal` labels' values the sources are kept
//! in the order of their ends, so that the question "does any fire?" is one look at the last, and a
//! resolved source can never hide a firing one.
//!
//! An alert on both sides of a rule is not inhibited by another that is on both sides too, hence
//! never by itself; such sources are kept apart.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_model::{Alert, Fingerprint, LabelSet, Timestamp};

use crate::plan::{InhibitRule, Plan};

/// The sources of every rule, found by the labels of a target.
#[derive(Clone, Debug, Default)]
pub(crate) struct InhibitionIndex {
    /// One for each rule of the plan, copied when it changes while a reader holds it.
    rules: Vec<Arc<RuleSources>>,
}

#[derive(Clone, Debug, Default)]
struct RuleSources {
    /// Under the values of the `equal` labels, in the order of the rule.
    by_equal: BTreeMap<Vec<Box<str>>, Sources>,
}

/// Sources by their ends: the last one fires longest.
#[derive(Clone, Debug, Default)]
struct Sources {
    one_sided: BTreeSet<(Timestamp, Fingerprint)>,
    /// Those that are also targets of the rule.
    two_sided: BTreeSet<(Timestamp, Fingerprint)>,
}

impl InhibitionIndex {
    /// An empty list for the rules of `plan`.
    pub fn new(plan: &Plan) -> Self {
        InhibitionIndex { rules: plan.inhibit_rules().iter().map(|_| Arc::default()).collect() }
    }

    /// Takes note of an alert that is new or, where `former_end` is given, was to end then.
    ///
    /// Returns whether the alert is a source of any rule.
    pub fn update(&mut self, plan: &Plan, former_end: Option<Timestamp>, alert: &Alert) -> bool {
        let mut is_source = false;
        for number in plan.inhibit_sources.matching(&alert.labels).copied() {
            is_source = true;
            let rule = &plan.inhibit_rules()[number];
            let sources = self.sources_mut(number, rule, &alert.labels);
            let side = sources.side(rule.target.matches(&alert.labels));
            if let Some(end) = former_end {
                side.remove(&(end, alert.fingerprint));
            }
            side.insert((alert.ends_at, alert.fingerprint));
        }
        is_source
    }

    /// Forgets an alert that left the alert store.
    pub fn remove(&mut self, plan: &Plan, alert: &Alert) {
        for number in plan.inhibit_sources.matching(&alert.labels).copied() {
            let rule = &plan.inhibit_rules()[number];
            let key = equal_values(rule, &alert.labels);
            let by_equal = &mut Arc::make_mut(&mut self.rules[number]).by_equal;
            let Some(sources) = by_equal.get_mut(&key) else { continue };
            let side = sources.side(rule.target.matches(&alert.labels));
            side.remove(&(alert.ends_at, alert.fingerprint));
            if sources.one_sided.is_empty() && sources.two_sided.is_empty() {
                by_equal.remove(&key);
            }
        }
    }

    /// The source that inhibits an alert with these labels at `now`, by the first rule that has
    /// one, and when that source ends.
    pub fn inhibitor(
        &self,
        plan: &Plan,
        labels: &LabelSet,
        now: Timestamp,
    ) -> Option<(Fingerprint, Timestamp)> {
        // On most days no source is there at all.
        if self.rules.iter().all(|rule| rule.by_equal.is_empty()) {
            return None;
        }
        let mut values = EqualValues { labels, known: Vec::new() };
        plan.inhibit_targets.candidates(labels).into_iter().find_map(|target| {
            let rule = &plan.inhibit_rules()[target.id];
            let by_equal = &self.rules[target.id].by_equal;
            if by_equal.is_empty() {
                return None;
            }
            // Most rules have no source for these values, which is cheaper to see than whether the
            // target's other conditions hold.
            let sources = by_equal.get(values.of(rule))?;
            let firing = |side: &BTreeSet<(Timestamp, Fingerprint)>| {
                side.last().copied().filter(|(ends_at, _)| *ends_at > now)
            };
            let by_one_sided = firing(&sources.one_sided);
            let found = by_one_sided.or_else(|| {
                let candidate = firing(&sources.two_sided)?;
                (!rule.source.matches(labels)).then_some(candidate)
            });
            let (ends_at, source) = found.filter(|_| target.holds(labels))?;
            Some((source, ends_at))
        })
    }

    fn sources_mut(
        &mut self,
        number: usize,
        rule: &InhibitRule,
        labels: &LabelSet,
    ) -> &mut Sources {
        let by_equal = &mut Arc::make_mut(&mut self.rules[number]).by_equal;
        by_equal.entry(equal_values(rule, labels)).or_default()
    }
}

impl Sources {
    fn side(&mut self, is_target: bool) -> &mut BTreeSet<(Timestamp, Fingerprint)> {
        if is_target { &mut self.two_sided } else { &mut self.one_sided }
    }
}

/// What one set of labels has where rules ask for equality; rules often name the same labels.
struct EqualValues<'a> {
    labels: &'a LabelSet,
    known: Vec<(&'a [String], Vec<Box<str>>)>,
}

impl<'a> EqualValues<'a> {
    fn of(&mut self, rule: &'a InhibitRule) -> &Vec<Box<str>> {
        let known = self.known.iter().position(|(names, _)| *names == rule.equal);
        let at = known.unwrap_or_else(|| {
            self.known.push((&rule.equal, equal_values(rule, self.labels)));
            self.known.len() - 1
        });
        &self.known[at].1
    }
}

/// A missing label equals an empty one.
fn equal_values(rule: &InhibitRule, labels: &LabelSet) -> Vec<Box<str>> {
    rule.equal.iter().map(|name| labels.value(name).into()).collect()
}
