//! How long do we wait, and how?
//!
//! Most waits in this crate sleep on a condition variable until the awaited thing itself arrives.
//! What another process shows only when it is asked (a metric, a list over HTTP) has to be asked
//! for repeatedly; [`until`] is the one place that does so.

use std::time::{Duration, Instant};

/// How long anything may take before a test gives up. Generous: a debug build on a busy machine
/// must not fail here, and a green run never waits for it.
pub const WAIT_MAX: Duration = Duration::from_secs(60);

/// Asks again and again until `ask` has an answer; panics with `what` when timeout runs out.
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "gave up waiting until {what}");
        std::thread::park_timeout(BETWEEN_QUESTIONS);
    }
}

/// Short against every interval that a test waits for, long against the cost of asking.
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(20);
