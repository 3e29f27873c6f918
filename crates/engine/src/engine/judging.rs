//! How much of what is due fits into one turn, and how far has the judgement of a large group come?
//!
//! In: alerts of a group, as they are judged, some in each turn. Out: the whole group, once all of
//! them are. Clients wait for the turn that is under way, so no turn may depend on how many alerts a
//! group has: a turn judges [`ALERTS_PER_TURN`] alerts, and what is left is due at once in the next
//! one. Between two turns other inputs have theirs. What compares all alerts of a large group with
//! the notification log is done for one delivery in each turn.
//!
//! It decides nothing and reads no clock. What changes between the first and the last of these turns
//! is for the next flush, as if it had come after the first.

use std::collections::VecDeque;
use std::sync::Arc;

use bellwether_model::{Alert, Fingerprint, Timestamp};

use crate::group::GroupId;
use crate::mute::{Judged, JudgedAlert};
use crate::turn::DeliveryId;

use self::runs::SortedRuns;

mod runs;

/// What a group is judged for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Flush(GroupId),
    /// The next step of a delivery.
    Delivery(DeliveryId),
}

/// A group whose judgement takes several turns.
#[derive(Debug)]
pub(super) struct Judging {
    pub purpose: Purpose,
    pub group: GroupId,
    /// When it began; decides which alerts fire.
    at: Timestamp,
    members: usize,
    alerts: Vec<JudgedAlert>,
    by_hash: SortedRuns,
}

/// A large group that has been flushed, until all of the flush's deliveries are decided: one in each
/// turn, since that compares all alerts with the notification log.
#[derive(Debug)]
pub(super) struct Flushed {
    judged: Judged,
    deliveries: VecDeque<DeliveryId>,
}

/// What the rest of a turn may be spent on, in alerts.
#[derive(Debug)]
pub(super) struct Budget(usize);

/// Judged alerts that nothing needs any more. To free those of a large group at once takes
/// milliseconds.
#[derive(Debug, Default)]
pub(super) struct Spent(Vec<Vec<JudgedAlert>>);

impl Judging {
    /// `members` is how many alerts the group has.
    pub fn begin(purpose: Purpose, group: GroupId, members: usize, at: Timestamp) -> Self {
        let alerts = Vec::with_capacity(members);
        Judging { purpose, group, at, members, alerts, by_hash: SortedRuns::default() }
    }

    /// Whether the group is judged in one turn, whatever else that turn does.
    pub fn is_small(&self) -> bool {
        is_small(self.members)
    }

    /// The last alert that has been judged.
    pub fn last(&self) -> Option<Fingerprint> {
        self.alerts.last().map(|judged| judged.fingerprint)
    }

    /// Takes judged alerts with the names that log entries have for them; returns how many it was.
    pub fn add(&mut self, alerts: impl Iterator<Item = (JudgedAlert, u64)>) -> usize {
        let before = self.alerts.len();
        let mut names = Vec::new();
        for (judged, log_hash) in alerts {
            // Limit: groups of four billion alerts do not fit into memory.
            names.push((log_hash, u32::try_from(self.alerts.len()).unwrap_or(u32::MAX)));
            self.alerts.push(judged);
        }
        self.by_hash.add(names);
        self.alerts.len() - before
    }

    /// The last `count` alerts that timed out.
    pub fn timed_out(&self, count: usize) -> impl Iterator<Item = &Arc<Alert>> {
        let newest = self.alerts.iter().rev().take(count).rev();
        newest.filter(|judged| judged.timed_out_at(self.at)).map(|judged| &judged.alert)
    }

    pub fn finish(self) -> Judged {
        let (alerts, by_hash) = (Arc::new(self.alerts), Arc::new(self.by_hash.merged()));
        Judged { now: self.at, alerts, by_hash }
    }
}

impl Flushed {
    pub fn new(judged: Judged, deliveries: impl Iterator<Item = DeliveryId>) -> Self {
        Flushed { judged, deliveries: deliveries.collect() }
    }

    /// The delivery that is decided next.
    pub fn next(&self) -> Option<DeliveryId> {
        self.deliveries.front().copied()
    }

    /// The group as it is judged for `delivery`, if that is the next one.
    pub fn take(&mut self, delivery: DeliveryId) -> Option<Judged> {
        let taken = self.deliveries.pop_front_if(|next| *next == delivery);
        taken.map(|_| self.judged.clone())
    }

    pub fn is_decided(&self) -> bool {
        self.deliveries.is_empty()
    }
}

impl Budget {
    pub fn of_a_turn() -> Self {
        Budget(ALERTS_PER_TURN)
    }

    pub fn left(&self) -> usize {
        self.0
    }

    pub fn is_spent(&self) -> bool {
        self.0 == 0
    }

    /// Leaves the rest of what is due to the next turn.
    pub fn exhaust(&mut self) {
        self.0 = 0;
    }

    pub fn spend(&mut self, alerts: usize) {
        self.0 = self.0.saturating_sub(alerts);
    }
}

impl Spent {
    /// Takes what a step has judged, unless an attempt still reads it.
    pub fn add(&mut self, judged: Judged) {
        let alerts = Arc::into_inner(judged.alerts);
        self.0.extend(alerts.filter(|alerts| alerts.len() > ALERTS_PER_TURN));
    }

    /// Frees some of it.
    pub fn free_some(&mut self) {
        let Some(alerts) = self.0.last_mut() else { return };
        alerts.truncate(alerts.len().saturating_sub(FREED_PER_TURN));
        if alerts.is_empty() {
            self.0.pop();
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Whether a turn has room for all that a group of so many alerts needs.
pub(super) fn is_small(alerts: usize) -> bool {
    alerts <= ALERTS_PER_TURN
}

/// Limit: alerts that one turn judges for flushes and deliveries; about a millisecond's work.
pub(super) const ALERTS_PER_TURN: usize = 512;

/// What a flush or a delivery costs besides its alerts, in alerts.
pub(super) const STEP_COST: usize = 32;

const FREED_PER_TURN: usize = 8 * ALERTS_PER_TURN;
