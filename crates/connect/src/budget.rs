//! Limits the memory of all messages that are being received.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Limit: bytes of all messages that are being received, decompressed or answered.
#[derive(Clone, Default)]
pub(crate) struct Budget(Arc<AtomicUsize>);

/// What one call takes; returned when it is dropped.
pub(crate) struct Share {
    budget: Budget,
    bytes: usize,
}

impl Budget {
    pub fn open(&self) -> Share {
        Share { budget: self.clone(), bytes: 0 }
    }
}

impl Share {
    /// Takes so many bytes more; says whether there were so many.
    pub fn take(&mut self, bytes: usize) -> bool {
        let before = self.budget.0.fetch_add(bytes, Ordering::Relaxed);
        let fits = before.saturating_add(bytes) <= BYTES_MAX;
        if fits {
            self.bytes += bytes;
        } else {
            self.budget.0.fetch_sub(bytes, Ordering::Relaxed);
        }
        fits
    }

    /// Gives everything back.
    pub fn release(&mut self) {
        self.budget.0.fetch_sub(std::mem::take(&mut self.bytes), Ordering::Relaxed);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.release();
    }
}

const BYTES_MAX: usize = 64 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::{BYTES_MAX, Budget};

    #[test]
    fn all_calls_share_it_and_give_it_back() {
        let budget = Budget::default();
        let (mut one, mut other) = (budget.open(), budget.open());
        assert!(one.take(BYTES_MAX - 1));
        assert!(!other.take(2));
        assert!(other.take(1));
        drop(one);
        assert!(other.take(BYTES_MAX - 1));
        other.release();
        assert!(budget.open().take(BYTES_MAX));
    }
}
