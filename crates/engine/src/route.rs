//! Routing: which routes take an alert with these labels?
//!
//! In: labels. Out: routes, in the order of the tree. The walk is depth first: a child that matches
//! ends the search among its siblings unless it continues, and a route none of whose children match
//! is the result itself. The tree is compiled once; the children worth a look are found by index.
//!
//! It also gives every route its names: the *key*, which is part of group keys and equal on all
//! cluster members, the *id*, unique in the tree, and the *identity*, by which groups and the
//! notification log survive edits of the configuration elsewhere in the tree.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_model::labels::fingerprint_of;
use bellwether_model::{Fingerprint, LabelSet};

use crate::index::MatcherIndex;
use crate::plan::spec::{GroupBy, RouteSpec, Timing};

/// Position of a route in its [`Routes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RouteIndex(pub u32);

/// The compiled routing tree.
#[derive(Debug)]
pub(crate) struct Routes {
    nodes: Vec<Node>,
    /// What it was compiled from.
    spec: RouteSpec,
}

/// What a route says about the alerts that it takes.
#[derive(Debug)]
pub(crate) struct Route {
    /// `{}/{env="prod"}`: the path of matcher sets; siblings may share one.
    pub key: String,
    /// The key, followed by `#n` for the n-th other route with the same key and receiver.
    ///
    /// Two such routes would share one notification-log entry, and the second would never be notified.
    pub identity: String,
    pub receiver: Arc<str>,
    pub group_by: GroupBy,
    pub timing: Timing,
    pub mute_intervals: Vec<Arc<str>>,
    pub active_intervals: Vec<Arc<str>>,
    pub labels: LabelSet,
}

#[derive(Debug)]
struct Node {
    route: Route,
    continues: bool,
    /// Their order is that of the configuration.
    children: MatcherIndex<RouteIndex>,
}

impl Routes {
    pub fn compile(root: &RouteSpec) -> Self {
        let mut routes = Routes { nodes: Vec::new(), spec: root.clone() };
        let mut taken = BTreeMap::new();
        routes.add(root, String::from("{}"), &mut taken);
        routes
    }

    /// Whether both sort alerts into the same groups, which are due at the same times.
    pub fn is_like(&self, other: &Routes) -> bool {
        self.spec == other.spec
    }

    pub fn route(&self, at: RouteIndex) -> &Route {
        &self.nodes[at.0 as usize].route
    }

    /// All routes, each before those below it.
    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        self.nodes.iter().map(|node| &node.route)
    }

    /// Fills `found` with the routes that an alert with these labels takes; never empty.
    pub fn matching(&self, labels: &LabelSet, found: &mut Vec<RouteIndex>) {
        found.clear();
        self.descend(RouteIndex(0), labels, found);
    }

    fn descend(&self, at: RouteIndex, labels: &LabelSet, found: &mut Vec<RouteIndex>) {
        let node = &self.nodes[at.0 as usize];
        let before = found.len();
        for child in node.children.matching(labels) {
            self.descend(*child, labels, found);
            if !self.nodes[child.0 as usize].continues {
                break;
            }
        }
        if found.len() == before {
            found.push(at);
        }
    }

    fn add(
        &mut self,
        spec: &RouteSpec,
        key: String,
        taken: &mut BTreeMap<(String, Arc<str>), u32>,
    ) -> RouteIndex {
        let at = RouteIndex(self.nodes.len() as u32);
        let namesakes = taken.entry((key.clone(), spec.receiver.clone())).or_default();
        let identity = if *namesakes == 0 { key.clone() } else { format!("{key}#{namesakes}") };
        *namesakes += 1;
        let route = Route {
            key,
            identity,
            receiver: spec.receiver.clone(),
            group_by: spec.group_by.clone(),
            timing: spec.timing,
            mute_intervals: spec.mute_intervals.clone(),
            active_intervals: spec.active_intervals.clone(),
            labels: spec.labels.clone(),
        };
        self.nodes.push(Node {
            route,
            continues: spec.continues,
            children: MatcherIndex::default(),
        });
        for child in &spec.routes {
            let child_key = format!("{}/{}", self.route(at).key, child.matchers);
            let child_at = self.add(child, child_key, taken);
            self.nodes[at.0 as usize].children.insert(child_at, &child.matchers);
        }
        at
    }
}

impl Route {
    /// Whether the same time intervals, by name, mute both.
    pub fn intervals_like(&self, other: &Route) -> bool {
        self.mute_intervals == other.mute_intervals
            && self.active_intervals == other.active_intervals
    }

    /// The fingerprint of [`Route::group_labels`], without building them.
    pub fn group_fingerprint(&self, labels: &LabelSet) -> Fingerprint {
        match &self.group_by {
            GroupBy::AllLabels => labels.fingerprint(),
            GroupBy::Labels(names) => fingerprint_of(present(names, labels)),
        }
    }

    /// The labels that name the group of an alert with these labels.
    pub fn group_labels(&self, labels: &LabelSet) -> LabelSet {
        match &self.group_by {
            GroupBy::AllLabels => labels.clone(),
            GroupBy::Labels(names) => LabelSet::from_sorted(present(names, labels)),
        }
    }
}

/// Those of these labels that there are, in the order of their names.
fn present<'a>(
    names: &'a BTreeSet<String>,
    labels: &'a LabelSet,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    names.iter().filter_map(|name| Some((name.as_str(), labels.get(name)?)))
}

#[cfg(test)]
mod tests;
