//! One table: which log line each refused request becomes.
//!
//! Levels, messages and fields are those of the Go Alertmanager, so that queries over logs hold.

use bellwether_api::{Refusal, RefusedRequest};
use bellwether_model::Timestamp;
use tracing::{debug, error, warn};

/// Logs a refused request to version 2 of the API.
///
/// Long because: it is the table.
pub fn refused(request: &RefusedRequest) {
    let RefusedRequest { path, method, refusal } = request;
    let method = method.as_str();
    macro_rules! log {
        ($level:ident, $message:literal $(, $name:ident = $value:expr)*) => {
            $level!(component = API, version = "v2", path, method, $($name = $value,)* $message)
        };
    }
    match refusal {
        Refusal::InvalidAlerts { error: err } => {
            log!(error, "Failed to validate alerts", err = clipped(err));
        }
        Refusal::AlertsNotTaken { error: err, status: _ } => {
            log!(error, "Failed to create alerts", err = err);
        }
        Refusal::Filter { error: err } => {
            log!(debug, "Failed to parse matchers", err = clipped(err));
        }
        // Compat: the same mistake is logged at another level for groups.
        Refusal::ReceiverPattern { error: err } if path.starts_with(GROUPS) => {
            log!(error, "Failed to compile receiver regex", err = clipped(err));
        }
        Refusal::ReceiverPattern { error: err } => {
            log!(debug, "Failed to compile receiver regex", err = clipped(err));
        }
        Refusal::ReceiverMatchers { error: err } => {
            log!(debug, "Failed to parse receiver matchers", err = clipped(err));
        }
        Refusal::SilenceStartNotBeforeEnd { starts_at, ends_at, error: _ } => log!(
            error,
            "Failed to create silence: start time must be before end time",
            starts_at = protobuf_text(*starts_at),
            ends_at = protobuf_text(*ends_at)
        ),
        Refusal::SilenceEndsInThePast { ends_at, error: _ } => log!(
            error,
            "Failed to create silence: end time can't be in the past",
            ends_at = protobuf_text(*ends_at)
        ),
        Refusal::SilenceNotCreated { error: err, status: _ } => {
            log!(error, "Failed to create silence", err = clipped(err));
        }
        Refusal::SilenceNotExpired { error: err, status: _ } => {
            log!(error, "Failed to expire silence", err = err);
        }
        Refusal::SilenceNotFound { id } => {
            log!(error, "Failed to find silence", err = "<nil>", id = id);
        }
        Refusal::SilenceNotShown { error: err } => {
            log!(error, "Failed to convert unmarshal from proto", err = err);
        }
        Refusal::SilencesNotShown { error: err } => {
            log!(error, "Failed to unmarshal silence from proto", err = err);
        }
    }
}

/// Logs a request to version 1 of the API.
pub fn old_api(path: &str, method: &str) {
    warn!(
        component = API,
        version = "v1",
        path,
        method,
        "v1 API received a request on a removed endpoint"
    );
}

/// `seconds:1577836800 nanos:250000000`, a zero left out: how the Go server prints these times.
fn protobuf_text(at: Timestamp) -> String {
    let parts = [("seconds", at.unix_seconds()), ("nanos", i64::from(at.subsec_nanos()))];
    let set = parts.iter().filter(|(_, value)| *value != 0);
    set.map(|(name, value)| format!("{name}:{value}")).collect::<Vec<_>>().join(" ")
}

/// Limit: length of a text that clients make.
fn clipped(text: &str) -> String {
    let end = text.floor_char_boundary(ERR_BYTES_MAX);
    if end == text.len() { text.to_owned() } else { format!("{}…", &text[..end]) }
}

const API: &str = "api";

const GROUPS: &str = "/api/v2/alerts/groups";

/// Limit: length of one error in the log. One POST may hold 100,000 invalid alerts.
const ERR_BYTES_MAX: usize = 16 * 1024;

#[cfg(test)]
mod tests;
