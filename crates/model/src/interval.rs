//! Recurring spans of time, such as working hours: when routes are muted or active.
//!
//! In: the ranges of a configuration, as text. Out: whether an instant lies inside, and when that
//! may change next. Every instant is looked at as its location's calendar and clock show it, so a
//! day with a change of clocks has the hours that people there see; days are counted by the
//! calendar and never by hours.
//!
//! Zone data is read when a location is parsed. Nothing here reads a clock.

mod change;
mod location;
mod range;

use std::fmt;

pub use location::{Local, Location};
pub use range::{DayOfMonthRange, MonthRange, TimeRange, WeekdayRange, YearRange};

use crate::time::{Timestamp, civil_from_days, days_from_civil};

/// One specification: every list that is given must have a range that fits.
///
/// A list that is absent always fits; one that is present but empty never does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TimeInterval {
    pub times: Option<Vec<TimeRange>>,
    pub weekdays: Option<Vec<WeekdayRange>>,
    pub days_of_month: Option<Vec<DayOfMonthRange>>,
    pub months: Option<Vec<MonthRange>>,
    pub years: Option<Vec<YearRange>>,
    /// UTC unless it says otherwise.
    pub location: Location,
}

/// Why a text is not a range or location; prints as the Go Alertmanager's errors do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntervalError {
    message: Box<str>,
}

/// What the calendar on a wall shows.
#[derive(Clone, Copy, Debug, PartialEq)]
struct CalendarDay {
    year: i64,
    /// 1 to 12.
    month: i64,
    /// 1 to 31.
    day: i64,
    days_in_month: i64,
    /// 0 (Sunday) to 6.
    weekday: i64,
}

impl TimeInterval {
    pub fn contains(&self, at: Timestamp) -> bool {
        let local = at.unix_seconds() + self.location.offset_seconds(at);
        self.contains_local(local)
    }

    /// An instant behind `after` until which [`TimeInterval::contains`] stays what it is at `after`.
    ///
    /// `None` if it stays the same for the next two years; ask again then.
    pub fn next_change(&self, after: Timestamp) -> Option<Timestamp> {
        change::next(self, after)
    }

    /// Whether the local time lies inside: seconds that a clock in UTC would show as that time.
    fn contains_local(&self, local_seconds: i64) -> bool {
        self.contains_day(CalendarDay::of(local_seconds.div_euclid(SECONDS_PER_DAY)))
            && self.contains_time_of_day(local_seconds.rem_euclid(SECONDS_PER_DAY) / 60)
    }

    fn contains_time_of_day(&self, minute: i64) -> bool {
        let Some(times) = &self.times else { return true };
        times.iter().any(|range| range.contains(minute))
    }

    fn contains_day(&self, date: CalendarDay) -> bool {
        let CalendarDay { year, month, day, days_in_month, weekday } = date;
        fits(&self.days_of_month, |range| range.contains(day, days_in_month))
            && fits(&self.months, |range| range.contains(month))
            && fits(&self.weekdays, |range| range.contains(weekday))
            && fits(&self.years, |range| range.contains(year))
    }
}

impl CalendarDay {
    /// The day that lies `days` behind 1970-01-01.
    fn of(days: i64) -> Self {
        let (year, month, day) = civil_from_days(days);
        let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
        let days_in_month =
            days_from_civil(next_year, next_month, 1) - days_from_civil(year, month, 1);
        CalendarDay {
            year,
            month: i64::from(month),
            day: i64::from(day),
            days_in_month,
            // 1970 began on a Thursday.
            weekday: (days + 4).rem_euclid(7),
        }
    }
}

impl IntervalError {
    fn new(message: impl Into<Box<str>>) -> Self {
        IntervalError { message: message.into() }
    }
}

impl std::error::Error for IntervalError {}

impl fmt::Display for IntervalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

fn fits<R>(ranges: &Option<Vec<R>>, contains: impl Fn(&R) -> bool) -> bool {
    ranges.as_ref().is_none_or(|ranges| ranges.iter().any(contains))
}

const SECONDS_PER_DAY: i64 = 86_400;

#[cfg(test)]
mod tests;
