//! The alert store: what is now true about each fingerprint?
//!
//! In: reports ([`NewAlert`]) and the time. Out: for each, the [`Change`] it made; and for readers
//! the whole table as a cheap, immutable [`Snapshot`].
//!
//! It merges by the Go rules, fills in what a sender left out, and says which changes are
//! *material*, that is, worth a record on disk: everything except an end that a sender moves ahead
//! by repeating a firing alert. It knows no routes, but counts the groups that hold an alert, since
//! a resolved alert may leave only when no group needs it any more.
//!
//! The table is cut into shards by the top bits of the fingerprint, each sorted, so that it is in
//! the order of the API as it stands. A shard is copied when it changes while a reader holds it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bellwether_model::{Alert, Fingerprint, NewAlert, Timestamp};

mod label_bits;
mod lateness;
mod prefetch;

pub(crate) use label_bits::LabelBits;
use lateness::{End, LateEnds};
pub(crate) use prefetch::{PREFETCH_BATCH, prefetch, prefetched};

/// The alert table.
#[derive(Debug)]
pub(crate) struct Alerts {
    shards: Vec<Arc<Shard>>,
    /// Ends of the alerts of each name; kept only where a limit per name is set.
    ends_by_name: BTreeMap<String, BTreeSet<(Timestamp, Fingerprint)>>,
    per_name_max: usize,
    late_ends: LateEnds,
}

/// The table as it was at one instant.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    shards: Vec<Arc<Shard>>,
}

/// Invariant: sorted by fingerprint.
#[derive(Clone, Debug, Default)]
struct Shard {
    rows: Vec<Row>,
}

#[derive(Clone, Debug)]
struct Row {
    fingerprint: Fingerprint,
    label_bits: LabelBits,
    /// How many groups hold the alert.
    holders: u32,
    alert: Arc<Alert>,
}

/// What one report changed.
#[derive(Debug)]
pub(crate) struct Change {
    pub alert: Arc<Alert>,
    pub was: Was,
    /// By how much the sender's clock is late at least, if it has shown that it is.
    pub late_by: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Was {
    New,
    /// Known, and something that a receiver could see is different.
    Different,
    /// Known, and the same but for the end of a firing alert.
    Repeated,
    /// Known, and the same; but it had timed out, and only now its sender says that it is resolved.
    EndConfirmed,
}

/// Why a report was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    EndsBeforeStart,
    /// Limit: `per_name_max` alerts of this name are active.
    TooManyOfName {
        name: String,
    },
}

impl Alerts {
    pub fn new(per_name_max: usize) -> Self {
        let empty = Arc::new(Shard::default());
        Alerts {
            shards: vec![empty; SHARDS],
            ends_by_name: BTreeMap::new(),
            per_name_max,
            late_ends: LateEnds::default(),
        }
    }

    /// Prepares for the next reports, [`PREFETCH_BATCH`] of them.
    pub fn prefetch(&self, reports: &[NewAlert]) {
        let next = reports.iter().take(PREFETCH_BATCH);
        let known: Vec<_> = next.filter_map(|report| self.find(report.fingerprint)).collect();
        prefetch(known.into_iter());
    }

    /// Takes one report at `now`.
    pub fn report(
        &mut self,
        mut new: NewAlert,
        now: Timestamp,
        resolve_timeout: Duration,
    ) -> Result<Change, Refusal> {
        let late_by = match self.late_ends.read(&new, now) {
            End::AsReported => None,
            End::FiresStill { late_by } => {
                new.ends_at = None;
                Some(late_by)
            }
        };
        let mut new = complete(new, now, resolve_timeout);
        new.late_by_s = late_by.map_or(0, |by| u32::try_from(by.as_secs()).unwrap_or(u32::MAX));
        if new.ends_at < new.starts_at {
            return Err(Refusal::EndsBeforeStart);
        }
        if self.per_name_max > 0 {
            self.admit(&new, now)?;
        }
        Ok(Change { late_by, ..self.place(new, now) })
    }

    /// Limit: whether the late clock of a sender is to be logged now.
    pub fn logs_late_clock(&mut self, now: Timestamp) -> bool {
        self.late_ends.is_worth_a_line(now)
    }

    /// Puts back an alert that was kept on disk.
    pub fn restore(&mut self, alert: Alert) {
        self.late_ends.restore(&alert);
        let shard = shard_of(alert.fingerprint);
        let row = Row::of(Arc::new(alert));
        let rows = &mut Arc::make_mut(&mut self.shards[shard]).rows;
        let former_end = match rows.binary_search_by_key(&row.fingerprint, |row| row.fingerprint) {
            Ok(at) => Some(std::mem::replace(&mut rows[at], row.clone()).alert.ends_at),
            Err(at) => {
                rows.insert(at, row.clone());
                None
            }
        };
        self.note_end(former_end, &row.alert);
    }

    /// Counts one more group that holds the alert.
    pub fn add_holder(&mut self, fingerprint: Fingerprint) {
        if let Some(row) = self.row_mut(fingerprint) {
            row.holders += 1;
        }
    }

    /// Counts one group less.
    pub fn remove_holder(&mut self, fingerprint: Fingerprint) {
        if let Some(row) = self.row_mut(fingerprint) {
            row.holders = row.holders.saturating_sub(1);
        }
    }

    /// No group holds any alert; they are about to be grouped again.
    pub fn clear_holders(&mut self) {
        for shard in &mut self.shards {
            if !shard.rows.is_empty() {
                for row in &mut Arc::make_mut(shard).rows {
                    row.holders = 0;
                }
            }
        }
    }

    /// Drops resolved alerts that no group holds and that are not needed, and returns them: all if
    /// there are fewer than `max`, else as many or a few more.
    pub fn collect(
        &mut self,
        now: Timestamp,
        max: usize,
        is_needed: impl Fn(Fingerprint) -> bool,
    ) -> Vec<Arc<Alert>> {
        let mut gone = Vec::new();
        for shard in &mut self.shards {
            if gone.len() >= max {
                break;
            }
            let leaves = |row: &Row| {
                row.holders == 0 && row.alert.resolved_at(now) && !is_needed(row.fingerprint)
            };
            if shard.rows.iter().any(leaves) {
                let rows = &mut Arc::make_mut(shard).rows;
                gone.extend(rows.iter().filter(|row| leaves(row)).map(|row| row.alert.clone()));
                rows.retain(|row| !leaves(row));
                rows.shrink_to(rows.len() * 2);
            }
        }
        self.late_ends.forget_old(now);
        for alert in &gone {
            self.forget_end(alert);
        }
        gone
    }

    pub fn find(&self, fingerprint: Fingerprint) -> Option<&Arc<Alert>> {
        self.shards[shard_of(fingerprint)].find(fingerprint)
    }

    /// The alerts from this fingerprint on, ascending.
    pub fn from(&self, first: Fingerprint) -> impl Iterator<Item = (LabelBits, &Arc<Alert>)> {
        let shards = &self.shards[shard_of(first)..];
        let rows = shards.iter().flat_map(move |shard| {
            &shard.rows[shard.rows.partition_point(|row| row.fingerprint < first)..]
        });
        rows.map(|row| (row.label_bits, &row.alert))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Alert>> {
        self.shards.iter().flat_map(|shard| shard.rows.iter().map(|row| &row.alert))
    }

    pub fn snapshot(&self) -> Snapshot {
        Snapshot { shards: self.shards.clone() }
    }

    /// Stores a checked report: merged with what is known, in place where nothing else reads it.
    fn place(&mut self, new: Alert, now: Timestamp) -> Change {
        let fingerprint = new.fingerprint;
        let shard = shard_of(fingerprint);
        let found =
            self.shards[shard].rows.binary_search_by_key(&fingerprint, |row| row.fingerprint);
        let rows = &mut Arc::make_mut(&mut self.shards[shard]).rows;
        let (alert, was, former_end) = match found {
            Err(at) => {
                let row = Row::of(Arc::new(new));
                let alert = row.alert.clone();
                rows.insert(at, row);
                (alert, Was::New, None)
            }
            Ok(at) => {
                let old = &mut rows[at].alert;
                // A wall clock that went back must not make the newer report the older one.
                let updated_at = new.updated_at.max(old.updated_at);
                let mut merged = Alert::after(old, Alert { updated_at, ..new });
                let mut was = compare(old, &merged, now);
                if was == Was::Repeated && has_timed_out(old, now) {
                    was = Was::EndConfirmed;
                } else if was == Was::Repeated && old.resolved_at(now) {
                    let alert = old.clone();
                    return Change { alert, was, late_by: None };
                }
                if matches!(was, Was::Repeated | Was::EndConfirmed) {
                    // Keep the strings that are already there, so that equal ones exist once.
                    merged.labels = old.labels.clone();
                    merged.annotations = old.annotations.clone();
                    merged.generator_url = old.generator_url.clone();
                }
                let former_end = old.ends_at;
                match Arc::get_mut(old) {
                    Some(old) => *old = merged,
                    None => *old = Arc::new(merged),
                }
                (old.clone(), was, Some(former_end))
            }
        };
        self.note_end(former_end, &alert);
        Change { alert, was, late_by: None }
    }

    /// Limit: removes a resolved alert of the same name if there are too many, or refuses.
    fn admit(&mut self, new: &Alert, now: Timestamp) -> Result<(), Refusal> {
        if self.find(new.fingerprint).is_some() {
            return Ok(());
        }
        let active = self.ends_by_name.get(new.name()).map_or(0, |ends| {
            let resolved = ends.iter().take_while(|(ends_at, _)| *ends_at <= now).count();
            ends.len() - resolved
        });
        if active >= self.per_name_max {
            Err(Refusal::TooManyOfName { name: new.name().to_owned() })
        } else {
            Ok(())
        }
    }

    fn note_end(&mut self, former_end: Option<Timestamp>, alert: &Alert) {
        if self.per_name_max == 0 {
            return;
        }
        let ends = self.ends_by_name.entry(alert.name().to_owned()).or_default();
        if let Some(former_end) = former_end {
            ends.remove(&(former_end, alert.fingerprint));
        }
        ends.insert((alert.ends_at, alert.fingerprint));
    }

    fn forget_end(&mut self, alert: &Alert) {
        if let Some(ends) = self.ends_by_name.get_mut(alert.name()) {
            ends.remove(&(alert.ends_at, alert.fingerprint));
            if ends.is_empty() {
                self.ends_by_name.remove(alert.name());
            }
        }
    }

    fn row_mut(&mut self, fingerprint: Fingerprint) -> Option<&mut Row> {
        let shard = &mut self.shards[shard_of(fingerprint)];
        let found = shard.rows.binary_search_by_key(&fingerprint, |row| row.fingerprint);
        found.ok().map(|at| &mut Arc::make_mut(shard).rows[at])
    }
}

impl Snapshot {
    /// All alerts; ascending fingerprints.
    pub fn into_alerts(self) -> impl Iterator<Item = Arc<Alert>> {
        self.shards.into_iter().flat_map(|shard| {
            (0..shard.rows.len()).filter_map(move |at| Some(shard.rows.get(at)?.alert.clone()))
        })
    }

    /// All alerts whose labels may have everything that `required` has; ascending fingerprints.
    pub fn candidates(&self, required: LabelBits) -> impl Iterator<Item = &Arc<Alert>> {
        let rows = self.shards.iter().flat_map(|shard| shard.rows.iter());
        rows.filter(move |row| row.label_bits.covers(required)).map(|row| &row.alert)
    }
}

impl Shard {
    fn find(&self, fingerprint: Fingerprint) -> Option<&Arc<Alert>> {
        let found = self.rows.binary_search_by_key(&fingerprint, |row| row.fingerprint);
        found.ok().map(|at| &self.rows[at].alert)
    }
}

impl Row {
    fn of(alert: Arc<Alert>) -> Self {
        Row {
            fingerprint: alert.fingerprint,
            label_bits: LabelBits::of_labels(&alert.labels),
            holders: 0,
            alert,
        }
    }
}

/// Fills in what only the receiving side knows.
fn complete(new: NewAlert, now: Timestamp, resolve_timeout: Duration) -> Alert {
    let NewAlert { fingerprint, labels, annotations, generator_url, starts_at, ends_at } = new;
    Alert {
        fingerprint,
        labels,
        annotations,
        generator_url,
        starts_at: starts_at.or(ends_at).unwrap_or(now),
        ends_at: ends_at.unwrap_or_else(|| now.plus(resolve_timeout)),
        updated_at: now,
        timed_out: ends_at.is_none(),
        late_by_s: 0,
    }
}

/// Repeated is what says nothing new: the end of a firing alert moves, a resolved one is repeated.
fn compare(old: &Alert, new: &Alert, now: Timestamp) -> Was {
    let (old_resolved, new_resolved) = (old.resolved_at(now), new.resolved_at(now));
    let same_end = !old_resolved && !new_resolved
        || old_resolved && new_resolved && old.ends_at == new.ends_at;
    let repeated = same_end
        && old.starts_at == new.starts_at
        && old.annotations == new.annotations
        && old.generator_url == new.generator_url;
    if repeated { Was::Repeated } else { Was::Different }
}

/// Whether it ended since no report moved its end ahead: it was last written as firing.
fn has_timed_out(alert: &Alert, now: Timestamp) -> bool {
    alert.resolved_at(now) && alert.updated_at < alert.ends_at
}

fn shard_of(fingerprint: Fingerprint) -> usize {
    (fingerprint.0 >> (64 - SHARD_BITS)) as usize
}

const SHARD_BITS: u32 = 12;
const SHARDS: usize = 1 << SHARD_BITS;

#[cfg(test)]
mod tests;
