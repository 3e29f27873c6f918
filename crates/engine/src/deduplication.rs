//! Is there a reason to tell this integration about this group now?
//!
//! In: the group's alerts as judged at this instant, and what the ledger says. Out: what would be
//! told, and the reason to tell it, if there is one. The rules are the Go Alertmanager's, with one
//! addition: whoever was told "firing" is told "resolved", also about an alert that is muted by
//! then.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bellwether_model::{Alert, Reason, Timestamp};

use crate::mute::Judged;
use crate::notification_log::{LogEntry, Notified};

/// What an integration would be told about a group at one instant.
#[derive(Debug)]
pub(crate) struct Content {
    /// In the order of the batch.
    pub alerts: Vec<Arc<Alert>>,
    pub notified: Notified,
    /// Whether any of the alerts fires.
    pub fires: bool,
}

/// What becomes of alerts that an integration was told of as firing and that this node does not
/// know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    Dropped,
    /// A peer may know them, and will tell of their ends.
    Kept,
}

/// What the judged alerts mean for one integration, given what it was told before.
///
/// `peers_knew_until`: up to when peers knew more than this node, if they told what was told before. One that
/// told of an end knew better than this node, if all this node knows about the alert is older.
pub(crate) fn content(
    judged: &Judged,
    before: Option<&Notified>,
    peers_knew_until: Option<Timestamp>,
    unknown: Unknown,
) -> Content {
    let nothing = Notified::default();
    let before = before.unwrap_or(&nothing);
    let mut alerts = Vec::new();
    let mut notified = Notified::default();
    for (alert, verdict) in judged.alerts() {
        let hash = alert.labels.log_hash();
        let resolved = alert.resolved_at(judged.now);
        let suppressed = verdict.is_suppressed();
        if suppressed && !before.was_notified_firing(hash) {
            continue;
        }
        let is_older = peers_knew_until.is_some_and(|until| alert.updated_at < until);
        if !resolved && is_older && contains(&before.resolved, hash) {
            notified.resolved.push(hash);
            continue;
        }
        match (resolved, suppressed) {
            (true, _) => notified.resolved.push(hash),
            (false, false) => notified.firing.push(hash),
            (false, true) => {
                notified.resolve_pending.push(hash);
                continue;
            }
        }
        alerts.push(alert.clone());
    }
    let fires = !notified.firing.is_empty();
    if unknown == Unknown::Kept {
        let known: BTreeSet<u64> =
            judged.alerts().map(|(alert, _)| alert.labels.log_hash()).collect();
        let is_unknown = |hash: &&u64| !known.contains(*hash);
        // What says only that something ended may be read as if all had: whoever knows better is
        // to tell again that it fires.
        let still = if fires { &mut notified.firing } else { &mut notified.resolve_pending };
        still.extend(before.firing.iter().filter(is_unknown));
        notified.resolve_pending.extend(before.resolve_pending.iter().filter(is_unknown));
    }
    for hashes in [&mut notified.firing, &mut notified.resolved, &mut notified.resolve_pending] {
        hashes.sort_unstable();
        hashes.dedup();
    }
    Content { alerts, notified, fires }
}

/// The reason to tell this now, if there is one.
///
/// `notified_at`: when the entry was told, by this node's clock. `ended`: alerts whose ends were told
/// lately, though the entry may not say so any more.
pub(crate) fn reason(
    content: &Content,
    send_resolved: bool,
    repeat_interval: Duration,
    entry: Option<&LogEntry>,
    notified_at: Option<Timestamp>,
    ended: &[u64],
    now: Timestamp,
) -> Option<Reason> {
    let notified = &content.notified;
    let Some(entry) = entry else {
        return (!notified.firing.is_empty()).then_some(Reason::FirstNotification);
    };
    let before = &entry.notified;
    if !is_subset(&notified.firing, &before.firing) {
        let first = before.firing.is_empty();
        return Some(if first { Reason::FirstNotification } else { Reason::NewAlertsAdded });
    }
    if notified.firing.is_empty() {
        // What stays muted is owed later; it must not be called resolved now.
        let due = before.firing.iter().any(|hash| !contains(&notified.resolve_pending, *hash))
            || before.resolve_pending.iter().any(|hash| contains(&notified.resolved, *hash));
        return due.then_some(Reason::AllAlertsResolved);
    }
    let is_news = |hash: &u64| {
        let was_told = contains(ended, *hash) && !before.was_notified_firing(*hash);
        !contains(&before.resolved, *hash) && !was_told
    };
    if send_resolved && notified.resolved.iter().any(is_news) {
        return Some(Reason::SomeAlertsResolved);
    }
    let is_old = notified_at.is_some_and(|at| at < now.minus(repeat_interval));
    (content.fires && is_old).then_some(Reason::RepeatIntervalElapsed)
}

/// Both ascending and unique.
fn is_subset(some: &[u64], of: &[u64]) -> bool {
    some.iter().all(|hash| contains(of, *hash))
}

fn contains(hashes: &[u64], hash: u64) -> bool {
    hashes.binary_search(&hash).is_ok()
}
