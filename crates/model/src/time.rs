//! When something is: wall-clock instants that keep the zone they were written in, and the
//! monotonic clock that deadlines are set on.
//!
//! In: RFC 3339 text, or the shell's clocks. Out: RFC 3339 text in the two precisions that clients
//! see (milliseconds in the HTTP API, nanoseconds in notifications).
//! Nothing here reads a clock; `Now` is made by the shell, once a turn.
//!
//! Instants cover the years 1 to 9999 whatever their zone; arithmetic saturates at these ends, so
//! that a sender's absurd date can never overflow a later sum.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::time::Duration;

/// An instant with nanoseconds, and the zone offset it was written with.
///
/// Comparison, equality and hashing see the instant alone.
///
/// Invariant: `MIN.seconds <= seconds <= MAX.seconds`, `nanos < 1e9`, `|offset_minutes| < 1440`.
#[derive(Clone, Copy)]
pub struct Timestamp {
    seconds: i64,
    nanos: u32,
    offset_minutes: i16,
}

/// A reading of the monotonic clock: nanoseconds since a start that the shell chooses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mono(pub u64);

/// Both clocks, read once a turn by the shell.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    pub wall: Timestamp,
    pub mono: Mono,
}

impl Timestamp {
    /// `0001-01-01T00:00:00Z`: what other programs send and print for "not set".
    pub const ZERO: Timestamp = Timestamp { seconds: -62_135_596_800, nanos: 0, offset_minutes: 0 };
    /// `9999-12-31T23:59:59.999999999Z`.
    pub const MAX: Timestamp =
        Timestamp { seconds: 253_402_300_799, nanos: 999_999_999, offset_minutes: 0 };
    pub const UNIX_EPOCH: Timestamp = Timestamp { seconds: 0, nanos: 0, offset_minutes: 0 };

    /// Clamped into the years that a timestamp can hold; `nanos` above 999,999,999 count as that.
    pub fn from_unix(seconds: i64, nanos: u32) -> Self {
        let at = Timestamp { seconds, nanos: nanos.min(999_999_999), offset_minutes: 0 };
        at.clamp(Self::ZERO, Self::MAX)
    }

    /// The same instant, printed in the zone that lies `minutes` east of UTC.
    #[must_use]
    pub fn with_offset_minutes(self, minutes: i16) -> Self {
        Timestamp { offset_minutes: minutes.clamp(-1439, 1439), ..self }
    }

    #[must_use]
    pub fn in_utc(self) -> Self {
        self.with_offset_minutes(0)
    }

    pub fn unix_seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds within the second, 0 to 999,999,999.
    pub fn subsec_nanos(self) -> u32 {
        self.nanos
    }

    pub fn offset_minutes(self) -> i16 {
        self.offset_minutes
    }

    /// Nanoseconds since 1970, exact for every representable instant.
    pub fn unix_nanos(self) -> i128 {
        i128::from(self.seconds) * 1_000_000_000 + i128::from(self.nanos)
    }

    /// Year 1: the value that stands for "not set".
    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }

    /// Later by `by`, at most [`Timestamp::MAX`]; the zone is kept.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        let nanos = self.nanos + by.subsec_nanos();
        let seconds = i64::try_from(by.as_secs()).unwrap_or(i64::MAX);
        let seconds = self.seconds.saturating_add(seconds);
        let carried = seconds.saturating_add(i64::from(nanos / 1_000_000_000));
        Self::from_unix(carried, nanos % 1_000_000_000).with_offset_minutes(self.offset_minutes)
    }

    /// Earlier by `by`, at least [`Timestamp::ZERO`]; the zone is kept.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        let mut seconds =
            self.seconds.saturating_sub(i64::try_from(by.as_secs()).unwrap_or(i64::MAX));
        let mut nanos = i64::from(self.nanos) - i64::from(by.subsec_nanos());
        if nanos < 0 {
            nanos += 1_000_000_000;
            seconds = seconds.saturating_sub(1);
        }
        Self::from_unix(seconds, u32::try_from(nanos).unwrap_or(0))
            .with_offset_minutes(self.offset_minutes)
    }

    /// How long after `earlier` this is; zero if it is not after it.
    pub fn since(self, earlier: Timestamp) -> Duration {
        let nanos = self.unix_nanos() - earlier.unix_nanos();
        if nanos <= 0 {
            return Duration::ZERO;
        }
        let seconds = u64::try_from(nanos / 1_000_000_000).unwrap_or(u64::MAX);
        Duration::new(seconds, (nanos % 1_000_000_000) as u32)
    }

    /// `2006-01-02T15:04:05.000Z`: always three digits of fraction, truncated.
    pub fn rfc3339_millis(self) -> String {
        let mut out = String::with_capacity(29);
        self.write_millis(&mut out);
        out
    }

    /// Appends what [`Timestamp::rfc3339_millis`] returns.
    pub fn write_millis(self, out: &mut String) {
        let mut text = *b"0000-00-00T00:00:00.000";
        self.put_seconds(&mut text[..19]);
        put_digits(&mut text[20..], self.nanos / 1_000_000);
        push_ascii(out, &text);
        self.write_zone(out);
    }

    /// `2006-01-02T15:04:05.999999999Z`: the fraction without trailing zeros, none if it is zero.
    pub fn rfc3339_nanos(self) -> String {
        let mut out = String::with_capacity(35);
        self.write_nanos(&mut out);
        out
    }

    /// Appends what [`Timestamp::rfc3339_nanos`] returns.
    pub fn write_nanos(self, out: &mut String) {
        let mut text = *b"0000-00-00T00:00:00";
        self.put_seconds(&mut text);
        push_ascii(out, &text);
        if self.nanos != 0 {
            let mut fraction = *b".000000000";
            put_digits(&mut fraction[1..], self.nanos);
            push_ascii(out, &fraction);
            let kept = out.trim_end_matches('0').len();
            out.truncate(kept);
        }
        self.write_zone(out);
    }

    /// Reads an RFC 3339 date-time: `T`/`t` or a space between date and time, seconds, an optional
    /// fraction (digits after the ninth are dropped), and `Z`, `+hh:mm` or `+hhmm`.
    ///
    /// `None` for anything else, and for instants outside the years 1 to 9999.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        parse::rfc3339(text)
    }

    /// Fills in the digits of `0000-00-00T00:00:00`.
    fn put_seconds(self, text: &mut [u8]) {
        let local = self.seconds + i64::from(self.offset_minutes) * 60;
        let (days, second) = (local.div_euclid(86_400), local.rem_euclid(86_400));
        let (year, month, day) = civil_from_days(days);
        // A zone west of UTC puts the first hours of year 1 into year 0.
        let (year, second) = (year.max(0) as u32, second as u32);
        let parts =
            [year / 100, year % 100, month, day, second / 3600, second / 60 % 60, second % 60];
        for (at, part) in [0, 2, 5, 8, 11, 14, 17].into_iter().zip(parts) {
            text[at..at + 2].copy_from_slice(&TWO_DIGITS[part as usize % 100]);
        }
    }

    fn write_zone(self, out: &mut String) {
        if self.offset_minutes == 0 {
            out.push('Z');
            return;
        }
        let minutes = u32::from(self.offset_minutes.unsigned_abs());
        let mut text = if self.offset_minutes < 0 { *b"-00:00" } else { *b"+00:00" };
        put_digits(&mut text[1..3], minutes / 60);
        put_digits(&mut text[4..6], minutes % 60);
        push_ascii(out, &text);
    }
}

impl Mono {
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Mono(self.0.saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    pub fn since(self, earlier: Mono) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Now {
    /// The monotonic reading at which the wall clock is expected to show `wall`; now, if it is past.
    pub fn mono_at(self, wall: Timestamp) -> Mono {
        self.mono.plus(wall.since(self.wall))
    }

    /// The wall time expected when the monotonic clock shows `mono`; now, if it is past.
    pub fn wall_at(self, mono: Mono) -> Timestamp {
        self.wall.plus(mono.since(self.mono))
    }
}

impl PartialEq for Timestamp {
    fn eq(&self, other: &Self) -> bool {
        (self.seconds, self.nanos) == (other.seconds, other.nanos)
    }
}

impl Eq for Timestamp {}

impl PartialOrd for Timestamp {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timestamp {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.seconds, self.nanos).cmp(&(other.seconds, other.nanos))
    }
}

impl Hash for Timestamp {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.seconds, self.nanos).hash(state);
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339_nanos())
    }
}

static TWO_DIGITS: [[u8; 2]; 100] = {
    let mut texts = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        texts[number] = [b'0' + number as u8 / 10, b'0' + number as u8 % 10];
        number += 1;
    }
    texts
};

/// Fills `digits` with the last decimal digits of `value`.
fn put_digits(digits: &mut [u8], mut value: u32) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

fn push_ascii(out: &mut String, text: &[u8]) {
    out.push_str(std::str::from_utf8(text).expect("digits are ASCII"));
}

/// Days since 1970-01-01 to (year, month 1..=12, day 1..=31) of the proleptic Gregorian calendar.
///
/// Eras of 400 years that start in March; see H. Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms".
pub(crate) fn civil_from_days(days: i64) -> (i64, u32, u32) {
    // One era more than it takes to get rid of signs: small numbers divide faster.
    let shifted = (days + 719_468 + 146_097) as u32;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = i64::from(year_of_era + era * 400) - 400 + i64::from(month <= 2);
    (year, month, day)
}

/// Days from 1970-01-01 to a date: the inverse of `civil_from_days`, for any year.
pub fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted_month = i64::from(if month > 2 { month - 3 } else { month + 9 });
    let day_of_year = (153 * shifted_month + 2) / 5 + i64::from(day) - 1;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + of_era - 719_468
}

// By hand, since jiff refuses fractions of over nine digits, and accepts `23:59:60Z` and `23:59Z`.
mod parse {
    use super::{Timestamp, days_from_civil};

    struct Cursor<'a>(&'a [u8]);

    impl Cursor<'_> {
        fn number(&mut self, width: usize) -> Option<u32> {
            let digits = self.0.get(..width)?;
            let mut value = 0;
            for digit in digits {
                value = value * 10 + u32::from(digit.is_ascii_digit().then(|| digit - b'0')?);
            }
            self.0 = &self.0[width..];
            Some(value)
        }

        fn skip(&mut self, any_of: &[u8]) -> Option<u8> {
            let first = *self.0.first()?;
            any_of.contains(&first).then(|| {
                self.0 = &self.0[1..];
                first
            })
        }
    }

    pub(super) fn rfc3339(text: &str) -> Option<Timestamp> {
        let mut cursor = Cursor(text.as_bytes());
        let year = cursor.number(4)?;
        cursor.skip(b"-")?;
        let month = cursor.number(2).filter(|m| (1..=12).contains(m))?;
        cursor.skip(b"-")?;
        let day = cursor.number(2).filter(|d| (1..=days_in_month(year, month)).contains(d))?;
        cursor.skip(b"Tt ")?;
        let hour = cursor.number(2).filter(|h| *h < 24)?;
        cursor.skip(b":")?;
        let minute = cursor.number(2).filter(|m| *m < 60)?;
        cursor.skip(b":")?;
        let second = cursor.number(2).filter(|s| *s < 60)?;
        let nanos = fraction(&mut cursor)?;
        let offset_minutes = zone(&mut cursor)?;
        if !cursor.0.is_empty() {
            return None;
        }
        let local = days_from_civil(i64::from(year), month, day) * 86_400
            + i64::from(hour * 3600 + minute * 60 + second);
        let seconds = local - i64::from(offset_minutes) * 60;
        let in_range = (Timestamp::ZERO.seconds..=Timestamp::MAX.seconds).contains(&seconds);
        in_range.then_some(Timestamp { seconds, nanos, offset_minutes })
    }

    fn fraction(cursor: &mut Cursor<'_>) -> Option<u32> {
        if cursor.skip(b".,").is_none() {
            return Some(0);
        }
        let count = cursor.0.iter().take_while(|b| b.is_ascii_digit()).count();
        if count == 0 {
            return None;
        }
        let mut nanos = 0;
        for place in 0..9 {
            let digit = if place < count { u32::from(cursor.0[place] - b'0') } else { 0 };
            nanos = nanos * 10 + digit;
        }
        cursor.0 = &cursor.0[count..];
        Some(nanos)
    }

    fn zone(cursor: &mut Cursor<'_>) -> Option<i16> {
        if cursor.skip(b"Zz").is_some() {
            return Some(0);
        }
        let sign = if cursor.skip(b"+-")? == b'-' { -1 } else { 1 };
        let hours = cursor.number(2).filter(|h| *h < 24)?;
        cursor.skip(b":");
        let minutes = cursor.number(2).filter(|m| *m < 60)?;
        Some(sign * (hours * 60 + minutes) as i16)
    }

    fn days_in_month(year: u32, month: u32) -> u32 {
        match month {
            2 if year.is_multiple_of(4)
                && (!year.is_multiple_of(100) || year.is_multiple_of(400)) =>
            {
                29
            }
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }
}

#[cfg(test)]
mod tests;
