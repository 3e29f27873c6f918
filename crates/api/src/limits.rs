//! Limits the number of concurrent GETs.
//!
//! In: a GET. Out: a [`Permit`], or none if the limit is reached. Reads can be large, and many at
//! once must not take the memory that alerts need. Work that outlives its connection takes its permit
//! along.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::backend::{Backend, Observation};

/// Limit: concurrent GETs (`--web.get-concurrency`).
pub(crate) struct ConcurrencyLimit<B: Backend> {
    backend: Arc<B>,
    places: Arc<Semaphore>,
    pub limit: usize,
}

/// Permission for one GET; returned when it is dropped.
pub(crate) struct Permit<B: Backend> {
    backend: Arc<B>,
    _place: OwnedSemaphorePermit,
}

impl<B: Backend> ConcurrencyLimit<B> {
    /// A limit of 0 means the number of processors, or 8 if that is more.
    pub fn new(backend: Arc<B>, limit: usize) -> Self {
        let limit = match limit {
            0 => std::thread::available_parallelism().map_or(1, |count| count.get()).max(8),
            given => given.min(Semaphore::MAX_PERMITS),
        };
        ConcurrencyLimit { backend, places: Arc::new(Semaphore::new(limit)), limit }
    }

    pub fn try_acquire(&self) -> Option<Permit<B>> {
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            self.backend.observe(Observation::GetRejected);
            return None;
        };
        self.backend.observe(Observation::GetStarted);
        Some(Permit { backend: self.backend.clone(), _place: place })
    }
}

impl<B: Backend> Drop for Permit<B> {
    fn drop(&mut self) {
        self.backend.observe(Observation::GetFinished);
    }
}
