//! Is everything durable that should be, and what has been logged and answered if it is not?
//!
//! In: the state of the journal's writer, after each of its answers. Out: one log line when a condition
//! begins and one when it ends, metrics, and the text of the readiness check.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bellwether_journal::{Health, JournalError};
use tracing::{info, warn};

use crate::metrics::Metrics;

/// Why the journal cannot be written, if that is so; shared with the readiness check.
#[derive(Clone, Debug, Default)]
pub struct StoreCondition(Arc<Mutex<Option<String>>>);

/// What has been logged and answered.
pub struct JournalWatch {
    path: PathBuf,
    condition: StoreCondition,
    failing_since: Option<Instant>,
    is_compaction_failing: bool,
    is_reserve_failing: bool,
}

impl StoreCondition {
    /// Why nothing is durable, if that is so.
    pub fn problem(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, problem: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }
}

impl JournalWatch {
    /// `path` is the journal's directory.
    pub fn new(path: &Path, condition: StoreCondition) -> Self {
        JournalWatch {
            path: path.to_path_buf(),
            condition,
            failing_since: None,
            is_compaction_failing: false,
            is_reserve_failing: false,
        }
    }

    /// Compares with what has been logged. `failure` is what answers are based on.
    pub fn look(&mut self, health: &Health, failure: Option<&JournalError>, metrics: &Metrics) {
        self.look_at_failure(failure, metrics);
        self.look_at_reserve(health);
        self.look_at_compaction(health, metrics);
        metrics.journal_commits.raise_to(health.commits);
        metrics.journal_failures.raise_to(health.failures);
        metrics.journal_queued_bytes.set(health.queued_bytes as f64);
        metrics.journal_disk_bytes.set(health.status.disk_bytes as f64);
        metrics.journal_reserved_bytes.set(health.status.reserved_bytes as f64);
    }

    /// Says what a journal that was closed leaves undone.
    pub fn closed(&self, health: &Health) {
        match (&health.failure, self.failing_since) {
            (Some(failure), _) => warn!(
                component = "journal", path = %self.path.display(), err = %failure.error,
                free_bytes = self.free_bytes(), remedy = failure.error.remedy(),
                "Stopped without saving what happened since the journal could not be written; \
                 the next start repeats notifications and misses later silences"
            ),
            (None, Some(since)) => info!(
                component = "journal", path = %self.path.display(), failed_for = ?since.elapsed(),
                "Everything is saved: the journal could be written at the end"
            ),
            (None, None) => {}
        }
    }

    fn look_at_failure(&mut self, failure: Option<&JournalError>, metrics: &Metrics) {
        metrics.journal_failing.set(if failure.is_some() { 1.0 } else { 0.0 });
        match (failure, self.failing_since) {
            (Some(error), None) => {
                self.failing_since = Some(Instant::now());
                let remedy = error.remedy();
                warn!(
                    component = "journal", path = %self.path.display(), err = %error,
                    free_bytes = self.free_bytes(), remedy,
                    "Journal cannot be written; working from memory until it can be again"
                );
                self.condition.set(Some(format!("not writable: {error}; {remedy}")));
            }
            (None, Some(since)) => {
                self.failing_since = None;
                self.condition.set(None);
                warn!(
                    component = "journal", path = %self.path.display(),
                    failed_for = ?since.elapsed(), free_bytes = self.free_bytes(),
                    "Journal is written again; everything is durable"
                );
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
    }

    fn look_at_reserve(&mut self, health: &Health) {
        let failure = &health.status.reserve_failure;
        if failure.is_some() == self.is_reserve_failing {
            return;
        }
        self.is_reserve_failing = failure.is_some();
        let reserved_bytes = health.status.reserved_bytes;
        match failure {
            Some(err) => warn!(
                component = "journal", path = %self.path.display(), %err, reserved_bytes,
                free_bytes = self.free_bytes(), remedy = err.remedy(),
                "Not enough space can be reserved for the journal"
            ),
            None => info!(component = "journal", reserved_bytes, "Space is reserved again"),
        }
    }

    fn look_at_compaction(&mut self, health: &Health, metrics: &Metrics) {
        let failure = &health.status.compaction_failure;
        if failure.is_some() == self.is_compaction_failing {
            return;
        }
        self.is_compaction_failing = failure.is_some();
        metrics.journal_compaction_failing.set(if failure.is_some() { 1.0 } else { 0.0 });
        match failure {
            Some(err) => {
                metrics.silences_maintenance_errors.increment();
                metrics.notification_log_maintenance_errors.increment();
                warn!(
                    component = "journal", %err, remedy = err.remedy(),
                    "Failed to compact the journal; disk usage grows until an attempt succeeds"
                );
            }
            None => info!(component = "journal", "Journal can be compacted again"),
        }
    }

    /// What the file system has left for this user; `None` if it does not say.
    fn free_bytes(&self) -> Option<u64> {
        let found = rustix::fs::statvfs(&self.path).ok()?;
        Some(found.f_bavail.saturating_mul(found.f_frsize))
    }
}
