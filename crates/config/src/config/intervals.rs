//! `time_intervals` and `mute_time_intervals`: named spans of time.

use std::fmt::Display;

use bellwether_model::interval::{
    DayOfMonthRange, IntervalError, Location, MonthRange, TimeInterval, TimeRange, WeekdayRange,
    YearRange,
};

use crate::block::{Block, BlockReader, FieldValue, Problem, Visitor};
use crate::yaml::{NodeId, Tree};

/// A name for intervals; inside if any of them is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NamedIntervals {
    pub name: String,
    pub time_intervals: Vec<TimeInterval>,
}

/// The list, whose two spellings differ in one error's text.
pub(super) struct Named<'a> {
    list: &'a mut Vec<NamedIntervals>,
    message: &'static str,
}

impl<'a> Named<'a> {
    pub(super) fn plain(list: &'a mut Vec<NamedIntervals>) -> Self {
        Named { list, message: "missing name in time interval" }
    }

    pub(super) fn muting(list: &'a mut Vec<NamedIntervals>) -> Self {
        Named { list, message: "missing name in mute time interval" }
    }
}

impl FieldValue for Named<'_> {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
        let errors_before = reader.errors_len();
        self.list.decode(reader, node);
        if reader.errors_len() > errors_before {
            return;
        }
        for (index, (named, item)) in self.list.iter().zip(reader.items_or_none(node)).enumerate() {
            if named.name.is_empty() && !reader.is_null(*item) {
                reader.within(&format!("[{index}]"), |reader| reader.error(*item, self.message));
            }
        }
    }

    fn clear(&mut self) {
        self.list.clear();
    }

    fn is_empty(&mut self) -> bool {
        self.list.is_empty()
    }

    fn tree(&mut self) -> Tree {
        FieldValue::tree(self.list)
    }
}

impl Block for NamedIntervals {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.shown("name", &mut self.name);
        v.shown("time_intervals", &mut self.time_intervals);
    }
}

impl Block for TimeInterval {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.field("times", &mut Times(&mut self.times));
        v.field("weekdays", &mut Ranges(&mut self.weekdays, WeekdayRange::parse));
        v.field("days_of_month", &mut Ranges(&mut self.days_of_month, DayOfMonthRange::parse));
        v.field("months", &mut Ranges(&mut self.months, MonthRange::parse));
        v.field("years", &mut Ranges(&mut self.years, YearRange::parse));
        v.field("location", &mut self.location);
    }
}

/// One entry of `times`, as written.
#[derive(Default)]
struct TimesEntry {
    start_time: String,
    end_time: String,
}

impl Block for TimesEntry {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.shown("start_time", &mut self.start_time);
        v.shown("end_time", &mut self.end_time);
    }

    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        TimeRange::parse(&self.start_time, &self.end_time)
            .map(drop)
            .map_err(|error| Problem::here(error.to_string()))
    }
}

struct Times<'a>(&'a mut Option<Vec<TimeRange>>);

impl FieldValue for Times<'_> {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
        let mut entries: Vec<TimesEntry> = Vec::new();
        let errors_before = reader.errors_len();
        crate::value::Required { list: &mut entries, message: NULL_RANGE }.decode(reader, node);
        if reader.errors_len() == errors_before {
            let parse = |entry: &TimesEntry| TimeRange::parse(&entry.start_time, &entry.end_time);
            // Each entry was checked when it was read.
            *self.0 = Some(entries.iter().filter_map(|entry| parse(entry).ok()).collect());
        }
    }

    fn clear(&mut self) {
        *self.0 = None;
    }

    fn is_empty(&mut self) -> bool {
        self.0.as_ref().is_none_or(Vec::is_empty)
    }

    fn tree(&mut self) -> Tree {
        let entry = |range: &TimeRange| {
            let mut entry =
                TimesEntry { start_time: range.start_text(), end_time: range.end_text() };
            FieldValue::tree(&mut entry)
        };
        Tree::List(self.0.iter().flatten().map(entry).collect())
    }
}

/// A list of texts, each of which is a range.
struct Ranges<'a, T>(&'a mut Option<Vec<T>>, fn(&str) -> Result<T, IntervalError>);

impl<T: Display> FieldValue for Ranges<'_, T> {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
        let mut ranges = Vec::new();
        for (index, item) in reader.items(node).unwrap_or_default().iter().enumerate() {
            reader.within(&format!("[{index}]"), |reader| {
                let mut text = String::new();
                let errors_before = reader.errors_len();
                reader.fill_required(&mut text, *item, NULL_RANGE);
                if reader.errors_len() > errors_before {
                    return;
                }
                // Not `parsed`: it would report an alias at the line of its anchor.
                match (self.1)(&text) {
                    Ok(range) => ranges.push(range),
                    Err(error) => reader.error(*item, &error.to_string()),
                }
            });
        }
        *self.0 = Some(ranges);
    }

    fn clear(&mut self) {
        *self.0 = None;
    }

    fn is_empty(&mut self) -> bool {
        self.0.as_ref().is_none_or(Vec::is_empty)
    }

    fn tree(&mut self) -> Tree {
        Tree::Flow(self.0.iter().flatten().map(|range| Tree::text(&range.to_string())).collect())
    }
}

impl FieldValue for Location {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
        if let Some(location) = reader.parsed(node, Location::parse) {
            *self = location;
        }
    }

    fn clear(&mut self) {
        *self = Location::default();
    }

    fn is_empty(&mut self) -> bool {
        *self == Location::default()
    }

    fn tree(&mut self) -> Tree {
        Tree::text(&self.to_string())
    }
}

const NULL_RANGE: &str = "a range cannot be null";
