//! When is it time to remove what is not needed any more?
//!
//! In: the time. Out: which kinds are due. What is removed, and on what condition, is known to the
//! parts that own it.

use bellwether_model::{Mono, Now};

use crate::settings::EngineSettings;

/// Invariant: both deadlines are unknown until [`Maintenance::begin`], and in the future after each
/// [`Maintenance::take_due`] that left nothing to do.
#[derive(Debug, Default)]
pub(super) struct Maintenance {
    alerts: Option<Mono>,
    records: Option<Mono>,
    /// Alerts that earlier turns of the same maintenance removed.
    removed: usize,
}

/// What is to be removed now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    /// Resolved alerts that no group holds.
    pub alerts: bool,
    /// Expired silences and entries of the notification log.
    pub records: bool,
}

impl Maintenance {
    pub fn begin(&mut self, now: Mono, settings: &EngineSettings) {
        self.alerts = Some(now.plus(settings.alerts_gc_interval));
        self.records = Some(now.plus(settings.maintenance_interval));
    }

    /// Returns what is due, and sets its next deadline.
    pub fn take_due(&mut self, now: Now, settings: &EngineSettings) -> Due {
        let is_due = |at: Option<Mono>| at.is_some_and(|at| at <= now.mono);
        let due = Due { alerts: is_due(self.alerts), records: is_due(self.records) };
        if due.alerts {
            self.alerts = Some(now.mono.plus(settings.alerts_gc_interval));
        }
        if due.records {
            self.records = Some(now.mono.plus(settings.maintenance_interval));
        }
        due
    }

    /// So many alerts have been removed. Returns their number since maintenance began, if these were the
    /// last; else the others are due at once.
    pub fn count_removed(&mut self, now: Now, alerts: usize, is_last: bool) -> Option<usize> {
        self.removed += alerts;
        if is_last {
            return Some(std::mem::take(&mut self.removed));
        }
        self.alerts = Some(now.mono);
        None
    }

    /// There may be more expired records than one turn removes: the others are due at once.
    pub fn go_on(&mut self, now: Now) {
        self.records = Some(now.mono);
    }

    pub fn next(&self) -> Option<Mono> {
        self.alerts.into_iter().chain(self.records).min()
    }
}
