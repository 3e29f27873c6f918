//! The outward corridor: a deadline becomes deliveries, and ends in the ledger.
//!
//! Here a group's flush begins and ends. What its deliveries do in between is in `deliveries.rs`,
//! what they write into the ledger in `entries.rs`.

use std::collections::BTreeSet;
use std::time::Duration;

use bellwether_model::{Mono, Now};

use super::Engine;
use crate::deliveries::{Delivery, State};
use crate::flush;
use crate::group::{Group, GroupId, MutedBy, OpenFlush, Suppressed};
use crate::mute::{Judged, Verdict};
use crate::notification_log::LogEntry;
use crate::record::Record;
use crate::route::Route;
use crate::turn::{Note, Turn};

mod deliveries;
mod entries;

pub(super) use deliveries::CLAIMED_AFTER;

/// How a delivery ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Well,
    Badly,
}

impl Engine {
    /// Looks at a group that is due and begins to tell its receiver.
    pub(super) fn flush(&mut self, now: Now, id: GroupId, turn: &mut Turn) {
        let plan = self.plan.clone();
        let route = plan.routes.route(id.route);
        let Some((group, judged)) = self.judge_group(now, id) else { return };
        let key = group.key(route);
        let resolved: Vec<_> = judged
            .alerts()
            .map(|(alert, _)| alert)
            .filter(|alert| alert.resolved_at(now.wall))
            .cloned()
            .collect();
        let firing = judged.alerts().count() - resolved.len();
        turn.notes.push(Note::FlushOpened { key, firing, resolved: resolved.len() });
        for (cause, alerts) in judged.suppressed_by_cause() {
            turn.notes.push(Note::Suppressed { cause, alerts });
        }
        // What ended by itself was last written as firing.
        let silently_ended = resolved.iter().filter(|alert| alert.ends_at > alert.updated_at);
        turn.keep.extend(
            silently_ended.map(|alert| Record::Alert { alert: alert.clone(), ended: true }),
        );

        let integrations = plan.receiver(&route.receiver).map_or(&[][..], |r| &r.integrations);
        let interval = route.timing.group_interval;
        let deadline = now.mono.plus(interval.max(FLUSH_TIMEOUT_MIN)).plus(self.peers.wait());
        let suppressed = self.suppressed(now, route, group, &judged);
        let deliveries: Vec<Delivery> = integrations
            .iter()
            .map(|integration| Delivery {
                group: Some(id),
                key: group.ledger_key(route, integration),
                integration: integration.clone(),
                repeat_interval: route.timing.repeat_interval,
                since: now.mono,
                deadline,
                attempts: 0,
                first_attempt: None,
                last_attempt: None,
                state: State::BackingOff,
            })
            .collect();
        self.groups.change(id, |state| {
            state.due = next_flush(state.due, interval, now.mono);
            state.suppressed = suppressed;
            state.open = Some(OpenFlush {
                deliveries: deliveries.len(),
                failed: false,
                resolved: resolved.iter().map(|a| (a.fingerprint, a.updated_at)).collect(),
            });
        });
        if deliveries.is_empty() {
            self.close_flush(now, id, turn);
        }
        for delivery in deliveries {
            let delivery_id = self.deliveries.new_id();
            self.consider(now, delivery_id, delivery, &judged, turn);
        }
    }

    /// The group and its alerts as they are judged now.
    pub(super) fn judge_group(&self, now: Now, id: GroupId) -> Option<(&Group, Judged)> {
        let group = self.groups.find(id)?;
        let alerts = flush::freeze(group, &self.alerts);
        let route = self.plan.routes.route(id.route);
        Some((group, self.mute_context().judge(route, alerts, now.wall)))
    }

    /// Whether some alert fires that a receiver has not been told of, only because of a mute; and
    /// when to look again.
    pub(super) fn suppressed(
        &self,
        now: Now,
        route: &Route,
        group: &Group,
        judged: &Judged,
    ) -> Option<Suppressed> {
        let receiver = self.plan.receiver(&route.receiver);
        let entries: Vec<_> = receiver
            .iter()
            .flat_map(|receiver| &receiver.integrations)
            .map(|integration| self.notification_log.find(&group.ledger_key(route, integration)))
            .collect();
        let mut by = BTreeSet::new();
        let mut until: Option<Mono> = None;
        for (alert, verdict) in judged.alerts() {
            if !verdict.is_suppressed() || alert.resolved_at(now.wall) {
                continue;
            }
            let hash = alert.labels.log_hash();
            let knows = |entry: &Option<&LogEntry>| {
                entry.is_some_and(|entry| entry.notified.firing.binary_search(&hash).is_ok())
            };
            if !entries.is_empty() && entries.iter().all(knows) {
                continue;
            }
            let ends = match verdict {
                Verdict::Active => continue,
                Verdict::Inhibited { by: source, until } => {
                    by.insert(MutedBy::Source(*source));
                    Some(*until)
                }
                Verdict::Silenced { by: silences, until } => {
                    by.extend(silences.iter().cloned().map(MutedBy::Silence));
                    Some(*until)
                }
                Verdict::OutsideActiveIntervals | Verdict::InsideMuteInterval => {
                    by.insert(MutedBy::Interval);
                    self.mute_context().next_interval_change(route, now.wall)
                }
            };
            let ends = ends.map(|ends| now.mono_at(ends)).filter(|ends| *ends > now.mono);
            until = until.into_iter().chain(ends).min();
        }
        // What no known instant ends may still be ended by hand, or by a new plan.
        let until = until.unwrap_or(Mono(u64::MAX));
        (!by.is_empty()).then_some(Suppressed { until, by })
    }

    fn finish(&mut self, now: Now, delivery: &Delivery, end: End, turn: &mut Turn) {
        let Some(id) = delivery.group else { return };
        let mut finished = false;
        self.groups.change(id, |state| {
            if let Some(open) = &mut state.open {
                open.deliveries -= 1;
                open.failed |= end == End::Badly;
                finished = open.deliveries == 0;
            }
        });
        if finished {
            self.close_flush(now, id, turn);
        }
    }

    /// All deliveries of a flush are finished: resolved alerts that were told, and have not changed
    /// since, leave; a group that is empty then is no more.
    fn close_flush(&mut self, now: Now, id: GroupId, turn: &mut Turn) {
        let mut flush = None;
        self.groups.change(id, |state| flush = state.open.take());
        let Some(flush) = flush else { return };
        if !flush.failed {
            for (member, updated_at) in flush.resolved {
                let unchanged = self
                    .alerts
                    .find(member)
                    .is_none_or(|a| a.updated_at == updated_at && a.resolved_at(now.wall));
                if unchanged && self.groups.leave(id, member) {
                    self.alerts.remove_holder(member);
                }
            }
        }
        if self.groups.find(id).is_some_and(|group| !group.members.is_empty()) {
            // Only now: a crash during the flush must not put off what it had to tell.
            self.keep_deadline(now, id, turn);
        } else if let Some(group) = self.groups.close(id) {
            let route = self.plan.routes.route(id.route);
            turn.keep.push(Record::GroupGone(group.name(route)));
            let key = group.key(route);
            turn.notes.push(Note::GroupClosed { key, groups: self.groups.count() });
        }
    }
}

/// The next multiple of `interval` after a beat that was due at `due`, in the future of `now`.
fn next_flush(due: Mono, interval: Duration, now: Mono) -> Mono {
    let next = due.plus(interval);
    // A beat that came early, or much too late, starts a new rhythm.
    if due > now || next <= now { now.plus(interval) } else { next }
}

/// Compat: a flush may take this long even where groups are due more often.
const FLUSH_TIMEOUT_MIN: Duration = Duration::from_secs(10);
