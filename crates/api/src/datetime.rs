//! Parses the date-times that clients may write, and describes what is wrong with others.
//!
//! In: the text of a date-time field. Out: an instant with the zone that it was written in.
//!
//! Compat: besides RFC 3339, these are accepted: a zone without a colon (after milliseconds or
//! microseconds), a missing zone (which means UTC), missing seconds, a space between date and time,
//! and a date alone; the empty text is 1970. An instant outside the years 1 to 9999 becomes the
//! nearest one inside.

use std::time::Duration;

use bellwether_model::Timestamp;
use bellwether_model::quote::quoted;

/// Reads a date-time; the error is the one that Go prints.
pub fn parse_date_time(text: &str) -> Result<Timestamp, String> {
    if text.is_empty() {
        return Ok(Timestamp::UNIX_EPOCH);
    }
    let at = if is_strict(text) { in_range(text) } else { lenient(text) };
    at.ok_or_else(|| error_text(text))
}

/// `2006-01-02T15:04:05` with an optional fraction, and then `Z` or `+hh:mm`.
fn is_strict(text: &str) -> bool {
    let bytes = text.as_bytes();
    let from_end = |back: usize| bytes.len().checked_sub(back).and_then(|at| bytes.get(at));
    let has_zone = from_end(1) == Some(&b'Z')
        || (from_end(3) == Some(&b':') && matches!(from_end(6), Some(b'+' | b'-')));
    bytes.get(10) == Some(&b'T') && bytes.len() >= "2006-01-02T15:04:05Z".len() && has_zone
}

fn lenient(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_at_checked("2006-01-02".len())?;
    let (separator, time) = rest.split_at_checked(1).unwrap_or_default();
    let clock_and_zone = match (separator, time.len()) {
        ("", _) => "00:00:00Z".to_string(),
        ("T", 5) => format!("{time}:00Z"),
        ("T", 6) if time.ends_with('Z') => format!("{}:00Z", &time[..5]),
        ("T", _) => match time.bytes().rposition(|byte| matches!(byte, b'+' | b'-')) {
            // Only the layouts with exactly three or six digits of fraction know this zone.
            Some(at) if time.len() - at == 5 && matches!(at, 12 | 15) => time.to_string(),
            Some(_) => return None,
            None => format!("{time}Z"),
        },
        (" ", _) if !time.contains(['Z', 'z', '+', '-']) => format!("{time}Z"),
        _ => return None,
    };
    in_range(&format!("{date}T{clock_and_zone}"))
}

fn in_range(text: &str) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(text).or_else(|| {
        // Years that have the same days, and lie well inside the range.
        let (inside, nearest) = match text.split_at_checked(4)? {
            ("0000", rest) => (format!("0400{rest}"), earliest()),
            ("0001", rest) => (format!("0401{rest}"), earliest()),
            ("9999", rest) => (format!("9998{rest}"), Timestamp::MAX),
            _ => return None,
        };
        Timestamp::parse_rfc3339(&inside).map(|_| nearest)
    })
}

/// The first millisecond that does not mean "not set".
fn earliest() -> Timestamp {
    Timestamp::ZERO.plus(Duration::from_millis(1))
}

/// Why the last layout that is tried, the date alone, does not fit.
fn error_text(text: &str) -> String {
    let shown = quoted(text);
    let framework = |rest: &str, wanted: &str| {
        format!(
            "parsing time {shown} as \"2006-01-02\": cannot parse {} as {wanted:?}",
            quoted(rest)
        )
    };
    let mut rest = text;
    for (wanted, width, range) in [
        ("2006", 4, 0..=9999),
        ("-", 1, 0..=0),
        ("01", 2, 1..=12),
        ("-", 1, 0..=0),
        ("02", 2, 0..=99),
    ] {
        let Some((part, behind)) = rest.split_at_checked(width) else {
            return framework(rest, wanted);
        };
        if wanted == "-" {
            if part != "-" {
                return framework(rest, wanted);
            }
        } else {
            match part.parse::<u32>() {
                Ok(number) if range.contains(&number) => {}
                Ok(_) => return format!("parsing time {shown}: month out of range"),
                Err(_) => return framework(rest, wanted),
            }
        }
        rest = behind;
    }
    if rest.is_empty() {
        format!("parsing time {shown}: day out of range")
    } else {
        format!("parsing time {shown}: extra text: {}", quoted(rest))
    }
}

#[cfg(test)]
mod tests;
