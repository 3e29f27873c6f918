//! Deduplication: should this node notify this integration about this group now?
//!
//! In: the group's alerts as judged at this instant, the notification log, and what is known about
//! peers. Out: a [`Decision`]. The rule is the Go Alertmanager's, with the additions 2, 3 and 9 to
//! 11. Of rules 4 to 8 the first that applies gives the reason.
//!
//! 1. *Content.* Firing alerts that are active are notified as firing, resolved ones as resolved. A
//!    suppressed alert is left out, unless the integration was notified that it fires: then it is
//!    notified as resolved when it resolves, and its resolve is pending until then. If its end was
//!    notified, the log goes on to say so.
//! 2. *Peers knew better.* If a peer notified that an alert resolved, and this node has had no
//!    report of the alert since, the alert is not notified as firing.
//! 3. *Unknown alerts.* In a cluster, alerts that this node does not know stay in the log entry: a
//!    peer may know them.
//! 4. *First notification.* Something fires, and the log says that nothing did.
//! 5. *New alerts.* Something fires that the log does not say is firing.
//! 6. *All resolved.* Nothing fires any more, and the integration was notified that something did.
//! 7. *Some resolved.* Something resolved that the log does not say is resolved, if the integration
//!    wants to be notified of that (`send_resolved`).
//! 8. *Repeat.* Something fires, and the last notification is older than `repeat_interval`. A node
//!    that waits for peers lets that wait pass too, so that peers with an earlier position find out
//!    first.
//! 9. *Peers first.* A node waits for its turn: one peer timeout for each responsive peer with an
//!    earlier position, and longer if a Go node among them notifies later than that. If after that
//!    there is no reason left to notify what there was to notify when the wait began, a peer has done
//!    it, and what came up meanwhile is left to the next flush.
//! 10. *Claims.* While a peer says that it is trying, this node defers to it: for a minute, or three
//!     quarters of what is left of a shorter flush, since it may be only the peer that cannot reach
//!     the receiver. A node that has tried too defers only to peers with an earlier position, for
//!     five minutes after each attempt of its own. Without TLS a claim may be forged, and both are
//!     one peer timeout at most. When the peer no longer says so, or is no longer there, those that
//!     left it to the peer take over one after the other.
//! 11. *Unknown outcome.* Before an attempt, the log stops saying what the attempt may change
//!     ([`Notified::uncertain_during`]); if the outcome stays unknown, both "firing" and "resolved"
//!     are notified again. [`is_certainly_not_notified`] says which outcomes undo that.
//!
//! Nothing is sent or written here. Without a reason no notification is sent, and the caller keeps
//! the group until the next flush.

use std::time::Duration;

use bellwether_model::{FailureReason, Mono, Now, Outcome, Reason, Timestamp};

use crate::mute::{Judged, Selection};
use crate::notification_log::NotificationLog;
use crate::peers::Peers;
use crate::replicated::{self, Ascending, LogEntry, LogKey, Notified};

/// A delivery as far as deduplication depends on it.
#[derive(Debug)]
pub(crate) struct Candidate<'a> {
    pub key: &'a LogKey,
    pub send_resolved: bool,
    pub repeat_interval: Duration,
    /// Since when there has been something to notify.
    pub since: Mono,
    /// When its flush ends.
    pub deadline: Mono,
    /// When this node last tried to notify it.
    pub last_attempt: Option<Mono>,
    /// What there was to notify when the wait for peers began; `None` if it has not waited.
    pub waited_with: Option<&'a Content>,
    pub suppressed_ends: SuppressedEnds,
    /// Whether the log is to say which alerts are suppressed.
    pub logs_muted: bool,
}

#[derive(Debug)]
pub(crate) enum Decision {
    /// There is no reason to notify; `notified` is what the log would say.
    Nothing {
        notified: Notified,
    },
    /// There is a reason, but a peer goes first; decide again at `until` at the latest.
    Defer {
        until: Mono,
        cause: Deferral,
        content: Content,
    },
    Notify {
        reason: Reason,
        content: Content,
    },
}

/// Why a peer goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deferral {
    /// It is not this node's turn; `wait` is left.
    EarlierPosition { wait: Duration },
    /// A peer is trying.
    Claimed,
}

/// What an integration would be notified of about a group at one instant.
#[derive(Debug)]
pub(crate) struct Content {
    /// None once it is left to a peer.
    pub alerts: Selection,
    /// What the log says once it is notified.
    pub notified: Notified,
    /// Whether any of `alerts` fires.
    pub fires: bool,
}

/// What the log knows about one integration and one group.
struct Known<'a> {
    entry: Option<&'a LogEntry>,
    /// When `entry` was notified, by this node's clock.
    notified_at: Option<Timestamp>,
    /// Alerts that were lately notified as resolved, ascending, though `entry` may not say so any more.
    resolved_lately: Vec<u64>,
    /// Up to when peers knew more than this node, if one of them made `entry`.
    peers_knew_until: Option<Timestamp>,
}

/// Whether a suppressed alert of which the integration was notified is still to be notified as
/// resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SuppressedEnds {
    Notified,
    /// Compat: a suppressed alert is as if it were not there.
    Dropped,
}

/// What becomes of alerts that the log says are firing and that this node does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UnknownAlerts {
    Drop,
    /// A peer may know them, and will notify that they resolved.
    Keep,
}

impl Content {
    /// What is left to compare with, once it is not to be sent.
    #[must_use]
    pub fn without_alerts(self) -> Self {
        Content { alerts: Selection::default(), ..self }
    }
}

/// Applies the rule.
pub(crate) fn decide(
    candidate: &Candidate<'_>,
    judged: &Judged,
    log: &mut NotificationLog,
    peers: &Peers,
    now: Now,
) -> Decision {
    let notified_at = log.notified_at(candidate.key, now.wall);
    let known = Known {
        entry: log.find(candidate.key),
        notified_at,
        resolved_lately: log.resolved_lately(candidate.key, now.mono),
        peers_knew_until: log.peers_knew_until(candidate.key, now.mono, peers.clocks_lag()),
    };
    let unknown = if peers.is_alone() { UnknownAlerts::Drop } else { UnknownAlerts::Keep };
    let mut content = content(judged, &known, unknown, candidate.suppressed_ends);
    if !candidate.logs_muted {
        content.notified.muted.clear();
    }
    let repeat_interval = candidate.repeat_interval.saturating_add(peers.wait(candidate.since));
    let reason = |content: &Content| {
        reason(content, &known, candidate.send_resolved, repeat_interval, now.wall)
    };
    let peer_notified = candidate.waited_with.is_some_and(|content| reason(content).is_none());
    // Where all alerts are suppressed, nothing is compared.
    let is_dropped =
        candidate.suppressed_ends == SuppressedEnds::Dropped && content.alerts.count() == 0;
    let Some(reason) = reason(&content).filter(|_| !peer_notified && !is_dropped) else {
        return Decision::Nothing { notified: content.notified };
    };
    match deferral(candidate, peers, now.mono) {
        Some((until, cause)) => Decision::Defer { until, cause, content },
        None => Decision::Notify { reason, content },
    }
}

/// Rule 11: whether the receiver can not have taken the notification. One that was too slow may
/// have, and so may one behind a gateway that lost its answer.
pub(crate) fn is_certainly_not_notified(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Delivered { .. } => false,
        Outcome::Retry { reason, .. } | Outcome::Refused { reason, .. } => !matches!(
            reason,
            FailureReason::ContextDeadlineExceeded
                | FailureReason::ContextCanceled
                | FailureReason::ServerError
        ),
    }
}

/// Rules 1 to 3: what the judged alerts mean for one integration.
fn content(
    judged: &Judged,
    known: &Known<'_>,
    unknown: UnknownAlerts,
    suppressed_ends: SuppressedEnds,
) -> Content {
    let nothing = Notified::default();
    let before = known.entry.map_or(&nothing, |entry| &entry.notified);
    let mut alerts = Selection::none(judged);
    let mut notified = Notified::default();
    let mut was_firing = Ascending::of(&before.firing);
    let mut was_pending = Ascending::of(&before.resolve_pending);
    let mut was_resolved = Ascending::of(&before.resolved);
    for (hash, at) in judged.by_hash.iter().copied() {
        let judged_alert = &judged.alerts[at as usize];
        let resolved = judged_alert.resolved_at(judged.now);
        let suppressed = judged_alert.verdict.is_suppressed();
        if suppressed {
            notified.muted.push(hash);
            if suppressed_ends == SuppressedEnds::Dropped {
                continue;
            }
        }
        if suppressed && !was_firing.contains(hash) && !was_pending.contains(hash) {
            // It was notified as resolved, and is to be notified no second time when the mute ends. If
            // it ended after that, it has fired again, and a peer may have notified that.
            let is_that_end = known.notified_at.is_some_and(|at| judged_alert.ends_at <= at);
            if resolved && is_that_end && was_resolved.contains(hash) {
                notified.resolved.push(hash);
            }
            continue;
        }
        let is_older = known.peers_knew_until.is_some_and(|until| judged_alert.updated_at < until);
        if !resolved && is_older && was_resolved.contains(hash) {
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
        alerts.add(at);
    }
    let fires = !notified.firing.is_empty();
    if unknown == UnknownAlerts::Keep {
        let known: Vec<u64> = judged.by_hash.iter().map(|(hash, _)| *hash).collect();
        let unknown = |hashes: &[u64]| {
            let mut known = Ascending::of(&known);
            let unknown = hashes.iter().copied().filter(|hash| !known.contains(*hash));
            unknown.collect::<Vec<u64>>()
        };
        // A notification with resolved alerts alone may be read as if all had resolved: a node that
        // knows better is to notify again that they fire.
        let still = if fires { &mut notified.firing } else { &mut notified.resolve_pending };
        still.extend(unknown(&before.firing));
        notified.resolve_pending.extend(unknown(&before.resolve_pending));
    }
    for hashes in [&mut notified.firing, &mut notified.resolved, &mut notified.resolve_pending] {
        hashes.sort_unstable();
        hashes.dedup();
    }
    Content { alerts, notified, fires }
}

/// Rules 4 to 8: the reason to notify this now, if there is one.
fn reason(
    content: &Content,
    known: &Known<'_>,
    send_resolved: bool,
    repeat_interval: Duration,
    now: Timestamp,
) -> Option<Reason> {
    let notified = &content.notified;
    let Some(entry) = known.entry else {
        return (!notified.firing.is_empty()).then_some(Reason::FirstNotification);
    };
    let before = &entry.notified;
    if !replicated::is_subset(&notified.firing, &before.firing) {
        let first = before.firing.is_empty();
        return Some(if first { Reason::FirstNotification } else { Reason::NewAlertsAdded });
    }
    if notified.firing.is_empty() {
        // What stays suppressed resolves later; it must not be called resolved now.
        let mut resolved = Ascending::of(&notified.resolved);
        let due = !replicated::is_subset(&before.firing, &notified.resolve_pending)
            || before.resolve_pending.iter().any(|hash| resolved.contains(*hash));
        return due.then_some(Reason::AllAlertsResolved);
    }
    let mut resolved = Ascending::of(&before.resolved);
    let mut resolved_lately = Ascending::of(&known.resolved_lately);
    let is_new = |hash: &u64| {
        let is_known = resolved.contains(*hash)
            || resolved_lately.contains(*hash) && !before.was_notified_firing(*hash);
        !is_known
    };
    if send_resolved && notified.resolved.iter().any(is_new) {
        return Some(Reason::SomeAlertsResolved);
    }
    let is_old = known.notified_at.is_some_and(|at| at < now.minus(repeat_interval));
    (content.fires && is_old).then_some(Reason::RepeatIntervalElapsed)
}

/// Rules 9 and 10: until when this is left to peers, and why.
fn deferral(candidate: &Candidate<'_>, peers: &Peers, now: Mono) -> Option<(Mono, Deferral)> {
    if peers.is_alone() {
        return None;
    }
    let deadline = candidate.deadline;
    let has_tried = candidate.last_attempt.is_some();
    let turn = peers.turn_at(candidate.since);
    if turn > now && !has_tried {
        let wait = turn.since(now);
        return Some((turn.min(deadline), Deferral::EarlierPosition { wait }));
    }
    let what = candidate.key.hash();
    let (left_until, begins) = match peers.claimed_until(what, has_tried, now) {
        Some(until) => (until, turn),
        // The turn comes sooner when a peer ahead is found dead, which is when its claims end.
        None => (
            peers.takeover_at(what, has_tried, candidate.since)?,
            candidate.since.plus(peers.longest_wait(candidate.since)),
        ),
    };
    let deferred_until = match candidate.last_attempt {
        None => {
            let left = deadline.since(turn);
            begins.plus((left - left / 4).min(peers.claim_heeded_for(DEFER_MAX)))
        }
        Some(at) => at.plus(peers.claim_heeded_for(DEFER_AGAIN_MAX)),
    };
    let until = left_until.min(deferred_until).min(deadline);
    (until > now).then_some((until, Deferral::Claimed))
}

/// How long this node defers to a peer that claims a notification, before it tries too.
const DEFER_MAX: Duration = Duration::from_secs(60);

/// The same after an attempt of its own: so rarely that both hardly ever reach a receiver that has
/// just recovered.
const DEFER_AGAIN_MAX: Duration = Duration::from_mins(5);

#[cfg(test)]
mod tests;
