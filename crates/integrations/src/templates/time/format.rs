//! A time written as a layout says.

use std::fmt::Write;

use super::civil::{Civil, MONTHS, WEEKDAYS};
use super::layout::{Field, Offset, Pad, Part, parts};

pub fn format(time: &Civil, layout: &str) -> String {
    let mut out = String::with_capacity(layout.len() + 16);
    for part in parts(layout) {
        match part {
            Part::Literal(text) => out.push_str(text),
            Part::Field(field, text) => push_field(&mut out, time, field, text),
        }
    }
    out
}

fn push_field(out: &mut String, time: &Civil, field: Field, text: &str) {
    let month = MONTHS[time.month as usize - 1];
    let weekday = WEEKDAYS[time.weekday as usize];
    match field {
        Field::Year => push_year(out, time.year),
        Field::YearOfCentury => push_number(out, time.year.rem_euclid(100) as u32, Pad::Zero, 2),
        Field::MonthName => out.push_str(month),
        Field::MonthShort => out.push_str(&month[..3]),
        Field::Month(pad) => push_number(out, time.month, pad, 2),
        Field::WeekdayName => out.push_str(weekday),
        Field::WeekdayShort => out.push_str(&weekday[..3]),
        Field::Day(pad) => push_number(out, time.day, pad, 2),
        Field::DayOfYear(pad) => push_number(out, time.day_of_year, pad, 3),
        Field::Hour => push_number(out, time.hour, Pad::Zero, 2),
        // Noon and midnight are twelve.
        Field::Hour12(pad) => push_number(out, (time.hour + 11) % 12 + 1, pad, 2),
        Field::Minute(pad) => push_number(out, time.minute, pad, 2),
        Field::Second(pad) => push_number(out, time.second, pad, 2),
        Field::HalfUpper => out.push_str(if time.hour >= 12 { "PM" } else { "AM" }),
        Field::HalfLower => out.push_str(if time.hour >= 12 { "pm" } else { "am" }),
        Field::Zone if time.zone.is_empty() => push_offset(out, time.offset_seconds, WITHOUT_NAME),
        Field::Zone => out.push_str(&time.zone),
        Field::Offset(form) => push_offset(out, time.offset_seconds, form),
        Field::Fraction { digits, keeps_zeros } => {
            push_fraction(out, time.nanos, digits, keeps_zeros, text);
        }
    }
}

fn push_year(out: &mut String, year: i64) {
    if year < 0 {
        out.push('-');
    }
    let _ = write!(out, "{:04}", year.unsigned_abs());
}

fn push_number(out: &mut String, number: u32, pad: Pad, width: usize) {
    // Writing to a string does not fail.
    let _ = match pad {
        Pad::None => write!(out, "{number}"),
        Pad::Zero => write!(out, "{number:0width$}"),
        Pad::Space => write!(out, "{number:width$}"),
    };
}

fn push_offset(out: &mut String, seconds: i32, form: Offset) {
    if form.z_for_utc && seconds == 0 {
        out.push('Z');
        return;
    }
    // The sign is that of whole minutes.
    out.push(if seconds / 60 < 0 { '-' } else { '+' });
    let minutes = (seconds / 60).unsigned_abs();
    let colon = if form.colons { ":" } else { "" };
    let _ = write!(out, "{:02}", minutes / 60);
    if form.minutes {
        let _ = write!(out, "{colon}{:02}", minutes % 60);
    }
    if form.seconds {
        let _ = write!(out, "{colon}{:02}", (seconds % 60).unsigned_abs());
    }
}

fn push_fraction(out: &mut String, nanos: u32, digits: usize, keeps_zeros: bool, text: &str) {
    let all = format!("{nanos:09}");
    let shown = &all[..digits.min(9)];
    let shown = if keeps_zeros { shown } else { shown.trim_end_matches('0') };
    if !shown.is_empty() {
        out.push_str(&text[..1]);
        out.push_str(shown);
    }
}

const WITHOUT_NAME: Offset =
    Offset { z_for_utc: false, colons: false, minutes: true, seconds: false };
