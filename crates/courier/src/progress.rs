//! What an attempt is doing, for the text of an attempt that runs out of time.

use std::sync::{Mutex, PoisonError};

use bellwether_integrations::http::RequestError;

use crate::error::transport;

/// The current step of one attempt: `send RCPT command`.
#[derive(Default)]
pub struct Progress(Mutex<String>);

impl Progress {
    pub fn set(&self, step: impl Into<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = step.into();
    }

    /// The step that was set last; empty before the first one.
    pub fn step(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets the step, and returns what puts its name before the text of a failure.
    pub fn begin(&self, step: &'static str) -> impl Fn(String) -> RequestError + Copy + use<> {
        self.set(step);
        move |error| transport(format!("{step}: {error}"))
    }
}
