//! The five kinds of ranges, read from a configuration's text and printed back.
//!
//! `first:last` or one value alone; both ends belong to the range, except for times of day.

use std::fmt;

use super::IntervalError;
use crate::quote::quoted;

/// Minutes of a day, the end not included: `09:00` to `17:00`.
///
/// Invariant: `0 <= start < end <= 1440`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    start: i64,
    end: i64,
}

/// `monday:friday`. Sunday is 0; a range whose first day is behind its last goes on over the end of the
/// week: `friday:monday`.
///
/// Invariant: both are 0 to 6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeekdayRange {
    first: i64,
    last: i64,
}

/// `1:15`, `-3:-1`, `5:-1`; negative days count from the end of the month.
///
/// Invariant: both are -31 to 31 and not 0; `last` is negative if `first` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayOfMonthRange {
    first: i64,
    last: i64,
}

/// `january:march`, `5`.
///
/// Invariant: `1 <= first <= last <= 12`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MonthRange {
    first: i64,
    last: i64,
}

/// `2024:2030`.
///
/// Invariant: `first <= last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct YearRange {
    first: i64,
    last: i64,
}

impl TimeRange {
    /// From two texts `HH:MM`, `00:00` to `24:00`.
    pub fn parse(start: &str, end: &str) -> Result<TimeRange, IntervalError> {
        if start.is_empty() || end.is_empty() {
            return Err(IntervalError::new("both start and end times must be provided"));
        }
        let (start, end) = (parse_clock(start)?, parse_clock(end)?);
        if start >= end {
            return Err(IntervalError::new("start time cannot be equal or greater than end time"));
        }
        Ok(TimeRange { start, end })
    }

    /// Minutes behind midnight.
    pub fn start_minute(&self) -> i64 {
        self.start
    }

    /// Minutes behind midnight, at most 1440.
    pub fn end_minute(&self) -> i64 {
        self.end
    }

    /// `HH:MM`
    pub fn start_text(&self) -> String {
        clock_text(self.start)
    }

    /// `HH:MM`
    pub fn end_text(&self) -> String {
        clock_text(self.end)
    }

    pub(super) fn contains(&self, minute: i64) -> bool {
        (self.start..self.end).contains(&minute)
    }
}

impl WeekdayRange {
    pub fn parse(text: &str) -> Result<WeekdayRange, IntervalError> {
        let (first, last) = parse_ends(text, |name| {
            let index = WEEKDAYS.iter().position(|weekday| *weekday == name);
            index.map(|index| index as i64).ok_or_else(|| format!("{name} is not a valid weekday"))
        })?;
        Ok(WeekdayRange { first, last })
    }

    pub(super) fn contains(&self, weekday: i64) -> bool {
        if self.first <= self.last {
            (self.first..=self.last).contains(&weekday)
        } else {
            weekday >= self.first || weekday <= self.last
        }
    }
}

impl DayOfMonthRange {
    pub fn parse(text: &str) -> Result<DayOfMonthRange, IntervalError> {
        let (first, last) = parse_ends(text, parse_number)?;
        for day in [first, last] {
            if day == 0 || !(-31..=31).contains(&day) {
                let message = format!("{day} is not a valid day of the month: out of range");
                return Err(IntervalError::new(message));
            }
        }
        if first < 0 && last > 0 {
            return Err(IntervalError::new("end day must be negative if start day is negative"));
        }
        // What is empty even in the shortest month is a mistake.
        let in_shortest = |day: i64| if day < 0 { 28 + day } else { day };
        if in_shortest(first) > in_shortest(last) {
            let message = format!("end day {last} is always before start day {first}");
            return Err(IntervalError::new(message));
        }
        Ok(DayOfMonthRange { first, last })
    }

    pub(super) fn contains(&self, day: i64, days_in_month: i64) -> bool {
        let from_start = |day: i64| if day < 0 { days_in_month + day + 1 } else { day };
        (from_start(self.first)..=from_start(self.last)).contains(&day)
    }
}

impl MonthRange {
    pub fn parse(text: &str) -> Result<MonthRange, IntervalError> {
        let (first, last) =
            parse_ends(text, |name| match MONTHS.iter().position(|month| *month == name) {
                Some(index) => Ok(index as i64 + 1),
                None => name.parse().map_err(|_| format!("{name} is not a valid month")),
            })?;
        if let Some(month) = [first, last].into_iter().find(|month| !(1..=12).contains(month)) {
            let message = format!("{month} is not a valid month: out of range");
            return Err(IntervalError::new(message));
        }
        if first > last {
            let name = |month: i64| {
                let index = usize::try_from(month - 1).ok();
                index.and_then(|index| MONTHS.get(index)).copied().unwrap_or_default()
            };
            let message = format!("end month {} is before start month {}", name(last), name(first));
            return Err(IntervalError::new(message));
        }
        Ok(MonthRange { first, last })
    }

    pub(super) fn contains(&self, month: i64) -> bool {
        (self.first..=self.last).contains(&month)
    }
}

impl YearRange {
    pub fn parse(text: &str) -> Result<YearRange, IntervalError> {
        let (first, last) = parse_ends(text, parse_number)?;
        if first > last {
            let message = format!("end year {last} is before start year {first}");
            return Err(IntervalError::new(message));
        }
        Ok(YearRange { first, last })
    }

    pub(super) fn contains(&self, year: i64) -> bool {
        (self.first..=self.last).contains(&year)
    }
}

/// `09:00-17:00`
impl fmt::Display for TimeRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.start_text(), self.end_text())
    }
}

/// `monday:friday`, or one name alone.
impl fmt::Display for WeekdayRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |day: i64| usize::try_from(day).ok().and_then(|day| WEEKDAYS.get(day));
        write_ends(f, name(self.first).unwrap_or(&""), name(self.last).unwrap_or(&""))
    }
}

impl fmt::Display for DayOfMonthRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_ends(f, self.first, self.last)
    }
}

/// Numbers, also where the configuration had names.
impl fmt::Display for MonthRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_ends(f, self.first, self.last)
    }
}

impl fmt::Display for YearRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_ends(f, self.first, self.last)
    }
}

fn write_ends<T: fmt::Display + PartialEq>(
    f: &mut fmt::Formatter<'_>,
    first: T,
    last: T,
) -> fmt::Result {
    if first == last { write!(f, "{first}") } else { write!(f, "{first}:{last}") }
}

/// Both ends of `first:last`, or one value twice. Letter case does not matter.
fn parse_ends(
    text: &str,
    parse_end: impl Fn(&str) -> Result<i64, String>,
) -> Result<(i64, i64), IntervalError> {
    let text = text.to_lowercase();
    let (first, last) = text.split_once(':').unwrap_or((&text, &text));
    if last.contains(':') {
        let message = format!("couldn't parse range {text}, invalid format");
        return Err(IntervalError::new(message));
    }
    let first = parse_end(first).map_err(IntervalError::new)?;
    let last = parse_end(last).map_err(IntervalError::new)?;
    Ok((first, last))
}

fn parse_number(text: &str) -> Result<i64, String> {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    text.parse().map_err(|error: std::num::ParseIntError| {
        let problem = match error.kind() {
            PosOverflow | NegOverflow => "value out of range",
            _ => "invalid syntax",
        };
        format!("strconv.Atoi: parsing {}: {problem}", quoted(text))
    })
}

/// Minutes behind midnight of `HH:MM`.
fn parse_clock(text: &str) -> Result<i64, IntervalError> {
    let digits = match text.as_bytes() {
        [a, b, b':', c, d] => [*a, *b, *c, *d],
        _ => [0; 4],
    };
    let minutes = digits.iter().all(u8::is_ascii_digit).then(|| {
        let [a, b, c, d] = digits.map(|digit| i64::from(digit - b'0'));
        (a * 10 + b, c * 10 + d)
    });
    match minutes {
        Some((24, 0)) => Ok(24 * 60),
        Some((hours @ 0..24, minutes @ 0..60)) => Ok(hours * 60 + minutes),
        _ => {
            let message = format!("couldn't parse timestamp {text}, invalid format");
            Err(IntervalError::new(message))
        }
    }
}

fn clock_text(minutes: i64) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

const WEEKDAYS: [&str; 7] =
    ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
