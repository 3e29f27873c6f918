//! What is wrong, since when, and until when: one alert, and the rule by which two reports about
//! the same alert become one.
//!
//! In: [`NewAlert`], what a sender reported. Out: [`Alert`], what is held to be true.

use std::sync::Arc;

use crate::labels::{Fingerprint, LabelSet};
use crate::time::Timestamp;

/// A report by a sender, checked and complete but for what only the receiving side knows.
#[derive(Clone, Debug)]
pub struct NewAlert {
    /// Invariant: the fingerprint of `labels`.
    pub fingerprint: Fingerprint,
    pub labels: LabelSet,
    pub annotations: LabelSet,
    /// Where the sender shows the alert; empty if it did not say.
    pub generator_url: Arc<str>,
    /// `None`: now, or `ends_at` where that is given.
    pub starts_at: Option<Timestamp>,
    /// `None`: now plus the resolve timeout, and the alert counts as timed out then.
    pub ends_at: Option<Timestamp>,
}

/// What is held to be true about one fingerprint.
#[derive(Clone, Debug)]
pub struct Alert {
    /// Invariant: the fingerprint of `labels`.
    pub fingerprint: Fingerprint,
    pub labels: LabelSet,
    pub annotations: LabelSet,
    pub generator_url: Arc<str>,
    pub starts_at: Timestamp,
    /// The alert is resolved from this instant on; it moves ahead as long as the sender repeats it.
    pub ends_at: Timestamp,
    pub updated_at: Timestamp,
    /// Whether `ends_at` is a guess: the sender gave none and the resolve timeout was added.
    pub timed_out: bool,
    /// How many seconds the last end was past on arrival although the alert fires, since the
    /// sender's clock is late; 0 with any other.
    pub late_by_s: u32,
}

impl Alert {
    pub fn name(&self) -> &str {
        self.labels.value("alertname")
    }

    pub fn resolved_at(&self, now: Timestamp) -> bool {
        self.ends_at <= now
    }

    /// What follows from an earlier and a newer report about the same fingerprint.
    ///
    /// Reports whose activity overlaps describe one incident and are merged; otherwise the newer
    /// one begins another incident and stands alone.
    #[must_use]
    pub fn after(old: &Alert, new: Alert) -> Alert {
        let ends_inside = new.ends_at > old.starts_at && new.ends_at < old.ends_at;
        let starts_inside = new.starts_at > old.starts_at && new.starts_at < old.ends_at;
        if ends_inside || starts_inside { Alert::merged(old, new) } else { new }
    }

    /// The younger report wins, keeps the earliest start, and ends when the two together say:
    /// both resolved, at the later end; firing, not before the end that the older one had.
    fn merged(old: &Alert, new: Alert) -> Alert {
        let (older, younger) =
            if new.updated_at < old.updated_at { (&new, old) } else { (old, &new) };
        let mut merged = younger.clone();
        merged.starts_at = older.starts_at.min(younger.starts_at);
        let younger_resolved = younger.resolved_at(younger.updated_at);
        let older_resolved = older.resolved_at(younger.updated_at);
        let older_ends_later = older.ends_at > younger.ends_at;
        let keep_older_end = if younger_resolved {
            older_resolved && older_ends_later
        } else {
            older_ends_later && !older.timed_out
        };
        if keep_older_end {
            merged.ends_at = older.ends_at;
        }
        merged
    }
}

#[cfg(test)]
mod tests;
