//! From a flush to the notification log: deliveries, one for each integration of a receiver.
//!
//! In: a group that is due, as it is judged at this instant; what is known about peers; outcomes of
//! attempts. Out: attempts, records of the notification log, and how each delivery ended. The steps
//! of a delivery are in `steps.rs`, what it writes into the log in `log_updates.rs`, and the rule
//! that decides in `deduplication`.
//!
//! It holds no alerts and changes no group: when the wait of a delivery is over, the caller judges
//! its alerts again.

use std::collections::BTreeMap;
use std::time::Duration;

use bellwether_model::{GroupKey, Now};

use crate::deduplication::SuppressedEnds;
use crate::deliveries::{Deliveries, Delivery, ReportedFailure, State};
use crate::group::{Group, GroupId};
use crate::mute::Judged;
use crate::notification_log::NotificationLog;
use crate::plan::Integration;
use crate::record::Record;
use crate::replicated::LogEntry;
use crate::route::Route;
use crate::settings::EngineSettings;
use crate::turn::{DeliveryId, Note, Turn};

pub(super) use steps::{Finished, Resumed, Step};

mod log_updates;
mod steps;

#[derive(Debug)]
pub(super) struct Notification {
    /// Deliveries that are not finished.
    pub deliveries: Deliveries,
    /// What each integration was last notified of about each group; decides what is a duplicate.
    /// Invariant: every change since the start is a record in `keep` of the same turn. While an
    /// attempt is under way, what it changes is resolve pending here, if `send_resolved` is set.
    pub log: NotificationLog,
    /// How long entries of the log are kept.
    retention: Duration,
    /// Whether there are peers to send entries to; fixed.
    has_peers: bool,
    suppressed_ends: SuppressedEnds,
    /// Whether entries say which alerts are suppressed.
    logs_muted: bool,
}

/// A group as it is judged at one instant.
#[derive(Debug)]
pub(super) struct Batch<'a> {
    pub id: GroupId,
    pub group: &'a Group,
    pub route: &'a Route,
    pub judged: &'a Judged,
}

impl Notification {
    pub fn new(settings: &EngineSettings) -> Self {
        Notification {
            deliveries: Deliveries::default(),
            log: NotificationLog::default(),
            retention: settings.retention,
            has_peers: settings.peers.is_some(),
            suppressed_ends: match settings.strict {
                true => SuppressedEnds::Dropped,
                false => SuppressedEnds::Notified,
            },
            logs_muted: settings.logs_muted,
        }
    }

    /// Puts back an entry that was kept on disk. In a cluster a peer may have made it, which knew more
    /// than the alerts say that were kept.
    pub fn restore(&mut self, now: Now, entry: LogEntry) {
        if self.has_peers {
            // What it left out was noted before the restart.
            let _ = self.log.merge_from_peer(entry, now);
        } else {
            self.log.merge(entry);
        }
    }

    /// A delivery for each integration of the group's receiver; `wait` is added to the flush's
    /// deadline, for peers that go first.
    pub fn open(
        &mut self,
        now: Now,
        batch: &Batch<'_>,
        integrations: &[Integration],
        wait: Duration,
    ) -> Vec<(DeliveryId, Delivery)> {
        let Batch { id, group, route, .. } = *batch;
        let interval = route.timing.group_interval;
        let deadline = now.mono.plus(interval.max(FLUSH_TIMEOUT_MIN)).plus(wait);
        let delivery = |integration: &Integration| Delivery {
            group: Some(id),
            key: group.log_key(route, integration),
            integration: integration.clone(),
            repeat_interval: route.timing.repeat_interval,
            since: now.mono,
            deadline,
            attempts: 0,
            alerts: 0,
            first_attempt: None,
            last_attempt: None,
            failure: ReportedFailure::default(),
            state: State::BackingOff,
        };
        integrations.iter().map(|it| (self.deliveries.new_id(), delivery(it))).collect()
    }

    /// A new plan has given other ids to groups; the deliveries of those that are gone attempt
    /// nothing more.
    pub fn move_groups(&mut self, moved: &BTreeMap<GroupId, GroupId>) {
        for delivery in self.deliveries.iter_mut() {
            delivery.group = delivery.group.and_then(|old| moved.get(&old).copied());
        }
    }

    /// Removes entries of the log that have expired, `max` at most; returns how many. One with a pending
    /// resolve stays as long as its group is there.
    pub fn remove_expired(
        &mut self,
        now: Now,
        max: usize,
        has_group: impl Fn(&GroupKey) -> bool,
        turn: &mut Turn,
    ) -> usize {
        let gone = self.log.collect(now.wall, max, |entry| {
            entry.notified.awaits_resolve() && has_group(&entry.key.group)
        });
        let count = gone.len();
        turn.keep.extend(gone.into_iter().map(Record::LogEntryGone));
        count
    }
}

/// Says what a flush found.
pub(super) fn note_flush(key: GroupKey, judged: &Judged, resolved: usize, turn: &mut Turn) {
    let firing = judged.alerts.len() - resolved;
    turn.notes.push(Note::FlushOpened { key, firing, resolved });
    for (cause, alerts) in judged.suppressed_by_cause() {
        turn.notes.push(Note::Suppressed { cause, alerts });
    }
}

/// Compat: a flush may take this long even where groups are due more often.
const FLUSH_TIMEOUT_MIN: Duration = Duration::from_secs(10);
