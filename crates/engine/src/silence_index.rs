//! Which silences match which alerts?
//!
//! Neither an alert's labels nor a silence's matchers ever change, so the answer is found once,
//! when the later of the two arrives, and not at every flush and for every reader. Whether a
//! silence that matches also holds now depends on its times, and is checked when it matters.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_model::{Fingerprint, Silence};

use crate::alerts::Alerts;

/// The ids of the silences that match an alert, for every alert that some silence matches.
///
/// Silences that have ended may still be among them.
#[derive(Clone, Debug, Default)]
pub(crate) struct SilenceIndex {
    /// Invariant: no id stands twice under one alert, and nothing is empty.
    by_alert: BTreeMap<Fingerprint, Vec<Arc<str>>>,
}

impl SilenceIndex {
    pub fn of(&self, alert: Fingerprint) -> &[Arc<str>] {
        self.by_alert.get(&alert).map_or(&[], Vec::as_slice)
    }

    /// Takes note of an alert that is new, and of all silences that match it.
    pub fn add_alert(&mut self, alert: Fingerprint, silences: Vec<Arc<str>>) {
        self.by_alert.insert(alert, silences);
    }

    pub fn remove_alert(&mut self, alert: Fingerprint) {
        self.by_alert.remove(&alert);
    }

    /// Takes note of a silence whose matchers are new.
    pub fn add_silence(&mut self, id: &Arc<str>, silence: &Silence, alerts: &Alerts) {
        for set in &silence.matcher_sets {
            for alert in alerts.matching(set) {
                let ids = self.by_alert.entry(alert.fingerprint).or_default();
                if !ids.contains(id) {
                    ids.push(id.clone());
                }
            }
        }
    }

    pub fn remove_silences(&mut self, gone: &BTreeSet<Arc<str>>) {
        self.by_alert.retain(|_, ids| {
            ids.retain(|id| !gone.contains(id));
            !ids.is_empty()
        });
    }
}
