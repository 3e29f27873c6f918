//! Dates of the API: many forms are read, one is written.

use bellwether_integrations::templates::parse_time;
use bellwether_model::Timestamp;

/// Reads a date-time of an answer or of a file; nothing at all is 1970.
///
/// # Errors
/// In Go's words, about the last form that was tried.
pub fn parse_date_time(text: &str) -> Result<Timestamp, String> {
    if text.is_empty() {
        return Ok(Timestamp::UNIX_EPOCH);
    }
    if let Some(at) = Timestamp::parse_rfc3339(text) {
        return Ok(at);
    }
    let mut result = Err(String::new());
    for layout in LAYOUTS {
        result = parse_time(layout, text);
        if result.is_ok() {
            break;
        }
    }
    result
}

/// Reads a date-time of the command line.
pub fn parse_rfc3339(text: &str) -> Result<Timestamp, String> {
    parse_time(RFC3339, text)
}

const RFC3339: &str = "2006-01-02T15:04:05Z07:00";

/// The forms besides RFC 3339, in the order in which they are tried.
const LAYOUTS: [&str; 7] = [
    "2006-01-02T15:04:05.000000Z0700",
    "2006-01-02T15:04:05.000Z0700",
    RFC3339,
    "2006-01-02T15:04:05",
    "2006-01-02T15:04Z",
    "2006-01-02T15:04",
    "2006-01-02",
];
