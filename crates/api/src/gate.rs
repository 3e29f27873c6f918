//! How many GETs may be under way at once.
//!
//! In: a request to pass. Out: a [`Pass`], or nothing if the limit is reached. Reads can be large,
//! and a crowd of them must not take the memory that alerts need. Whoever holds the pass holds the
//! place: work that outlives its connection takes the pass along.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::house::{House, Observation};

/// Limit: GETs under way (`--web.get-concurrency`).
pub(crate) struct Gate<H: House> {
    house: Arc<H>,
    places: Arc<Semaphore>,
    pub limit: usize,
}

/// A place that is given back when this is dropped.
pub(crate) struct Pass<H: House> {
    house: Arc<H>,
    _place: OwnedSemaphorePermit,
}

impl<H: House> Gate<H> {
    /// A limit of 0 means the number of processors, or 8 if that is more.
    pub fn new(house: Arc<H>, limit: usize) -> Self {
        let limit = match limit {
            0 => std::thread::available_parallelism().map_or(1, |count| count.get()).max(8),
            given => given.min(Semaphore::MAX_PERMITS),
        };
        Gate { house, places: Arc::new(Semaphore::new(limit)), limit }
    }

    pub fn enter(&self) -> Option<Pass<H>> {
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            self.house.observe(Observation::GetRefused);
            return None;
        };
        self.house.observe(Observation::GetBegun);
        Some(Pass { house: self.house.clone(), _place: place })
    }
}

impl<H: House> Drop for Pass<H> {
    fn drop(&mut self) {
        self.house.observe(Observation::GetEnded);
    }
}
