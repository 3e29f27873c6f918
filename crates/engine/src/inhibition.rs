//! Inhibition: is an alert inhibited because a source of a rule fires, or fired until lately?
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

/// The sources, and until when each of them fires or fired.
#[derive(Debug)]
pub(crate) struct Inhibition {
    /// Invariant: each source of `fires_until` under that time, and no others.
    pub index: InhibitionIndex,
    /// When a source that fires will end, and when one that has resolved did, as far as this node
    /// knew: a report that it is still resolved changes nothing. None that never fired.
    fires_until: BTreeMap<Fingerprint, Timestamp>,
}

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

/// Sources by the time until which they fire: the last one fires longest.
#[derive(Clone, Debug, Default)]
struct Sources {
    one_sided: BTreeSet<(Timestamp, Fingerprint)>,
    /// Those that are also targets of the rule.
    two_sided: BTreeSet<(Timestamp, Fingerprint)>,
}

impl Inhibition {
    /// Without sources, for the rules of `plan`.
    pub fn new(plan: &Plan) -> Self {
        Inhibition { index: InhibitionIndex::new(plan), fires_until: BTreeMap::new() }
    }

    /// Takes note of an alert that is new or has changed.
    pub fn update(&mut self, plan: &Plan, alert: &Alert, now: Timestamp) {
        let mut rules = plan.inhibit_sources.matching(&alert.labels).copied().peekable();
        if rules.peek().is_none() {
            return;
        }
        let fingerprint = alert.fingerprint;
        let known = self.fires_until.get(&fingerprint).copied();
        let until = match known {
            _ if !alert.resolved_at(now) => alert.ends_at,
            Some(known) => known.min(now),
            None => return,
        };
        if known == Some(until) {
            return;
        }
        self.fires_until.insert(fingerprint, until);
        for number in rules {
            if let Some(known) = known {
                self.index.remove(plan, number, &alert.labels, (known, fingerprint));
            }
            self.index.insert(plan, number, &alert.labels, (until, fingerprint));
        }
    }

    /// Takes the alerts of the store after a restart, or under another plan.
    pub fn restore<'a>(&mut self, plan: &Plan, alerts: impl Iterator<Item = &'a Arc<Alert>>) {
        self.index = InhibitionIndex::new(plan);
        let known = std::mem::take(&mut self.fires_until);
        for alert in alerts {
            let mut rules = plan.inhibit_sources.matching(&alert.labels).copied().peekable();
            if rules.peek().is_none() {
                continue;
            }
            // Unless it has resolved, its end is later than its last report.
            let until = known.get(&alert.fingerprint).copied();
            let until = until.unwrap_or_else(|| alert.ends_at.max(alert.updated_at));
            self.fires_until.insert(alert.fingerprint, until);
            for number in rules {
                self.index.insert(plan, number, &alert.labels, (until, alert.fingerprint));
            }
        }
    }

    /// Forgets an alert that left the alert store.
    pub fn remove(&mut self, plan: &Plan, alert: &Alert) {
        let Some(until) = self.fires_until.remove(&alert.fingerprint) else { return };
        for number in plan.inhibit_sources.matching(&alert.labels).copied() {
            self.index.remove(plan, number, &alert.labels, (until, alert.fingerprint));
        }
    }

    /// Whether the alert is a source that fired after `since`.
    pub fn fired_after(&self, since: Timestamp, alert: Fingerprint) -> bool {
        self.fires_until.get(&alert).is_some_and(|until| *until > since)
    }
}

impl InhibitionIndex {
    fn new(plan: &Plan) -> Self {
        InhibitionIndex { rules: plan.inhibit_rules().iter().map(|_| Arc::default()).collect() }
    }

    fn insert(
        &mut self,
        plan: &Plan,
        number: usize,
        labels: &LabelSet,
        source: (Timestamp, Fingerprint),
    ) {
        let rule = &plan.inhibit_rules()[number];
        let by_equal = &mut Arc::make_mut(&mut self.rules[number]).by_equal;
        let sources = by_equal.entry(equal_values(rule, labels)).or_default();
        sources.side(rule.target.matches(labels)).insert(source);
    }

    fn remove(
        &mut self,
        plan: &Plan,
        number: usize,
        labels: &LabelSet,
        source: (Timestamp, Fingerprint),
    ) {
        let rule = &plan.inhibit_rules()[number];
        let key = equal_values(rule, labels);
        let by_equal = &mut Arc::make_mut(&mut self.rules[number]).by_equal;
        let Some(sources) = by_equal.get_mut(&key) else { return };
        sources.side(rule.target.matches(labels)).remove(&source);
        if sources.one_sided.is_empty() && sources.two_sided.is_empty() {
            by_equal.remove(&key);
        }
    }

    /// The source that inhibits an alert with these labels, by the first rule that has one that
    /// fires after `since`, and until when it fires.
    pub fn inhibitor(
        &self,
        plan: &Plan,
        labels: &LabelSet,
        since: Timestamp,
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
                side.last().copied().filter(|(until, _)| *until > since)
            };
            let by_one_sided = firing(&sources.one_sided);
            let found = by_one_sided.or_else(|| {
                let candidate = firing(&sources.two_sided)?;
                (!rule.source.matches(labels)).then_some(candidate)
            });
            let (until, source) = found.filter(|_| target.holds(labels))?;
            Some((source, until))
        })
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

#[cfg(test)]
mod tests;
