//! The request that is being answered, for those who may refuse it.
//!
//! In: a [`Refusal`]. Out: the answer, and an [`Observation`] for the log.

use http::Method;

use crate::answer::ApiError;
use crate::backend::{Backend, Observation};
use crate::refusal::{Refusal, RefusedRequest};

/// The request that is being answered.
pub(crate) struct Caller<'b, B> {
    pub backend: &'b B,
    /// See [`RefusedRequest`].
    pub path: String,
    pub method: Method,
}

impl<B: Backend> Caller<'_, B> {
    /// Reports a refusal; returns the answer.
    pub fn refuse(&self, refusal: Refusal) -> ApiError {
        let answer = refusal.answer();
        let (path, method) = (self.path.clone(), self.method.clone());
        self.backend.observe(Observation::Refused(RefusedRequest { path, method, refusal }));
        answer
    }
}
