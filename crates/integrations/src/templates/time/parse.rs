//! A time read as a layout says.
//!
//! What the layout does not mention is the beginning of year 0, in UTC. Names may be in any case,
//! spaces in the layout stand for any number of spaces, and a fraction may follow the seconds.

use super::Moment;
use super::civil::{Instant, MONTHS, WEEKDAYS, Zone, days_to};
use super::layout::{Field, Offset, Pad, Part, parts};

/// Reads `text`; the error is worded as Go's.
pub fn parse(layout: &str, text: &str) -> Result<Moment, String> {
    let mut found = Found { month: 1, day: 1, ..Found::default() };
    let mut rest = text;
    let all = parts(layout);
    for (index, part) in all.iter().enumerate() {
        let failed = |shown: &str, rest: &str| {
            format!("parsing time {text:?} as {layout:?}: cannot parse {rest:?} as {shown:?}")
        };
        match part {
            Part::Literal(literal) => {
                rest = skip(rest, literal).map_err(|rest| failed(literal, rest))?;
            }
            Part::Field(field, shown) => {
                let followed =
                    matches!(all.get(index + 1), Some(Part::Field(Field::Fraction { .. }, _)));
                rest = found.read(*field, rest, followed).map_err(|fault| match fault {
                    TemplateFault::Form => failed(shown, rest),
                    TemplateFault::Range(what) => {
                        format!("parsing time {text:?}: {what} out of range")
                    }
                })?;
            }
        }
    }
    if !rest.is_empty() {
        return Err(format!("parsing time {text:?}: extra text: {rest:?}"));
    }
    found.moment().ok_or_else(|| format!("parsing time {text:?}: day out of range"))
}

#[derive(Default)]
struct Found {
    year: i64,
    month: u32,
    day: u32,
    day_of_year: Option<u32>,
    hour: u32,
    is_afternoon: Option<bool>,
    minute: u32,
    second: u32,
    nanos: u32,
    offset_seconds: Option<i32>,
    zone: Option<String>,
}

enum TemplateFault {
    Form,
    Range(&'static str),
}

impl Found {
    /// Reads a field at the front; returns what follows it.
    fn read<'t>(
        &mut self,
        field: Field,
        text: &'t str,
        followed: bool,
    ) -> Result<&'t str, TemplateFault> {
        let mut rest = text;
        match field {
            Field::Year => self.year = i64::from(fixed(&mut rest, 4)?),
            Field::YearOfCentury => {
                let short = i64::from(fixed(&mut rest, 2)?);
                self.year = short + if short >= 69 { 1900 } else { 2000 };
            }
            Field::MonthName => self.month = name(&mut rest, &MONTHS, usize::MAX)? + 1,
            Field::MonthShort => self.month = name(&mut rest, &MONTHS, 3)? + 1,
            Field::Month(pad) => {
                self.month = within(number(&mut rest, pad)?, 1..=12, "month")?;
            }
            Field::WeekdayName => drop(name(&mut rest, &WEEKDAYS, usize::MAX)?),
            Field::WeekdayShort => drop(name(&mut rest, &WEEKDAYS, 3)?),
            Field::Day(pad) => self.day = number(&mut rest, pad)?,
            Field::DayOfYear(_) => {
                rest = rest.trim_start_matches(' ');
                let width = text.len() - rest.len();
                self.day_of_year = Some(fixed(&mut rest, 3usize.saturating_sub(width))?);
            }
            Field::Hour => self.hour = within(number(&mut rest, Pad::None)?, 0..=23, "hour")?,
            Field::Hour12(pad) => self.hour = within(number(&mut rest, pad)?, 0..=12, "hour")?,
            Field::Minute(pad) => {
                self.minute = within(number(&mut rest, pad)?, 0..=59, "minute")?;
            }
            Field::Second(pad) => {
                self.second = within(number(&mut rest, pad)?, 0..=59, "second")?;
                if !followed {
                    self.nanos = fraction(&mut rest).unwrap_or(0);
                }
            }
            Field::HalfUpper | Field::HalfLower => {
                let (half, behind) = rest.split_at_checked(2).ok_or(TemplateFault::Form)?;
                let lower = field == Field::HalfLower;
                self.is_afternoon = Some(match (half, lower) {
                    ("PM", false) | ("pm", true) => true,
                    ("AM", false) | ("am", true) => false,
                    _ => return Err(TemplateFault::Form),
                });
                rest = behind;
            }
            Field::Zone => rest = self.zone(rest)?,
            Field::Offset(form) => self.offset_seconds = Some(offset(&mut rest, form)?),
            Field::Fraction { digits, keeps_zeros: true } => {
                let inside = rest.strip_prefix(['.', ',']).ok_or(TemplateFault::Form)?;
                let (shown, behind) = inside.split_at_checked(digits).ok_or(TemplateFault::Form)?;
                self.nanos = nanos_of(shown).ok_or(TemplateFault::Form)?;
                rest = behind;
            }
            Field::Fraction { keeps_zeros: false, .. } => {
                self.nanos = fraction(&mut rest).unwrap_or(0);
            }
        }
        Ok(rest)
    }

    fn zone<'t>(&mut self, text: &'t str) -> Result<&'t str, TemplateFault> {
        if let Some(rest) = text.strip_prefix("UTC") {
            self.offset_seconds = Some(0);
            return Ok(rest);
        }
        let letters = text.bytes().take_while(u8::is_ascii_uppercase).count();
        if !(3..=5).contains(&letters) {
            return Err(TemplateFault::Form);
        }
        let (name, rest) = text.split_at(letters);
        self.zone = Some(name.to_owned());
        Ok(rest)
    }

    fn moment(self) -> Option<Moment> {
        let hour = match self.is_afternoon {
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let (year, month) = (self.year, i64::from(self.month));
        let days = match self.day_of_year {
            Some(day) => {
                let length = days_to(year + 1, 1, 1) - days_to(year, 1, 1);
                let day = i64::from(day);
                (1..=length).contains(&day).then(|| days_to(year, 1, day))?
            }
            None => {
                let length = days_to(year, month + 1, 1) - days_to(year, month, 1);
                let day = i64::from(self.day);
                (1..=length).contains(&day).then(|| days_to(year, month, day))?
            }
        };
        let clock = i64::from(hour * 3600 + self.minute * 60 + self.second);
        let offset_seconds = self.offset_seconds.unwrap_or(0);
        let seconds = days * 86_400 + clock - i64::from(offset_seconds);
        let at = Instant { seconds, nanos: self.nanos };
        Some(match self.zone {
            Some(name) => Moment { at, zone: Zone::Named { name, offset_seconds } },
            None if offset_seconds % 60 != 0 => {
                Moment { at, zone: Zone::Named { name: String::new(), offset_seconds } }
            }
            None => {
                let minutes = i16::try_from(offset_seconds / 60).ok()?;
                Moment { at, zone: Zone::Offset(minutes) }
            }
        })
    }
}

/// Passes over a literal; a space in it passes over any number of them.
fn skip<'t>(text: &'t str, literal: &str) -> Result<&'t str, &'t str> {
    let mut rest = text;
    let mut wanted = literal;
    while let Some(c) = wanted.chars().next() {
        if c == ' ' {
            if !rest.is_empty() && !rest.starts_with(' ') {
                return Err(rest);
            }
            (wanted, rest) = (wanted.trim_start_matches(' '), rest.trim_start_matches(' '));
            continue;
        }
        rest = rest.strip_prefix(c).ok_or(rest)?;
        wanted = &wanted[c.len_utf8()..];
    }
    Ok(rest)
}

/// One or two digits; two if they are padded with zeros.
fn number(rest: &mut &str, pad: Pad) -> Result<u32, TemplateFault> {
    if pad == Pad::Space {
        *rest = rest.strip_prefix(' ').unwrap_or(rest);
    }
    let digits = rest.bytes().take(2).take_while(u8::is_ascii_digit).count();
    match (digits, pad) {
        (0, _) | (1, Pad::Zero) => Err(TemplateFault::Form),
        (digits, _) => fixed(rest, digits),
    }
}

/// Exactly as many digits.
fn fixed(rest: &mut &str, digits: usize) -> Result<u32, TemplateFault> {
    let (number, behind) = rest.split_at_checked(digits).ok_or(TemplateFault::Form)?;
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(TemplateFault::Form);
    }
    *rest = behind;
    number.parse().map_err(|_| TemplateFault::Form)
}

fn within(
    value: u32,
    range: std::ops::RangeInclusive<u32>,
    what: &'static str,
) -> Result<u32, TemplateFault> {
    if range.contains(&value) { Ok(value) } else { Err(TemplateFault::Range(what)) }
}

/// The position of the name at the front, of which only `letters` letters are written.
fn name(rest: &mut &str, names: &[&str], letters: usize) -> Result<u32, TemplateFault> {
    for (position, name) in names.iter().enumerate() {
        let name = &name[..name.len().min(letters)];
        let front = rest.get(..name.len());
        if front.is_some_and(|front| front.eq_ignore_ascii_case(name)) {
            *rest = &rest[name.len()..];
            return Ok(position as u32);
        }
    }
    Err(TemplateFault::Form)
}

/// A point and digits, of which nine count.
fn fraction(rest: &mut &str) -> Option<u32> {
    let inside = rest.strip_prefix(['.', ','])?;
    let digits = inside.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return None;
    }
    let (shown, behind) = inside.split_at(digits);
    *rest = behind;
    nanos_of(&shown[..digits.min(9)])
}

fn nanos_of(digits: &str) -> Option<u32> {
    let padded = format!("{:0<9}", digits.get(..9).unwrap_or(digits));
    if padded.bytes().all(|byte| byte.is_ascii_digit()) { padded.parse().ok() } else { None }
}

fn offset(rest: &mut &str, form: Offset) -> Result<i32, TemplateFault> {
    if form.z_for_utc
        && let Some(behind) = rest.strip_prefix('Z')
    {
        *rest = behind;
        return Ok(0);
    }
    let sign = match rest.as_bytes().first() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return Err(TemplateFault::Form),
    };
    *rest = &rest[1..];
    let mut part = |is_first: bool, limit: u32, what| {
        if form.colons && !is_first {
            *rest = rest.strip_prefix(':').ok_or(TemplateFault::Form)?;
        }
        within(fixed(rest, 2)?, 0..=limit, what)
    };
    let hours = part(true, 24, "time zone offset hour")?;
    let minutes = if form.minutes { part(false, 60, "time zone offset minute")? } else { 0 };
    let seconds = if form.seconds { part(false, 60, "time zone offset second")? } else { 0 };
    Ok(sign * (hours * 3600 + minutes * 60 + seconds) as i32)
}
