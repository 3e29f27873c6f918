//! Requests that fit the interface, but ask for something that cannot be done.
//!
//! In: why. Out: the answer to the client. Which log line it becomes is the backend's business;
//! requests that do not fit the interface are not logged, as upstream does not log them either.

use bellwether_model::Timestamp;
use http::{Method, StatusCode};

use crate::answer::ApiError;

/// A request that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedRequest {
    /// Decoded, without the prefix of all routes.
    pub path: String,
    pub method: Method,
    pub refusal: Refusal,
}

/// Why; the texts are those of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Some alerts of a POST are not valid; the others were taken.
    InvalidAlerts {
        error: String,
    },
    /// No alert of a POST could be taken.
    AlertsNotTaken {
        status: StatusCode,
        error: String,
    },
    /// The parameter `filter` of a list.
    Filter {
        error: String,
    },
    /// The parameter `receiver` of a list.
    ReceiverPattern {
        error: String,
    },
    /// The parameter `receiver_matchers` of a list of alerts or groups.
    ReceiverMatchers {
        error: String,
    },
    SilenceStartNotBeforeEnd {
        starts_at: Timestamp,
        ends_at: Timestamp,
        error: String,
    },
    SilenceEndsInThePast {
        ends_at: Timestamp,
        error: String,
    },
    SilenceNotCreated {
        status: StatusCode,
        error: String,
    },
    SilenceNotExpired {
        status: StatusCode,
        error: String,
    },
    SilenceNotFound {
        id: String,
    },
    /// A silence that this version of the API cannot show.
    SilenceNotShown {
        error: String,
    },
    /// A silence in a list that this version of the API cannot show.
    SilencesNotShown {
        error: String,
    },
}

impl Refusal {
    pub(crate) fn answer(&self) -> ApiError {
        match self {
            Refusal::InvalidAlerts { error }
            | Refusal::Filter { error }
            | Refusal::SilenceStartNotBeforeEnd { error, .. }
            | Refusal::SilenceEndsInThePast { error, .. } => ApiError::bad_request(error),
            Refusal::ReceiverPattern { error } => {
                ApiError::bad_request(format!("failed to parse receiver param: {error}"))
            }
            Refusal::ReceiverMatchers { error } => {
                ApiError::bad_request(format!("failed to parse receiver_matchers param: {error}"))
            }
            Refusal::SilenceNotShown { error } | Refusal::SilencesNotShown { error } => {
                ApiError::internal(error)
            }
            Refusal::SilenceNotExpired { status: StatusCode::NOT_FOUND, .. }
            | Refusal::SilenceNotFound { .. } => ApiError::NotFound,
            Refusal::AlertsNotTaken { status, error }
            | Refusal::SilenceNotCreated { status, error }
            | Refusal::SilenceNotExpired { status, error } => {
                ApiError::Refused { status: *status, message: error.clone() }
            }
        }
    }
}
