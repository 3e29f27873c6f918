//! Go's layouts: a time written as the reference time `Mon Jan 2 15:04:05 MST 2006` would be.
//!
//! In: a layout. Out: its parts, literal texts and fields, which `format` and `parse` walk.

/// A part of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    Literal(&'a str),
    Field(Field, &'a str),
}

/// What stands at a place. The width says how numbers are padded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Year,
    YearOfCentury,
    MonthName,
    MonthShort,
    Month(Pad),
    WeekdayName,
    WeekdayShort,
    Day(Pad),
    DayOfYear(Pad),
    Hour,
    Hour12(Pad),
    Minute(Pad),
    Second(Pad),
    /// `PM` or `pm`.
    HalfUpper,
    HalfLower,
    /// The zone's letters.
    Zone,
    Offset(Offset),
    /// The separator, the number of digits, and whether trailing zeros are kept.
    Fraction {
        digits: usize,
        keeps_zeros: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pad {
    None,
    Zero,
    Space,
}

/// How an offset from UTC is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offset {
    /// `Z` for UTC itself.
    pub z_for_utc: bool,
    pub colons: bool,
    pub minutes: bool,
    pub seconds: bool,
}

/// Splits a layout into its parts.
pub fn parts(layout: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut literal = 0;
    let mut at = 0;
    while at < layout.len() {
        match field_at(&layout[at..]) {
            Some((skipped, field, length)) => {
                let begins = at + skipped;
                if literal < begins {
                    parts.push(Part::Literal(&layout[literal..begins]));
                }
                at = begins + length;
                literal = at;
                parts.push(Part::Field(field, &layout[begins..at]));
            }
            None => at += layout[at..].chars().next().map_or(1, char::len_utf8),
        }
    }
    if literal < layout.len() {
        parts.push(Part::Literal(&layout[literal..]));
    }
    parts
}

/// The field at the front: bytes before it that are literal, the field, and its length.
fn field_at(rest: &str) -> Option<(usize, Field, usize)> {
    if let Some(digits) = rest.strip_prefix(['.', ',']) {
        return fraction(digits).map(|(field, length)| (0, field, length));
    }
    // An underscore before a year is itself.
    if rest.starts_with("_2006") {
        return Some((1, Field::Year, 4));
    }
    for (name, field) in TABLE {
        if let Some(behind) = rest.strip_prefix(name) {
            let is_word = matches!(field, Field::MonthShort | Field::WeekdayShort);
            if is_word && behind.starts_with(|c: char| c.is_ascii_lowercase()) {
                continue;
            }
            return Some((0, *field, name.len()));
        }
    }
    None
}

/// Zeros or nines behind a point that no other digit follows.
fn fraction(behind_point: &str) -> Option<(Field, usize)> {
    let first = *behind_point.as_bytes().first()?;
    if first != b'0' && first != b'9' {
        return None;
    }
    let digits = behind_point.bytes().take_while(|byte| *byte == first).count();
    if behind_point.as_bytes().get(digits).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    Some((Field::Fraction { digits, keeps_zeros: first == b'0' }, digits + 1))
}

const fn offset(z_for_utc: bool, colons: bool, minutes: bool, seconds: bool) -> Field {
    Field::Offset(Offset { z_for_utc, colons, minutes, seconds })
}

/// Longer names stand before those that they begin with.
const TABLE: &[(&str, Field)] = &[
    ("January", Field::MonthName),
    ("Jan", Field::MonthShort),
    ("Monday", Field::WeekdayName),
    ("Mon", Field::WeekdayShort),
    ("MST", Field::Zone),
    ("002", Field::DayOfYear(Pad::Zero)),
    ("01", Field::Month(Pad::Zero)),
    ("02", Field::Day(Pad::Zero)),
    ("03", Field::Hour12(Pad::Zero)),
    ("04", Field::Minute(Pad::Zero)),
    ("05", Field::Second(Pad::Zero)),
    ("06", Field::YearOfCentury),
    ("15", Field::Hour),
    ("1", Field::Month(Pad::None)),
    ("2006", Field::Year),
    ("2", Field::Day(Pad::None)),
    ("__2", Field::DayOfYear(Pad::Space)),
    ("_2", Field::Day(Pad::Space)),
    ("3", Field::Hour12(Pad::None)),
    ("4", Field::Minute(Pad::None)),
    ("5", Field::Second(Pad::None)),
    ("PM", Field::HalfUpper),
    ("pm", Field::HalfLower),
    ("-070000", offset(false, false, true, true)),
    ("-07:00:00", offset(false, true, true, true)),
    ("-0700", offset(false, false, true, false)),
    ("-07:00", offset(false, true, true, false)),
    ("-07", offset(false, false, false, false)),
    ("Z070000", offset(true, false, true, true)),
    ("Z07:00:00", offset(true, true, true, true)),
    ("Z0700", offset(true, false, true, false)),
    ("Z07:00", offset(true, true, true, false)),
    ("Z07", offset(true, false, false, false)),
];
