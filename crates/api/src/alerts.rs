//! POST /api/v2/alerts: checks that each alert is well formed.
//!
//! In: the body of a POST. Out: [`DecodedAlerts`]: the valid alerts, with fingerprints, and an
//! [`InvalidAlert`] for each other one; or, if the body as a whole does not fit the interface, one
//! error for all of it. Neither the configuration nor the time is known here: the engine decides
//! what depends on them.
//!
//! If some alerts of a body are rejected, the others are still accepted, and the answer is 400.

mod decode;

use bellwether_engine::{RefusedAlerts, RejectedAlert};
use bellwether_model::{MatcherMode, NewAlert, Timestamp};

use crate::answer::ApiError;
use crate::backend::{Answered, Backend};
use crate::body::HeldBody;
use crate::caller::Caller;
use crate::refusal::Refusal;
use crate::saved::Saved;

pub use decode::decode_alerts;

/// The result of decoding one body.
#[derive(Debug, Default)]
pub struct DecodedAlerts {
    pub alerts: Vec<NewAlert>,
    /// In ascending order of positions.
    pub invalid: Vec<InvalidAlert>,
}

/// An alert that was rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidAlert {
    /// Which element of the body it was, from 0.
    pub position: usize,
    /// `None` if it has no end, so that it fires until it is not reported any more.
    pub ends_at: Option<Timestamp>,
    pub message: String,
}

/// Handles the body of a POST to `/alerts`; says how far the alerts are saved.
pub(crate) async fn post<B: Backend>(
    caller: &Caller<'_, B>,
    body: HeldBody,
    mode: MatcherMode,
) -> Result<Saved, ApiError> {
    // The room stays taken until the answer: it is also for the alerts that wait for the engine.
    let HeldBody { bytes, room: _room, .. } = body;
    let DecodedAlerts { alerts, invalid } = if bytes.len() > INLINE_BYTES_MAX {
        let decoded = tokio::task::spawn_blocking(move || decode_alerts(&bytes, mode)).await;
        decoded.map_err(|error| ApiError::internal(error.to_string()))??
    } else {
        let decoded = decode_alerts(&bytes, mode);
        drop(bytes);
        decoded?
    };
    if alerts.is_empty() && invalid.is_empty() {
        return Ok(Saved::HERE);
    }
    let refused = count_refused(&invalid, caller.backend.now());
    let answered = caller.backend.take_alerts(alerts, refused).await;
    let Answered { reply, saved } = answered.map_err(|error| {
        let (status, error) = (error.status(), error.to_string());
        caller.refuse(Refusal::AlertsNotTaken { status, error })
    })?;
    match merge_rejections(invalid, &reply.rejected) {
        None => Ok(saved),
        Some(error) => Err(caller.refuse(Refusal::InvalidAlerts { error })),
    }
}

/// Compat: refused alerts are counted by their state, like those that are accepted.
fn count_refused(invalid: &[InvalidAlert], now: Timestamp) -> RefusedAlerts {
    let has_ended = |alert: &&InvalidAlert| alert.ends_at.is_some_and(|end| end <= now);
    let resolved = invalid.iter().filter(has_ended).count();
    RefusedAlerts { firing: invalid.len() - resolved, resolved }
}

/// Joins the alerts that decoding and the engine rejected, in the order of the body; `None` if
/// there is none.
fn merge_rejections(invalid: Vec<InvalidAlert>, rejected: &[RejectedAlert]) -> Option<String> {
    if invalid.is_empty() && rejected.is_empty() {
        return None;
    }
    // The engine counts only the alerts that it was given: its positions shift by the number of
    // invalid alerts before them.
    let mut before = invalid.iter().map(|invalid_alert| invalid_alert.position).peekable();
    let mut shift = 0;
    let mut all: Vec<(usize, &str)> = Vec::with_capacity(invalid.len() + rejected.len());
    for RejectedAlert { position, message } in rejected {
        while before.peek().is_some_and(|refused| *refused <= position + shift) {
            before.next();
            shift += 1;
        }
        all.push((position + shift, message));
    }
    all.extend(
        invalid
            .iter()
            .map(|invalid_alert| (invalid_alert.position, invalid_alert.message.as_str())),
    );
    all.sort_by_key(|(position, _)| *position);
    let messages: Vec<&str> = all.into_iter().map(|(_, message)| message).collect();
    Some(messages.join("\n"))
}

/// Larger bodies are decoded outside the threads that serve connections.
const INLINE_BYTES_MAX: usize = 256 * 1024;

#[cfg(test)]
mod tests;
