//! What an attempt is doing, for the text of an attempt that runs out of time.

use std::sync::{Arc, Mutex, PoisonError};

use bellwether_integrations::http::RequestError;

use crate::error::transport;

/// The current step of one attempt: `send RCPT command`. A request within a request has a step
/// within a step, joined by a colon.
#[derive(Clone, Default)]
pub struct Progress {
    /// One for the whole attempt.
    step: Arc<Mutex<String>>,
    /// What the steps set here are parts of; empty, or ends with `: `.
    outer: Arc<str>,
}

impl Progress {
    pub fn set(&self, step: impl Into<String>) {
        let step = step.into();
        let step = match step.as_str() {
            "" => self.outer.trim_end_matches(": ").to_owned(),
            _ => format!("{}{step}", self.outer),
        };
        *self.step.lock().unwrap_or_else(PoisonError::into_inner) = step;
    }

    /// The step that was set last; empty before the first one.
    pub fn step(&self) -> String {
        self.step.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets the step, and returns what puts its name before the text of a failure.
    pub fn begin(&self, step: &'static str) -> impl Fn(String) -> RequestError + Copy + use<> {
        self.set(step);
        move |error| transport(format!("{step}: {error}"))
    }

    /// Sets the step, and returns what the parts of that step are set in.
    pub fn enter(&self, step: &str) -> Progress {
        self.set(step);
        let outer = format!("{}{step}: ", self.outer).into();
        Progress { step: Arc::clone(&self.step), outer }
    }

    /// The last step that was set here, without what it is a part of.
    pub fn own_step(&self) -> String {
        self.step().strip_prefix(&*self.outer).unwrap_or_default().to_owned()
    }

    /// Lets `request` say by [`note_connecting`] how far its connection is.
    pub async fn following<T>(&self, request: impl Future<Output = T>) -> T {
        CONNECTING.scope(self.clone(), request).await
    }
}

/// Sets the step of the attempt for which this task opens a connection. Nobody waits for one that is
/// opened in the background: it has no step.
pub fn note_connecting(step: impl FnOnce() -> String) {
    let _ = CONNECTING.try_with(|progress| progress.set(step()));
}

tokio::task_local! {
    /// A pool of connections passes a URL to what opens one, and nothing else.
    static CONNECTING: Progress;
}
