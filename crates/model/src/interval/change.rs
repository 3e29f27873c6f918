//! When an interval may begin or end next.
//!
//! Between two changes of a zone's offset, local time runs evenly, and what an interval says can
//! change only at a midnight or at the bounds of its times of day. So these instants are tried one
//! after the other, and every change of the offset besides; on days that the interval does not
//! touch, only the midnights.

use super::{CalendarDay, SECONDS_PER_DAY, TimeInterval};
use crate::time::Timestamp;

pub(super) fn next(interval: &TimeInterval, after: Timestamp) -> Option<Timestamp> {
    let contained = interval.contains(after);
    let end = after.unix_seconds() + HORIZON_SECONDS;
    let bounds = times_of_day(interval);
    let mut from = after.unix_seconds();
    while from < end {
        let here = Timestamp::from_unix(from, 0);
        let offset = interval.location.offset_seconds(here);
        let even_until = interval.location.next_transition(here).map_or(end, |at| at.min(end));
        let mut at = from;
        while at < even_until {
            at = next_bound(interval, &bounds, at + offset) - offset;
            if at < even_until && interval.contains_local(at + offset) != contained {
                return later_than(after, at);
            }
        }
        if interval.contains(Timestamp::from_unix(even_until, 0)) != contained {
            return later_than(after, even_until);
        }
        from = even_until;
    }
    None
}

/// The instant, unless it lies behind the end of time.
fn later_than(after: Timestamp, unix_seconds: i64) -> Option<Timestamp> {
    let at = Timestamp::from_unix(unix_seconds, 0);
    (at.unix_seconds() == unix_seconds && at > after).then_some(at)
}

/// The first local second behind `local` at which the answer may change.
fn next_bound(interval: &TimeInterval, bounds: &[i64], local: i64) -> i64 {
    let day = local.div_euclid(SECONDS_PER_DAY);
    let midnight = (day + 1) * SECONDS_PER_DAY;
    if !interval.contains_day(CalendarDay::of(day)) {
        return midnight;
    }
    let second = local.rem_euclid(SECONDS_PER_DAY);
    let bound = bounds.iter().find(|bound| **bound > second);
    bound.map_or(midnight, |bound| day * SECONDS_PER_DAY + bound)
}

/// The bounds of the times of day in seconds behind midnight, in ascending order.
fn times_of_day(interval: &TimeInterval) -> Vec<i64> {
    let times = interval.times.as_deref().unwrap_or_default();
    let mut bounds: Vec<i64> =
        times.iter().flat_map(|range| [range.start_minute(), range.end_minute()]).collect();
    bounds.sort_unstable();
    bounds.dedup();
    bounds.iter().map(|minute| minute * 60).filter(|bound| *bound < SECONDS_PER_DAY).collect()
}

/// Two years.
const HORIZON_SECONDS: i64 = 731 * SECONDS_PER_DAY;
