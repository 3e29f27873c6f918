//! What is handed to a receiver's integration, and what comes back from it.
//!
//! These are the parcels between the engine, which decides that a notification must be sent, and the
//! integrations, which know how to say it. Neither side knows the other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::alert::Alert;
use crate::key::{GroupKey, IntegrationId};
use crate::labels::LabelSet;
use crate::time::Timestamp;

/// Everything that one integration needs for one notification about one group.
#[derive(Clone, Debug)]
pub struct Notification {
    pub integration: IntegrationId,
    pub group_key: GroupKey,
    pub group_labels: LabelSet,
    /// The route's own labels, as configured.
    pub route_labels: LabelSet,
    pub reason: Reason,
    /// When the group was looked at; decides what is firing and what is resolved.
    pub now: Timestamp,
    /// Never empty; sorted by `job`, `instance`, then label set.
    pub alerts: Vec<Arc<Alert>>,
    /// What the integration asked to remember at its last notification about this group.
    pub remembered: Remembered,
}

/// Why a notification is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    FirstNotification,
    NewAlertsAdded,
    SomeAlertsResolved,
    AllAlertsResolved,
    RepeatIntervalElapsed,
}

/// What came of one attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Delivered {
        remember: Remembered,
    },
    /// Worth another try, not before `after` where the receiver named a time.
    Retry {
        after: Option<Duration>,
        reason: FailureReason,
        detail: String,
    },
    /// The same request would be refused again.
    Refused {
        reason: FailureReason,
        detail: String,
    },
}

/// Small values that an integration keeps with the notification log's entry, such as the id of
/// the message that it wants to edit later.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Remembered(pub BTreeMap<String, RememberedValue>);

#[derive(Clone, Debug, PartialEq)]
pub enum RememberedValue {
    Text(String),
    Integer(i64),
    Number(f64),
}

/// Why an attempt failed, in the words of the metric's `reason` label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureReason {
    Other,
    ClientError,
    ServerError,
    ContextCanceled,
    ContextDeadlineExceeded,
    AuthError,
    RateLimited,
    /// A template failed without which nothing can be sent.
    TemplateError,
    FileReadError,
    ConfigError,
    /// Compat: upstream's, but cannot happen here: what is sent can always be encoded.
    EncodingError,
    /// No connection, or it broke.
    RequestError,
    /// Compat: upstream's, but cannot happen here.
    MissingContext,
    /// Not one of upstream's: the operator does not allow connections to the receiver's address.
    AddressDenied,
}

impl Notification {
    /// Whether any of its alerts fires.
    pub fn is_firing(&self) -> bool {
        self.alerts.iter().any(|alert| !alert.resolved_at(self.now))
    }
}

impl Reason {
    /// The text that templates and webhooks show as `notification_reason`.
    pub fn text(self) -> &'static str {
        match self {
            Reason::FirstNotification => "first notification",
            Reason::NewAlertsAdded => "new alerts added",
            Reason::SomeAlertsResolved => "some alerts resolved",
            Reason::AllAlertsResolved => "all alerts resolved",
            Reason::RepeatIntervalElapsed => "repeat interval elapsed",
        }
    }
}

impl FailureReason {
    pub const ALL: [FailureReason; 14] = [
        FailureReason::Other,
        FailureReason::ClientError,
        FailureReason::ServerError,
        FailureReason::ContextCanceled,
        FailureReason::ContextDeadlineExceeded,
        FailureReason::AuthError,
        FailureReason::RateLimited,
        FailureReason::TemplateError,
        FailureReason::FileReadError,
        FailureReason::ConfigError,
        FailureReason::EncodingError,
        FailureReason::RequestError,
        FailureReason::MissingContext,
        FailureReason::AddressDenied,
    ];

    pub fn label(self) -> &'static str {
        match self {
            FailureReason::Other => "other",
            FailureReason::ClientError => "clientError",
            FailureReason::ServerError => "serverError",
            FailureReason::ContextCanceled => "contextCanceled",
            FailureReason::ContextDeadlineExceeded => "contextDeadlineExceeded",
            FailureReason::AuthError => "authError",
            FailureReason::RateLimited => "rateLimited",
            FailureReason::TemplateError => "templateError",
            FailureReason::FileReadError => "fileReadError",
            FailureReason::ConfigError => "configError",
            FailureReason::EncodingError => "encodingError",
            FailureReason::RequestError => "requestError",
            FailureReason::MissingContext => "missingContext",
            FailureReason::AddressDenied => "addressDenied",
        }
    }
}
