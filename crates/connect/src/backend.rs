//! The interface between the procedures and the rest of the server.

use crate::procedure::Procedure;
use crate::status::Status;

/// What the procedures need from the server, which implements it.
pub trait Backend: Send + Sync + 'static {
    fn status(&self) -> Status;

    /// Called for every event that a metric is made of; must not block.
    fn observe(&self, observation: Observation);
}

/// What the procedures report, for metrics.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// A call has got a place in its pool.
    Admitted(Procedure),
    /// Its place is free again.
    Released(Procedure),
    /// There was no place.
    Refused(Procedure),
    /// The operator's time for a unary call was over.
    TimedOut(Procedure),
    /// A call has ended; `outcome` is `ok`, a code, or `unknown` for what never reached its procedure.
    Ended { procedure: Procedure, outcome: &'static str, seconds: f64 },
}
