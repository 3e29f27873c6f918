//! `1y2w3d4h5m6s7ms`: each unit at most once, from the largest to the smallest.

use std::time::Duration;

use super::DurationError;
use crate::quote::quoted;

/// Reads `30s`, `1h30m`, `5d`; a bare `0` needs no unit.
///
/// A day has 24 hours, a week 7 days and a year 365. At most about 292 years.
pub fn parse_prometheus(text: &str) -> Result<Duration, DurationError> {
    let malformed = || DurationError::new(format!("not a valid duration string: {}", quoted(text)));
    if text.is_empty() {
        return Err(DurationError::new("empty duration string"));
    }
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let mut millis_sum: u64 = 0;
    let mut units_left = UNITS.as_slice();
    let mut rest = text;
    while !rest.is_empty() {
        let (digits, after_digits) = split_where(rest, |c| !c.is_ascii_digit());
        let count: u64 = digits.parse().map_err(|_| malformed())?;
        let (unit, after_unit) = split_where(after_digits, |c| c.is_ascii_digit());
        if unit.is_empty() {
            return Err(malformed());
        }
        let Some((_, millis)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            let message = format!("unknown unit {} in duration {}", quoted(unit), quoted(text));
            return Err(DurationError::new(message));
        };
        let position =
            units_left.iter().position(|(name, _)| *name == unit).ok_or_else(malformed)?;
        units_left = units_left.get(position + 1..).unwrap_or_default();
        millis_sum = count
            .checked_mul(*millis)
            .and_then(|millis| millis_sum.checked_add(millis))
            .filter(|millis| *millis <= MILLIS_MAX)
            .ok_or_else(|| DurationError::new("duration out of range"))?;
        rest = after_unit;
    }
    Ok(Duration::from_millis(millis_sum))
}

/// The shortest text that reads back as `duration`, cut to milliseconds: `90d` rather than `12w6d`,
/// but `2w` and `1y`.
pub fn format_prometheus(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if rest == 0 {
        return "0s".into();
    }
    let mut out = String::new();
    for (unit, millis) in UNITS {
        let may_leave_rest = !matches!(unit, "y" | "w");
        let count = rest / millis;
        if count > 0 && (may_leave_rest || rest.is_multiple_of(millis)) {
            out.push_str(&format!("{count}{unit}"));
            rest %= millis;
        }
    }
    out
}

fn split_where(text: &str, ends: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

/// Names and milliseconds, in the order in which they must stand.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * DAY),
    ("w", 7 * DAY),
    ("d", DAY),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

const DAY: u64 = 86_400_000;

/// What 63 bits of nanoseconds hold.
const MILLIS_MAX: u64 = i64::MAX as u64 / 1_000_000;
