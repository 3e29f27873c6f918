//! Which of many matcher sets hold for these labels?
//!
//! In: matcher sets, each under an id (a route among its siblings, an inhibition rule, a silence).
//! Out: the ids of those that hold, in ascending order. A set is filed under one condition that it
//! cannot hold without, an equality with a value that is not empty, and is looked at only by labels
//! that have this pair. Most sets have one, so that a look costs a few map lookups however many sets
//! there are; of a set that is found this way, only the other conditions are left to check.

use std::collections::BTreeMap;

use bellwether_model::{LabelSet, Matchers, Op};

/// Matcher sets under their ids, filed by one equality of each.
#[derive(Clone, Debug)]
pub(crate) struct MatcherIndex<Id> {
    /// Label name, then value. Few names are ever used, so each is looked up in the labels.
    by_pair: BTreeMap<String, BTreeMap<String, Vec<Filed<Id>>>>,
    /// Sets without an equality to file them under.
    rest: Vec<Filed<Id>>,
}

/// A set whose filing pair the labels have.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Filed<Id> {
    pub id: Id,
    /// All conditions but the one that it is filed under.
    others: Matchers,
}

impl<Id: Ord> MatcherIndex<Id> {
    /// One id may stand for several sets.
    pub fn insert(&mut self, id: Id, matchers: &Matchers) {
        let (pair, others) = filing(matchers);
        let sets = match pair {
            Some((name, value)) => self.by_pair.entry(name).or_default().entry(value).or_default(),
            None => &mut self.rest,
        };
        sets.push(Filed { id, others });
    }

    /// Undoes an [`MatcherIndex::insert`] with the same arguments.
    pub fn remove(&mut self, id: &Id, matchers: &Matchers) {
        let (pair, others) = filing(matchers);
        let remove_from = |sets: &mut Vec<Filed<Id>>| {
            if let Some(at) = sets.iter().position(|it| it.id == *id && it.others == others) {
                sets.remove(at);
            }
        };
        let Some((name, value)) = pair else {
            remove_from(&mut self.rest);
            return;
        };
        let Some(values) = self.by_pair.get_mut(&name) else { return };
        if let Some(sets) = values.get_mut(&value) {
            remove_from(sets);
            if sets.is_empty() {
                values.remove(&value);
            }
        }
        if values.is_empty() {
            self.by_pair.remove(&name);
        }
    }

    /// The sets that hold for `labels` if [`Filed::holds`] says so, by ascending ids.
    pub fn candidates(&self, labels: &LabelSet) -> Vec<&Filed<Id>> {
        let mut found = Vec::new();
        for (name, values) in &self.by_pair {
            if let Some(sets) = labels.get(name).and_then(|value| values.get(value)) {
                found.extend(sets);
            }
        }
        found.extend(&self.rest);
        found.sort_by(|a, b| a.id.cmp(&b.id));
        found
    }

    /// The ids of the sets that hold for `labels`, ascending and unique, found one by one.
    pub fn matching(&self, labels: &LabelSet) -> impl Iterator<Item = &Id> {
        let holding = self.candidates(labels).into_iter().filter(|filed| filed.holds(labels));
        let mut last = None;
        holding.map(|filed| &filed.id).filter(move |id| last.replace(*id) != Some(*id))
    }
}

impl<Id> Filed<Id> {
    /// Whether the set holds for labels among whose candidates it is.
    pub fn holds(&self, labels: &LabelSet) -> bool {
        self.others.matches(labels)
    }
}

impl<Id> Default for MatcherIndex<Id> {
    fn default() -> Self {
        MatcherIndex { by_pair: BTreeMap::new(), rest: Vec::new() }
    }
}

/// The pair to file a set under, and the conditions besides.
///
/// Of several equalities the most selective: `alertname` last, because many sets share one.
fn filing(matchers: &Matchers) -> (Option<(String, String)>, Matchers) {
    let mut others = matchers.clone();
    let mut chosen = None;
    for (at, matcher) in matchers.iter().enumerate() {
        let is_fit = matcher.op == Op::Equal && !matcher.value.is_empty();
        if is_fit && (chosen.is_none() || matcher.name != "alertname") {
            chosen = Some(at);
        }
    }
    let pair = chosen.map(|at| {
        let matcher = others.0.remove(at);
        (matcher.name, matcher.value)
    });
    (pair, others)
}

#[cfg(test)]
mod tests {
    use bellwether_model::{LabelSet, Matcher, Matchers, Op};

    use super::MatcherIndex;

    fn set(conditions: &[(&str, Op, &str)]) -> Matchers {
        let matcher = |(name, op, value): &(&str, Op, &str)| {
            Matcher::new(*name, *op, *value).expect("a valid matcher")
        };
        Matchers::new(conditions.iter().map(matcher).collect())
    }

    #[test]
    fn finds_what_holds_and_forgets_what_is_removed() {
        let sets = [
            set(&[("team", Op::Equal, "db")]),
            set(&[("team", Op::Equal, "web"), ("env", Op::Matches, "prod|test")]),
            set(&[("env", Op::NotEqual, "prod")]),
            set(&[("team", Op::Equal, "")]),
            set(&[]),
        ];
        let mut index = MatcherIndex::default();
        for (id, matchers) in sets.iter().enumerate() {
            index.insert(id, matchers);
        }
        let labels = LabelSet::new([("team", "db"), ("env", "prod")]);
        let candidates: Vec<_> = index.candidates(&labels).iter().map(|it| it.id).collect();
        assert_eq!(candidates, [0, 2, 3, 4]);
        assert_eq!(index.matching(&labels).collect::<Vec<_>>(), [&0, &4]);

        for (id, matchers) in sets.iter().enumerate() {
            index.remove(&id, matchers);
        }
        assert!(index.candidates(&labels).is_empty());
        assert!(index.by_pair.is_empty(), "empty maps are dropped");
    }
}
