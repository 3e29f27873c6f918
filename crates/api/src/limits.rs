//! Limits: concurrent GETs, and the memory for request bodies.
//!
//! In: a request, or the length of its body. Out: a [`Permit`], or none if the limit of GETs is
//! reached; a body waits until the budget has enough bytes. Reads can be large, and many at once must
//! not take the memory that alerts need. Work that outlives its connection takes its permit along.

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

/// Limit: bytes of all request bodies that are being read or decoded.
pub(crate) struct BodyBudget {
    units: Arc<Semaphore>,
}

impl BodyBudget {
    /// Waits for the bytes that a body of this length needs, or `most` if its length is unknown. They
    /// are returned when the result is dropped.
    pub async fn reserve(&self, length: Option<u64>, most: usize) -> Option<OwnedSemaphorePermit> {
        let most = most as u64;
        let units = length.unwrap_or(most).min(most).div_ceil(UNIT_BYTES).min(UNITS);
        let units = u32::try_from(units).ok().filter(|units| *units > 0)?;
        // It is never closed.
        self.units.clone().acquire_many_owned(units).await.ok()
    }
}

impl Default for BodyBudget {
    fn default() -> Self {
        BodyBudget { units: Arc::new(Semaphore::new(UNITS as usize)) }
    }
}

const UNIT_BYTES: u64 = 64 * 1024;
/// 256 MiB.
const UNITS: u64 = 4096;

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

#[cfg(test)]
mod tests {
    use super::BodyBudget;

    #[tokio::test]
    async fn bodies_wait_for_the_budget_and_release_it() {
        let body_budget = BodyBudget::default();
        let most = 64 << 20;
        assert!(
            body_budget.reserve(Some(0), most).await.is_none(),
            "an empty body needs no permit"
        );
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(body_budget.reserve(None, most).await);
        }
        let waiting = body_budget.reserve(Some(1), most);
        tokio::pin!(waiting);
        assert!(!is_ready_at_once(waiting.as_mut()).await, "the budget is used up");
        held.pop();
        assert!(waiting.await.is_some());
    }

    /// Whether it is ready without waiting.
    async fn is_ready_at_once(future: std::pin::Pin<&mut impl Future<Output: Sized>>) -> bool {
        let mut future = Some(future);
        std::future::poll_fn(|context| {
            let future = future.take().expect("polled once");
            std::task::Poll::Ready(future.poll(context).is_ready())
        })
        .await
    }
}
