//! Alerts are fetched from main memory before they are looked at.
//!
//! They lie scattered, and a reader who comes to them one by one waits for each longer than it works
//! on it. Loads that do not depend on each other overlap, so a batch takes about as long as one.

use std::hint::black_box;
use std::sync::Arc;

use bellwether_model::Alert;

/// The same alerts, fetched in batches.
pub(crate) fn prefetched<'a>(
    mut alerts: impl Iterator<Item = &'a Arc<Alert>>,
) -> impl Iterator<Item = &'a Arc<Alert>> {
    let batches = std::iter::from_fn(move || {
        let batch: Vec<_> = alerts.by_ref().take(PREFETCH_BATCH).collect();
        prefetch(batch.iter().copied());
        (!batch.is_empty()).then_some(batch)
    });
    batches.flatten()
}

/// Fetches the first [`PREFETCH_BATCH`] of these.
pub(crate) fn prefetch<'a>(alerts: impl Iterator<Item = &'a Arc<Alert>> + Clone) {
    let batch = alerts.take(PREFETCH_BATCH);
    for alert in batch.clone() {
        black_box(alert.updated_at);
    }
    for alert in batch {
        for text in [alert.labels.packed(), alert.annotations.packed(), &alert.generator_url] {
            prefetch_text(text.as_bytes());
        }
    }
}

/// One byte of each cache line.
fn prefetch_text(text: &[u8]) {
    for line in text.chunks(CACHE_LINE_BYTES) {
        black_box(line[0]);
    }
    black_box(text.last());
}

/// More at once gained nothing.
pub(crate) const PREFETCH_BATCH: usize = 16;
const CACHE_LINE_BYTES: usize = 64;
