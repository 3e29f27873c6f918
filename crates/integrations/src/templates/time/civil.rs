//! Calendar and clock of an instant at a place.

use bellwether_model::Timestamp;
use bellwether_model::interval::Location;
use bellwether_model::time::days_from_civil;

/// Where the clock hangs that a time is read from.
#[derive(Clone, Debug)]
pub enum Zone {
    /// That many minutes ahead of UTC. Zero is UTC itself.
    Offset(i16),
    /// With a name that its author made up, and an offset in seconds.
    Named {
        name: String,
        offset_seconds: i32,
    },
    Place(Location),
}

/// An instant of any year: what people compute with may lie outside of what alerts can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant {
    /// Since 1970.
    pub seconds: i64,
    /// Below a billion.
    pub nanos: u32,
}

impl Instant {
    pub fn from_nanos(nanos: i128) -> Self {
        let end = if nanos < 0 { i64::MIN } else { i64::MAX };
        let seconds = i64::try_from(nanos.div_euclid(1_000_000_000)).unwrap_or(end);
        // The limit lies somewhat beyond what calendars need.
        let seconds = seconds.clamp(-SECONDS_MAX, SECONDS_MAX);
        Instant { seconds, nanos: nanos.rem_euclid(1_000_000_000) as u32 }
    }

    pub fn unix_nanos(self) -> i128 {
        i128::from(self.seconds) * 1_000_000_000 + i128::from(self.nanos)
    }
}

/// Limit: how far from 1970 an instant can be; five million years.
const SECONDS_MAX: i64 = 5_000_000 * 366 * 86_400;

/// A local date and time of day.
#[derive(Clone, Debug)]
pub struct Civil {
    pub year: i64,
    /// From 1.
    pub month: u32,
    pub day: u32,
    /// From 1.
    pub day_of_year: u32,
    /// From Sunday, 0.
    pub weekday: u32,
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
    pub nanos: u32,
    pub offset_seconds: i32,
    /// Letters of the zone; none if it has no name.
    pub zone: String,
    pub is_summer: bool,
}

impl Civil {
    pub fn of(at: Instant, zone: &Zone) -> Self {
        let (offset_seconds, name, is_summer) = match zone {
            Zone::Offset(minutes) => {
                let name = if *minutes == 0 { "UTC" } else { "" };
                (i32::from(*minutes) * 60, name.to_owned(), false)
            }
            Zone::Named { name, offset_seconds } => (*offset_seconds, name.clone(), false),
            Zone::Place(location) => {
                let local = location.local(Timestamp::from_unix(at.seconds, at.nanos));
                (local.offset_seconds, local.abbreviation, local.is_summer)
            }
        };
        let local = at.seconds + i64::from(offset_seconds);
        let (days, second) = (local.div_euclid(86_400), local.rem_euclid(86_400) as u32);
        let (year, month, day) = date_of(days);
        Civil {
            year,
            month,
            day,
            day_of_year: (days - days_to(year, 1, 1) + 1) as u32,
            weekday: (days + 4).rem_euclid(7) as u32,
            hour: second / 3600,
            minute: second / 60 % 60,
            second: second % 60,
            nanos: at.nanos,
            offset_seconds,
            zone: name,
            is_summer,
        }
    }
}

/// Days from 1970-01-01 to a date; months and days beyond their range go on into what follows.
pub fn days_to(year: i64, month: i64, day: i64) -> i64 {
    let months = year * 12 + (month - 1);
    let (year, month) = (months.div_euclid(12), months.rem_euclid(12) as u32 + 1);
    days_from_civil(year, month, 1) + day - 1
}

fn date_of(days: i64) -> (i64, u32, u32) {
    // The guess is never too late; each round comes much nearer.
    let mut year = 1970 + days.div_euclid(if days < 0 { 365 } else { 366 });
    while days_to(year + 1, 1, 1) <= days {
        year += (days - days_to(year + 1, 1, 1)) / 366 + 1;
    }
    let mut month = 12;
    while days_to(year, month, 1) > days {
        month -= 1;
    }
    (year, month as u32, (days - days_to(year, month, 1) + 1) as u32)
}

pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub const WEEKDAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
