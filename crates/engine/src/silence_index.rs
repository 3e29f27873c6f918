//! Which silences match which alerts?
//!
//! Neither an alert's labels nor a silence's matchers ever change, so the answer is found once,
//! when the later of the two arrives, and not at every flush and for every reader. Whether a
//! silence that matches also holds now depends on its times, and is checked when it matters.
//!
//! A silence may match very many alerts, and those are found some in each turn, in the order of
//! their fingerprints. It is in force from its own turn on: of an alert that was not reached yet its
//! matchers are asked directly.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use bellwether_model::{Alert, Fingerprint, LabelSet, Matchers, Silence};

use crate::alerts::{Alerts, LabelBits};

/// The ids of the silences that match an alert, for every alert that some silence matches.
///
/// Silences that have ended may still be among them.
#[derive(Clone, Debug)]
pub(crate) struct SilenceIndex {
    /// By the top bits of the fingerprint; one is copied when it changes while a reader holds it.
    shards: Vec<Arc<Shard>>,
    /// Silences whose alerts have not all been found.
    unfinished: Vec<Unfinished>,
}

/// Invariant: no id stands twice under one alert, and nothing is empty.
type Shard = BTreeMap<Fingerprint, Arc<[Arc<str>]>>;

#[derive(Clone, Debug)]
struct Unfinished {
    id: Arc<str>,
    matcher_sets: Arc<[Matchers]>,
    /// All alerts with smaller fingerprints have been found.
    next: Fingerprint,
}

/// How many alerts one call may look at.
struct Budget {
    rows: usize,
    candidates: usize,
}

impl Default for SilenceIndex {
    fn default() -> Self {
        SilenceIndex { shards: vec![Arc::default(); SHARDS], unfinished: Vec::new() }
    }
}

impl SilenceIndex {
    pub fn of(&self, alert: &Alert) -> impl Iterator<Item = &Arc<str>> {
        let found = self.found(alert.fingerprint);
        let fingerprint = alert.fingerprint;
        let is_unfound = move |it: &&Unfinished| {
            it.next <= fingerprint && it.matches(&alert.labels) && !found.contains(&it.id)
        };
        let unfound = self.unfinished.iter().filter(is_unfound);
        found.iter().chain(unfound.map(|it| &it.id))
    }

    /// Whether there is anything to remove with this alert.
    pub fn holds(&self, alert: Fingerprint) -> bool {
        !self.found(alert).is_empty()
    }

    /// Takes note of an alert that is new, and of all silences that match it.
    pub fn add_alert(&mut self, alert: Fingerprint, silences: Vec<Arc<str>>) {
        self.shard_mut(alert).insert(alert, silences.into());
    }

    pub fn remove_alert(&mut self, alert: Fingerprint) {
        self.shard_mut(alert).remove(&alert);
    }

    /// Takes note of a silence whose matchers are new; its alerts are found by
    /// [`SilenceIndex::find_some`].
    pub fn add_silence(&mut self, id: &Arc<str>, silence: &Silence, alerts: &Alerts) {
        self.stop_finding(id);
        if alerts.iter().next().is_none() {
            return;
        }
        let matcher_sets = silence.matcher_sets.clone().into();
        self.unfinished.push(Unfinished { id: id.clone(), matcher_sets, next: Fingerprint(0) });
        if self.unfinished.len() > UNFINISHED_MAX {
            let first = self.unfinished.remove(0);
            self.find(first, alerts, &mut Budget { rows: usize::MAX, candidates: usize::MAX });
        }
    }

    /// The silence has ended: alerts that were not reached are left out.
    pub fn stop_finding(&mut self, id: &Arc<str>) {
        self.unfinished.retain(|it| it.id != *id);
    }

    /// Finds alerts of silences, as many as fit into a turn.
    pub fn find_some(&mut self, alerts: &Alerts) {
        let mut budget = Budget { rows: ROWS_PER_TURN, candidates: CANDIDATES_PER_TURN };
        while budget.is_left() && !self.unfinished.is_empty() {
            let first = self.unfinished.remove(0);
            if let Some(rest) = self.find(first, alerts, &mut budget) {
                self.unfinished.insert(0, rest);
            }
        }
    }

    pub fn is_finished(&self) -> bool {
        self.unfinished.is_empty()
    }

    /// Whether so many silences are unfinished that the alerts of a further one would be found at once.
    pub fn is_crowded(&self) -> bool {
        self.unfinished.len() >= UNFINISHED_MAX
    }

    /// Forgets a silence, in one call however many alerts there are.
    pub fn remove_silence(&mut self, gone: &Arc<str>) {
        self.stop_finding(gone);
        self.remove_from(0..SHARDS, |id| id == gone);
    }

    /// Forgets silences for the alerts of these shards.
    pub fn remove_from(&mut self, shards: Range<usize>, is_gone: impl Fn(&Arc<str>) -> bool) {
        for shard in &mut self.shards[shards] {
            if shard.values().any(|ids| ids.iter().any(&is_gone)) {
                Arc::make_mut(shard).retain(|_, ids| {
                    if ids.iter().any(&is_gone) {
                        *ids = ids.iter().filter(|id| !is_gone(id)).cloned().collect();
                    }
                    !ids.is_empty()
                });
            }
        }
    }

    /// Finds alerts of one silence; returns it if there may be more.
    fn find(
        &mut self,
        mut silence: Unfinished,
        alerts: &Alerts,
        budget: &mut Budget,
    ) -> Option<Unfinished> {
        let required: Vec<LabelBits> =
            silence.matcher_sets.iter().map(|set| LabelBits::required(&set.0)).collect();
        for (bits, alert) in alerts.from(silence.next) {
            if !budget.is_left() {
                silence.next = alert.fingerprint;
                return Some(silence);
            }
            budget.rows -= 1;
            if required.iter().any(|required| bits.covers(*required)) {
                budget.candidates -= 1;
                if silence.matches(&alert.labels) {
                    self.add(alert.fingerprint, &silence.id);
                }
            }
        }
        None
    }

    fn add(&mut self, alert: Fingerprint, id: &Arc<str>) {
        let found = self.found(alert);
        if !found.contains(id) {
            let ids = found.iter().chain([id]).cloned().collect();
            self.shard_mut(alert).insert(alert, ids);
        }
    }

    fn found(&self, alert: Fingerprint) -> &[Arc<str>] {
        self.shards[shard_of(alert)].get(&alert).map_or(&[], |ids| ids)
    }

    fn shard_mut(&mut self, alert: Fingerprint) -> &mut Shard {
        Arc::make_mut(&mut self.shards[shard_of(alert)])
    }
}

impl Unfinished {
    fn matches(&self, labels: &LabelSet) -> bool {
        self.matcher_sets.iter().any(|set| set.matches(labels))
    }
}

impl Budget {
    fn is_left(&self) -> bool {
        self.rows > 0 && self.candidates > 0
    }
}

fn shard_of(alert: Fingerprint) -> usize {
    (alert.0 >> (64 - SHARD_BITS)) as usize
}

const SHARD_BITS: u32 = 10;
pub(crate) const SHARDS: usize = 1 << SHARD_BITS;

/// Limit: silences whose alerts are found bit by bit; the alerts of a further one are found at once,
/// since every alert that is judged asks the matchers of each.
const UNFINISHED_MAX: usize = 16;
/// Limit: alerts that one turn passes, and alerts whose labels it reads; about a millisecond's work.
const ROWS_PER_TURN: usize = 1 << 16;
const CANDIDATES_PER_TURN: usize = 1024;

#[cfg(test)]
mod tests;
