//! The shutter: what exactly does a group say at this instant?
//!
//! In: a group and the register. Out: its alerts as they are now, in the order in which receivers
//! see them. What is firing and what is resolved is decided against the one instant that goes with
//! them, so that no later step can disagree.

use std::cmp::Ordering;
use std::sync::Arc;

use bellwether_model::Alert;

use crate::alerts::Alerts;
use crate::group::Group;

/// The alerts of the group, sorted by `job`, `instance`, then label set.
pub(crate) fn freeze(group: &Group, alerts: &Alerts) -> Vec<Arc<Alert>> {
    let mut frozen: Vec<Arc<Alert>> =
        group.members.iter().filter_map(|member| alerts.find(*member)).cloned().collect();
    sort_as_shown(&mut frozen, |alert| alert);
    frozen
}

/// Sorts into the order in which receivers and readers see the alerts of a group.
pub(crate) fn sort_as_shown<T>(items: &mut [T], alert: impl Fn(&T) -> &Arc<Alert>) {
    items.sort_by(|a, b| shown_before(alert(a), alert(b)));
}

fn shown_before(a: &Alert, b: &Alert) -> Ordering {
    let by_name = |name: &str| match (a.labels.get(name), b.labels.get(name)) {
        (Some(a), Some(b)) => a.cmp(b),
        // An alert that lacks the label comes last.
        (a, b) => b.is_some().cmp(&a.is_some()),
    };
    by_name("job").then_with(|| by_name("instance")).then_with(|| a.labels.order(&b.labels))
}
