//! What exactly is in a group's batch at this instant, and what do mutes keep out of it?
//!
//! In: a group and the alert store. Out: its alerts as they are now. What is firing and what is
//! resolved is decided against the one instant that goes with them, so that no later step can
//! disagree. Of the judged batch: when to look again at alerts that only a mute keeps from being
//! notified. And the order in which receivers see alerts.

use std::cell::LazyCell;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use bellwether_model::{Alert, Fingerprint, Mono, Now};

use crate::alerts::Alerts;
use crate::group::{Group, MutedBy, Suppressed};
use crate::mute::{Judged, MuteContext, Verdict};
use crate::replicated::{Ascending, LogEntry};
use crate::route::Route;

/// The alerts of the group whose fingerprints come after `after`, ascending.
pub(crate) fn freeze<'a>(
    group: &'a Group,
    alerts: &'a Alerts,
    after: Option<Fingerprint>,
) -> impl Iterator<Item = &'a Arc<Alert>> {
    let begin = after.map_or(Bound::Unbounded, Bound::Excluded);
    let members = group.members.range((begin, Bound::Unbounded));
    members.filter_map(|member| alerts.find(*member))
}

/// What suppresses alerts that fire and that not all integrations were notified of, by their log
/// `entries`; and when to look again, if that is before the group is due: `group_wait` after the
/// end of a silence or an interval, and of an inhibition that has ended already. One that lasts is
/// looked at when the group is due. `None` if nothing suppresses.
pub(crate) fn suppressed(
    judged: &Judged,
    context: &MuteContext<'_>,
    route: &Route,
    entries: &[Option<&LogEntry>],
    now: Now,
) -> Option<Suppressed> {
    let mut by = BTreeSet::new();
    let mut until: Option<Mono> = None;
    let wait = route.timing.group_wait;
    let interval_change = LazyCell::new(|| context.next_interval_change(route, now.wall));
    let firing = entries.iter().map(|entry| entry.map_or(NONE, |entry| &entry.notified.firing));
    let mut notified: Vec<_> = firing.map(Ascending::of).collect();
    let mut silences_before: &[Arc<str>] = &[];
    for (hash, at) in judged.by_hash.iter().copied() {
        let judged = &judged.alerts[at as usize];
        let verdict = &judged.verdict;
        if !verdict.is_suppressed() || judged.resolved_at(now.wall) {
            continue;
        }
        if !entries.is_empty() && notified.iter_mut().all(|firing| firing.contains(hash)) {
            continue;
        }
        let ends = match verdict {
            Verdict::Active => continue,
            Verdict::Inhibited { by: source, until } => {
                by.insert(MutedBy::Source(*source));
                Some(*until).filter(|until| *until <= now.wall)
            }
            Verdict::Silenced { by: silences, until } => {
                if silences_before != silences {
                    by.extend(silences.iter().cloned().map(MutedBy::Silence));
                    silences_before = silences;
                }
                Some(*until)
            }
            Verdict::OutsideActiveIntervals | Verdict::InsideMuteInterval => {
                by.insert(MutedBy::Interval);
                *interval_change
            }
        };
        let look = ends.map(|ends| now.mono_at(ends.plus(wait))).filter(|look| *look > now.mono);
        until = until.into_iter().chain(look).min();
    }
    // A mute without a known end may still be ended by hand, or by a new plan.
    let until = until.unwrap_or(Mono(u64::MAX));
    (!by.is_empty()).then_some(Suppressed { until, by })
}

/// Of an integration that was notified of nothing.
const NONE: &[u64] = &[];

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
