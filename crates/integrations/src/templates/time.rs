//! Times and lengths of time as templates see them: `{{ .StartsAt.Format "15:04" }}`.
//!
//! They have the methods of Go's `time.Time` and `time.Duration` that a template can call: those
//! with one result, or with an error besides. Local time is UTC: a message does not depend on the zone of the
//! machine. Compat: docs/compat.md#template-time.

mod civil;
mod format;
mod layout;
mod parse;

use bellwether_model::Timestamp;
use bellwether_model::duration::format_go;
use bellwether_model::interval::Location;
use bellwether_template::{Body, Call, Function, Object, Type, Value};

use self::civil::{Civil, Instant, MONTHS, WEEKDAYS, Zone, days_to};

/// `time.Time`.
#[derive(Clone, Debug)]
pub(crate) struct Moment {
    at: Instant,
    zone: Zone,
}

/// `time.Duration`, in nanoseconds.
pub(crate) struct Span(pub i64);

/// `time.Month`, from 1.
struct Month(u32);

/// `time.Weekday`, from Sunday, 0.
struct Weekday(u32);

impl Moment {
    pub(crate) fn new(at: Timestamp) -> Self {
        let zone = Zone::Offset(at.offset_minutes());
        Moment { at: Instant { seconds: at.unix_seconds(), nanos: at.subsec_nanos() }, zone }
    }

    /// Reads a text by a Go layout.
    pub(crate) fn parse(layout: &str, text: &str) -> Result<Self, String> {
        parse::parse(layout, text)
    }

    /// The same instant by the clocks of a place.
    pub(crate) fn at_place(&self, name: &str) -> Result<Self, String> {
        let location = Location::parse(name).map_err(|error| error.to_string())?;
        Ok(Moment { at: self.at, zone: Zone::Place(location) })
    }

    pub(crate) fn format(&self, layout: &str) -> String {
        format::format(&self.civil(), layout)
    }

    /// Nanoseconds from `earlier` to this, within what a Go duration can hold.
    pub(crate) fn since(&self, earlier: &Moment) -> Span {
        let nanos = self.at.unix_nanos() - earlier.at.unix_nanos();
        Span(i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX }))
    }

    /// Milliseconds since 1970, rounded down.
    pub(crate) fn unix_millis(&self) -> i64 {
        units(self, 1_000_000)
    }

    fn civil(&self) -> Civil {
        Civil::of(self.at, &self.zone)
    }

    fn at(&self, nanos: i128) -> Self {
        Moment { at: Instant::from_nanos(nanos), zone: self.zone.clone() }
    }

    fn in_utc(&self) -> Self {
        Moment { at: self.at, zone: Zone::Offset(0) }
    }

    pub(crate) fn plus(&self, span: i64) -> Self {
        self.at(self.at.unix_nanos() + i128::from(span))
    }

    fn plus_date(&self, years: i64, months: i64, days: i64) -> Self {
        let civil = self.civil();
        // Beyond these bounds the result is the end of time anyway.
        let bounded = |value: i64| value.clamp(-100_000_000, 100_000_000);
        let month = i64::from(civil.month) + bounded(months);
        let day = i64::from(civil.day) + bounded(days);
        let day = days_to(civil.year + bounded(years), month, day);
        let clock = i64::from(civil.hour * 3600 + civil.minute * 60 + civil.second);
        let seconds = day * 86_400 + clock - i64::from(civil.offset_seconds);
        self.at(i128::from(seconds) * 1_000_000_000 + i128::from(civil.nanos))
    }

    fn rounded(&self, to: i64, round: fn(i128, i128) -> i128) -> Self {
        if to <= 0 {
            return self.clone();
        }
        // Multiples are counted from the beginning of year 1.
        let start = Timestamp::ZERO.unix_nanos();
        self.at(round(self.at.unix_nanos() - start, i128::from(to)) + start)
    }
}

/// A time as a Go layout says. In `place`, if its clocks have the offset that the time was written
/// with: then the zone has a name.
pub fn format_time(at: Timestamp, place: &Location, layout: &str) -> String {
    let local = place.local(at).offset_seconds;
    let moment = Moment::new(at);
    match at.offset_minutes() != 0 && local == i32::from(at.offset_minutes()) * 60 {
        true => Moment { at: moment.at, zone: Zone::Place(place.clone()) }.format(layout),
        false => moment.format(layout),
    }
}

/// Reads a time as a Go layout says; the error is worded as Go's.
pub fn parse_time(layout: &str, text: &str) -> Result<Timestamp, String> {
    let moment = Moment::parse(layout, text)?;
    let minutes = moment.civil().offset_seconds / 60;
    let at = Timestamp::from_unix(moment.at.seconds, moment.at.nanos);
    Ok(at.with_offset_minutes(i16::try_from(minutes).unwrap_or_default()))
}

/// The value as a multiple of `to`, towards zero.
fn truncated(value: i128, to: i128) -> i128 {
    value - value % to
}

/// The nearest multiple of `to`; halves go away from zero.
fn rounded(value: i128, to: i128) -> i128 {
    let away = if value < 0 { -(to / 2) } else { to / 2 };
    truncated(value + away, to)
}

impl Object for Moment {
    fn type_name(&self) -> &'static str {
        TIME_NAME
    }

    fn body(&self) -> Body<'_> {
        Body::Opaque
    }

    fn methods(&self) -> &'static [Function] {
        MOMENT_METHODS
    }

    fn text(&self) -> Option<String> {
        Some(self.format("2006-01-02 15:04:05.999999999 -0700 MST"))
    }

    fn json(&self) -> Option<String> {
        Some(format!("\"{}\"", self.format("2006-01-02T15:04:05.999999999Z07:00")))
    }

    fn equals(&self, other: &dyn Object) -> Option<bool> {
        let other = other.downcast::<Moment>()?;
        let same_offset = self.civil().offset_seconds == other.civil().offset_seconds;
        Some(self.at == other.at && same_offset)
    }
}

const TIME_NAME: &str = "time.Time";
const TIME: Type = Type::Object(TIME_NAME);
const DURATION_NAME: &str = "time.Duration";
const DURATION: Type = Type::Any;

fn moment<'a>(call: &Call<'a>) -> &'a Moment {
    call.receiver()
}

fn other<'a>(call: &Call<'a>) -> &'a Moment {
    call.object(0).expect("the type was checked")
}

/// The only argument as a duration: one, or a constant that counts nanoseconds.
fn span(call: &Call<'_>) -> Result<i64, String> {
    match call.argument(0) {
        Value::Int(nanos) => Ok(*nanos),
        Value::Float(nanos) if nanos.fract() == 0.0 => Ok(*nanos as i64),
        Value::Object(object) if object.downcast::<Span>().is_some() => {
            Ok(object.downcast::<Span>().map_or(0, |span| span.0))
        }
        other => Err(format!(
            "wrong type for value; expected {DURATION_NAME}; got {}",
            other.type_name()
        )),
    }
}

fn int(value: impl Into<i64>) -> Result<Value, String> {
    Ok(Value::Int(value.into()))
}

fn unix(call: &Call<'_>, unit: i128) -> Result<Value, String> {
    Ok(Value::Int(units(moment(call), unit)))
}

/// Units of so many nanoseconds since 1970.
fn units(moment: &Moment, unit: i128) -> i64 {
    // Wraps as Go's does beyond the years that nanoseconds can count.
    moment.at.unix_nanos().div_euclid(unit) as i64
}

const MOMENT_METHODS: &[Function] = &[
    Function::new("Format", &[Type::Text], |call| {
        Ok(Value::from(moment(call).format(&call.text(0))))
    }),
    Function::new("String", &[], |call| Ok(Value::from(moment(call).text().unwrap_or_default()))),
    Function::new("Unix", &[], |call| unix(call, 1_000_000_000)),
    Function::new("UnixMilli", &[], |call| unix(call, 1_000_000)),
    Function::new("UnixMicro", &[], |call| unix(call, 1_000)),
    Function::new("UnixNano", &[], |call| unix(call, 1)),
    Function::new("UTC", &[], |call| Ok(Value::object(moment(call).in_utc()))),
    Function::new("Local", &[], |call| Ok(Value::object(moment(call).in_utc()))),
    Function::new("IsZero", &[], |call| {
        Ok(Value::Bool(moment(call).at == Moment::new(Timestamp::ZERO).at))
    }),
    Function::new("Add", &[DURATION], |call| Ok(Value::object(moment(call).plus(span(call)?)))),
    Function::new("AddDate", &[Type::Int, Type::Int, Type::Int], |call| {
        let (years, months, days) = (call.int(0), call.int(1), call.int(2));
        Ok(Value::object(moment(call).plus_date(years, months, days)))
    }),
    Function::new("Sub", &[TIME], |call| Ok(Value::object(moment(call).since(other(call))))),
    Function::new("Before", &[TIME], |call| Ok(Value::Bool(moment(call).at < other(call).at))),
    Function::new("After", &[TIME], |call| Ok(Value::Bool(moment(call).at > other(call).at))),
    Function::new("Equal", &[TIME], |call| Ok(Value::Bool(moment(call).at == other(call).at))),
    Function::new("Compare", &[TIME], |call| int(moment(call).at.cmp(&other(call).at) as i64)),
    Function::new("Truncate", &[DURATION], |call| {
        Ok(Value::object(moment(call).rounded(span(call)?, truncated)))
    }),
    Function::new("Round", &[DURATION], |call| {
        Ok(Value::object(moment(call).rounded(span(call)?, rounded)))
    }),
    Function::new("Year", &[], |call| int(moment(call).civil().year)),
    Function::new("Month", &[], |call| Ok(Value::object(Month(moment(call).civil().month)))),
    Function::new("Day", &[], |call| int(moment(call).civil().day)),
    Function::new("YearDay", &[], |call| int(moment(call).civil().day_of_year)),
    Function::new("Weekday", &[], |call| Ok(Value::object(Weekday(moment(call).civil().weekday)))),
    Function::new("Hour", &[], |call| int(moment(call).civil().hour)),
    Function::new("Minute", &[], |call| int(moment(call).civil().minute)),
    Function::new("Second", &[], |call| int(moment(call).civil().second)),
    Function::new("Nanosecond", &[], |call| int(moment(call).civil().nanos)),
    Function::new("IsDST", &[], |call| Ok(Value::Bool(moment(call).civil().is_summer))),
];

impl Object for Span {
    fn type_name(&self) -> &'static str {
        DURATION_NAME
    }

    fn body(&self) -> Body<'_> {
        Body::Like(Value::Int(self.0))
    }

    fn methods(&self) -> &'static [Function] {
        SPAN_METHODS
    }

    fn text(&self) -> Option<String> {
        Some(format_go(self.0))
    }

    fn equals(&self, other: &dyn Object) -> Option<bool> {
        other.downcast::<Span>().map(|other| self.0 == other.0)
    }
}

fn nanos(call: &Call<'_>) -> i64 {
    call.receiver::<Span>().0
}

/// Whole units and the rest apart, as Go adds them up.
fn in_units(nanos: i64, unit: i64) -> Result<Value, String> {
    Ok(Value::Float((nanos / unit) as f64 + (nanos % unit) as f64 / unit as f64))
}

fn span_rounded(call: &Call<'_>, round: fn(i128, i128) -> i128) -> Result<Value, String> {
    let (value, to) = (nanos(call), span(call)?);
    if to <= 0 {
        return Ok(Value::object(Span(value)));
    }
    let result = round(i128::from(value), i128::from(to));
    let end = if value < 0 { i64::MIN } else { i64::MAX };
    Ok(Value::object(Span(i64::try_from(result).unwrap_or(end))))
}

const SPAN_METHODS: &[Function] = &[
    Function::new("String", &[], |call| Ok(Value::from(format_go(nanos(call))))),
    Function::new("Hours", &[], |call| in_units(nanos(call), 3_600_000_000_000)),
    Function::new("Minutes", &[], |call| in_units(nanos(call), 60_000_000_000)),
    Function::new("Seconds", &[], |call| in_units(nanos(call), 1_000_000_000)),
    Function::new("Milliseconds", &[], |call| int(nanos(call) / 1_000_000)),
    Function::new("Microseconds", &[], |call| int(nanos(call) / 1_000)),
    Function::new("Nanoseconds", &[], |call| int(nanos(call))),
    Function::new("Abs", &[], |call| Ok(Value::object(Span(nanos(call).saturating_abs())))),
    Function::new("Truncate", &[DURATION], |call| span_rounded(call, truncated)),
    Function::new("Round", &[DURATION], |call| span_rounded(call, rounded)),
];

impl Object for Month {
    fn type_name(&self) -> &'static str {
        "time.Month"
    }

    fn body(&self) -> Body<'_> {
        Body::Like(Value::Int(i64::from(self.0)))
    }

    fn methods(&self) -> &'static [Function] {
        const METHODS: &[Function] = &[Function::new("String", &[], |call| {
            Ok(Value::from(MONTHS[call.receiver::<Month>().0 as usize - 1]))
        })];
        METHODS
    }

    fn text(&self) -> Option<String> {
        Some(MONTHS[self.0 as usize - 1].to_owned())
    }

    fn equals(&self, other: &dyn Object) -> Option<bool> {
        other.downcast::<Month>().map(|other| self.0 == other.0)
    }
}

impl Object for Weekday {
    fn type_name(&self) -> &'static str {
        "time.Weekday"
    }

    fn body(&self) -> Body<'_> {
        Body::Like(Value::Int(i64::from(self.0)))
    }

    fn methods(&self) -> &'static [Function] {
        const METHODS: &[Function] = &[Function::new("String", &[], |call| {
            Ok(Value::from(WEEKDAYS[call.receiver::<Weekday>().0 as usize]))
        })];
        METHODS
    }

    fn text(&self) -> Option<String> {
        Some(WEEKDAYS[self.0 as usize].to_owned())
    }

    fn equals(&self, other: &dyn Object) -> Option<bool> {
        other.downcast::<Weekday>().map(|other| self.0 == other.0)
    }
}
