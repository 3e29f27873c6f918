//! Which calls may begin: two pools, one for unary calls and one for streams.
//!
//! In: a procedure. Out: a [`Slot`] in its pool, or none. What happens to the call is reported when the
//! slot is dropped.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::backend::{Backend, Observation};
use crate::error::{Code, RpcError};
use crate::procedure::Procedure;
use crate::settings::ConnectSettings;

pub(crate) struct Pools<B> {
    backend: Arc<B>,
    /// Limit: unary calls under way.
    unary: Arc<Semaphore>,
    /// Limit: streams.
    streams: Arc<Semaphore>,
}

/// The place of one call.
pub(crate) struct Slot<B: Backend> {
    backend: Arc<B>,
    procedure: Procedure,
    began: Instant,
    /// How the call ends, if it ends now.
    outcome: &'static str,
    _place: OwnedSemaphorePermit,
}

impl<B: Backend> Pools<B> {
    pub fn new(backend: Arc<B>, settings: &ConnectSettings) -> Self {
        let pool = |size: usize| Arc::new(Semaphore::new(size.min(Semaphore::MAX_PERMITS)));
        Pools {
            backend,
            unary: pool(settings.unary_concurrency),
            streams: pool(settings.stream_concurrency),
        }
    }

    /// A place, if there is one; no call waits for it.
    pub fn enter(&self, procedure: Procedure) -> Result<Slot<B>, RpcError> {
        let (pool, what) = match procedure.is_unary() {
            true => (&self.unary, "unary RPCs"),
            false => (&self.streams, "streams"),
        };
        let Ok(place) = Arc::clone(pool).try_acquire_owned() else {
            self.backend.observe(Observation::Refused(procedure));
            let message = format!("maximum concurrent {what} reached");
            return Err(RpcError::new(Code::ResourceExhausted, message));
        };
        self.backend.observe(Observation::Admitted(procedure));
        Ok(Slot {
            backend: Arc::clone(&self.backend),
            procedure,
            began: Instant::now(),
            outcome: Code::Canceled.name(),
            _place: place,
        })
    }
}

impl<B: Backend> Slot<B> {
    /// The call did not reach its procedure.
    pub fn never_ran(&mut self) {
        self.outcome = Code::Unknown.name();
    }

    /// The procedure has ended so, or would if the call ended now.
    pub fn ends<T>(&mut self, result: &Result<T, RpcError>) {
        self.outcome = match result {
            Ok(_) => "ok",
            Err(error) => error.code.name(),
        };
    }

    /// The operator's time is over.
    pub fn timed_out(&self) {
        self.backend.observe(Observation::TimedOut(self.procedure));
    }
}

impl<B: Backend> Drop for Slot<B> {
    fn drop(&mut self) {
        let Slot { procedure, outcome, .. } = *self;
        let seconds = self.began.elapsed().as_secs_f64();
        self.backend.observe(Observation::Ended { procedure, outcome, seconds });
        self.backend.observe(Observation::Released(procedure));
    }
}
