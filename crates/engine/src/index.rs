//! Which of many matcher sets may hold for these labels?
//!
//! In: matcher sets, each under an id (a route among its siblings, an inhibition rule, a silence).
//! Out: the ids worth a full look, in ascending order: those filed under one of the labels' own
//! pairs, and those that could not be filed. A set is filed under one condition that it cannot hold
//! without: an equality with a value that is not empty. Most sets have one, so that a look costs a
//! few map lookups however many sets there are.

use std::collections::BTreeMap;

use bellwether_model::{LabelSet, Matchers, Op};

/// Ids of matcher sets, filed by one equality of each.
#[derive(Clone, Debug)]
pub(crate) struct MatcherIndex<Id> {
    /// Label name, then value. Few names are ever used, so each is looked up in the labels.
    by_pair: BTreeMap<String, BTreeMap<String, Vec<Id>>>,
    /// Sets without an equality to file them under.
    rest: Vec<Id>,
}

impl<Id: Ord + Clone> MatcherIndex<Id> {
    pub fn insert(&mut self, id: Id, matchers: &Matchers) {
        let ids = match filing_pair(matchers) {
            Some((name, value)) => {
                let values = self.by_pair.entry(name.to_owned()).or_default();
                values.entry(value.to_owned()).or_default()
            }
            None => &mut self.rest,
        };
        if let Err(at) = ids.binary_search(&id) {
            ids.insert(at, id);
        }
    }

    /// Undoes an [`MatcherIndex::insert`] with the same arguments.
    pub fn remove(&mut self, id: &Id, matchers: &Matchers) {
        let Some((name, value)) = filing_pair(matchers) else {
            remove_from(&mut self.rest, id);
            return;
        };
        let Some(values) = self.by_pair.get_mut(name) else { return };
        if let Some(ids) = values.get_mut(value) {
            remove_from(ids, id);
            if ids.is_empty() {
                values.remove(value);
            }
        }
        if values.is_empty() {
            self.by_pair.remove(name);
        }
    }

    /// Fills `found` with every id whose set may hold for `labels`, ascending and unique.
    pub fn candidates(&self, labels: &LabelSet, found: &mut Vec<Id>) {
        found.clear();
        for (name, values) in &self.by_pair {
            if let Some(ids) = labels.get(name).and_then(|value| values.get(value)) {
                found.extend_from_slice(ids);
            }
        }
        found.extend_from_slice(&self.rest);
        found.sort_unstable();
        found.dedup();
    }
}

impl<Id> Default for MatcherIndex<Id> {
    fn default() -> Self {
        MatcherIndex { by_pair: BTreeMap::new(), rest: Vec::new() }
    }
}

fn remove_from<Id: Ord>(ids: &mut Vec<Id>, id: &Id) {
    if let Ok(at) = ids.binary_search(id) {
        ids.remove(at);
    }
}

/// The equality that tells most: `alertname` last, because many sets share one.
fn filing_pair(matchers: &Matchers) -> Option<(&str, &str)> {
    let mut chosen = None;
    for matcher in matchers.iter().filter(|m| m.op == Op::Equal && !m.value.is_empty()) {
        if chosen.is_none() || matcher.name != "alertname" {
            chosen = Some((matcher.name.as_str(), matcher.value.as_str()));
        }
    }
    chosen
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
    fn finds_all_that_may_hold_and_forgets_what_is_removed() {
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
        let mut found = Vec::new();
        index.candidates(&labels, &mut found);
        assert_eq!(found, [0, 2, 3, 4]);

        for (id, matchers) in sets.iter().enumerate() {
            index.remove(&id, matchers);
        }
        index.candidates(&labels, &mut found);
        assert!(found.is_empty());
        assert!(index.by_pair.is_empty(), "empty maps are dropped");
    }
}
