//! Is an end that is long past the end of the alert, or is the sender's clock hours late?
//!
//! In: what senders report. Out: how the end is to be read.
//!
//! A sender says that an alert fires by an end that lies ahead *on its own clock*. If that clock is
//! hours late, the end is past on arrival. But an end that is past is an end, unless the sender has
//! shown for this alert that its clock is late, by a series of reports as Prometheus sends them
//! while an alert fires:
//!
//! - all have the same start, and it is given: a program that reports every minute that nothing is
//!   wrong sends no start, or one that moves with the end;
//! - the end moves ahead from report to report, by what has passed between them: a repeated
//!   "resolved" does not move, and a queue that is sent late moves faster;
//! - start and end are whole seconds apart: Prometheus computes both from the instants of its
//!   evaluations, while a program that reads its clock for each end is off by fractions;
//! - there are at least three, over at least half a minute.
//!
//! From then on an end that is late by the same time means firing. One that is late by more, or that
//! moves back, is the end of the alert: Prometheus's end of a firing alert is at least four
//! evaluations ahead of the end of one that has just been resolved.

use std::collections::BTreeMap;
use std::time::Duration;

use bellwether_model::{Alert, Fingerprint, NewAlert, Timestamp};

/// How a reported end is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    AsReported,
    /// The sender's clock is late by at least this; the alert fires.
    FiresStill {
        late_by: Duration,
    },
}

/// What late ends have shown about the clocks of their senders.
#[derive(Debug, Default)]
pub(crate) struct LateEnds {
    /// Invariant: at most [`SERIES_MAX`] for each alert, all with different starts.
    series: BTreeMap<Fingerprint, Vec<Series>>,
    /// When a late clock was last logged.
    logged_at: Option<Timestamp>,
}

/// Reports of one alert with the same start: those of one sender, unless two have the same clock.
#[derive(Clone, Copy, Debug)]
struct Series {
    starts_at: Timestamp,
    first: Report,
    /// The one with the latest end.
    last: Report,
    /// How many reports moved the end ahead.
    moves: u32,
}

#[derive(Clone, Copy, Debug)]
struct Report {
    received_at: Timestamp,
    ends_at: Timestamp,
}

impl LateEnds {
    pub fn read(&mut self, new: &NewAlert, now: Timestamp) -> End {
        let (Some(starts_at), Some(ends_at)) = (new.starts_at, new.ends_at) else {
            return End::AsReported;
        };
        if !is_late(ends_at, now) || starts_at >= ends_at {
            return End::AsReported;
        }
        let report = Report { received_at: now, ends_at };
        let of_alert = self.series.entry(new.fingerprint).or_default();
        let mut others = of_alert.iter().filter(|series| series.starts_at != starts_at);
        // Another server with the same clock, or the same alert again.
        let is_like_others = others.any(|s| s.is_shown() && s.last.is_as_late_as(report));
        let known = of_alert.iter().position(|series| series.starts_at == starts_at);
        let at = known.unwrap_or_else(|| begin(of_alert, starts_at, report));
        let says_firing = of_alert[at].extend(report);
        if says_firing || is_like_others {
            End::FiresStill { late_by: report.late_by() }
        } else {
            End::AsReported
        }
    }

    /// Takes back what an earlier run was shown about an alert that fires.
    pub fn restore(&mut self, alert: &Alert) {
        if alert.late_by_s == 0 {
            return;
        }
        let late_by = Duration::from_secs(alert.late_by_s.into());
        let ends_at = alert.updated_at.minus(late_by);
        let report = Report { received_at: alert.updated_at, ends_at };
        let of_alert = self.series.entry(alert.fingerprint).or_default();
        let at = begin(of_alert, alert.starts_at, report);
        let series = &mut of_alert[at];
        series.first.received_at = report.received_at.minus(SPAN_MIN);
        series.moves = MOVES_MIN;
    }

    /// Limit: whether another late clock is worth a log line; one is every ten minutes.
    pub fn is_worth_a_line(&mut self, now: Timestamp) -> bool {
        let is_worth = self.logged_at.is_none_or(|at| at.plus(LOG_INTERVAL) <= now || at > now);
        if is_worth {
            self.logged_at = Some(now);
        }
        is_worth
    }

    /// Drops the series that have not moved for an hour.
    pub fn forget_old(&mut self, now: Timestamp) {
        self.series.retain(|_, of_alert| {
            of_alert.retain(|series| now.since(series.last.received_at) < KEPT_FOR);
            !of_alert.is_empty()
        });
    }
}

impl Series {
    /// Whether the series has shown that its sender's clock is late.
    fn is_shown(&self) -> bool {
        self.moves >= MOVES_MIN && self.last.received_at.since(self.first.received_at) >= SPAN_MIN
    }

    /// Takes the next report with this start. Returns whether the series has shown that the clock
    /// is late, and that the alert fires.
    ///
    /// What does not continue a series that has shown nothing yet begins another one.
    fn extend(&mut self, report: Report) -> bool {
        let moves_ahead = report.ends_at > self.last.ends_at;
        let repeats = report.ends_at == self.last.ends_at && self.last.is_as_late_as(report);
        if self.is_shown() {
            // A clock that is corrected in part makes ends move faster.
            let keeps_pace = report.late_by() <= self.last.late_by().saturating_add(TOLERANCE);
            if moves_ahead && keeps_pace {
                self.last = report;
            }
            return moves_ahead && keeps_pace || repeats;
        }
        if moves_ahead && self.is_regular(report) {
            self.last = report;
            self.moves += 1;
        } else if !repeats {
            (self.first, self.last, self.moves) = (report, report, 0);
        }
        self.is_shown()
    }

    fn is_regular(&self, report: Report) -> bool {
        let from_start = report.ends_at.since(self.starts_at);
        from_start.subsec_nanos() == 0 && self.first.is_as_late_as(report)
    }
}

impl Report {
    fn late_by(self) -> Duration {
        self.received_at.since(self.ends_at)
    }

    fn is_as_late_as(self, other: Report) -> bool {
        self.late_by().abs_diff(other.late_by()) <= TOLERANCE
    }
}

/// Adds a series of one report, in place of the one that has rested longest if there are too many.
fn begin(of_alert: &mut Vec<Series>, starts_at: Timestamp, report: Report) -> usize {
    let resting = (0..of_alert.len()).min_by_key(|at| of_alert[*at].last.received_at);
    if let Some(at) = resting.filter(|_| of_alert.len() >= SERIES_MAX) {
        of_alert.swap_remove(at);
    }
    of_alert.push(Series { starts_at, first: report, last: report, moves: 0 });
    of_alert.len() - 1
}

fn is_late(ends_at: Timestamp, now: Timestamp) -> bool {
    ends_at.plus(LATE_MIN) < now
}

/// Clocks that are wrong by less are common, also with programs that report past ends.
const LATE_MIN: Duration = Duration::from_mins(30);

/// How often the end must move ahead before the clock counts as late.
const MOVES_MIN: u32 = 2;

/// Over how long at least: what waited in a queue arrives at once.
const SPAN_MIN: Duration = Duration::from_secs(30);

/// How much the time between the end and the arrival may differ from report to report. Less than
/// the shortest usual distance between the end of a firing and of a resolved alert, which is four
/// times the longer of `evaluation_interval` and `--rules.alert.resend-delay`.
const TOLERANCE: Duration = Duration::from_secs(10);

/// Limit: the senders of one alert whose late ends are compared.
const SERIES_MAX: usize = 4;

/// One late clock makes a line for each of its alerts otherwise.
const LOG_INTERVAL: Duration = Duration::from_secs(600);

const KEPT_FOR: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests;
