//! Where clocks hang: IANA zones by name.

use std::fmt;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::IntervalError;
use crate::time::Timestamp;

/// A time zone and the name it was asked for by. The default is UTC.
#[derive(Clone, Debug, Default)]
pub struct Location {
    /// Empty if none was given.
    name: Arc<str>,
    /// `None` for UTC.
    zone: Option<TimeZone>,
}

/// How a location's clocks differ from UTC at some instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// How far they are ahead.
    pub offset_seconds: i32,
    /// `CET`, or the offset in digits where the zone has no letters.
    pub abbreviation: String,
    pub is_summer: bool,
}

impl Location {
    /// `Europe/Berlin`, `UTC`, the empty text (UTC), or `Local`: the zone of this machine.
    ///
    /// Loads the zone's data, from the system or else from what the program brings along.
    /// Letter case matters, as in file names.
    pub fn parse(name: &str) -> Result<Location, IntervalError> {
        let zone = match name {
            "" | "UTC" => None,
            "Local" => Some(TimeZone::system()),
            _ => {
                if name.contains("..") || name.starts_with(['/', '\\']) {
                    return Err(IntervalError::new("time: invalid location name"));
                }
                // Compat: systems have each zone a second time below `posix`; the zone library does
                // not look there.
                let iana = name.strip_prefix("posix/").unwrap_or(name);
                let zone = TimeZone::get(iana).ok();
                let zone = zone.filter(|zone| zone.iana_name() == Some(iana));
                let unknown = || IntervalError::new(format!("unknown time zone {name}"));
                Some(zone.ok_or_else(unknown)?)
            }
        };
        let name = if name.is_empty() { "UTC" } else { name };
        Ok(Location { name: name.into(), zone })
    }

    /// Whether no location was given at all.
    pub fn is_default(&self) -> bool {
        self.name.is_empty()
    }

    /// What local clocks show at this instant.
    pub fn local(&self, at: Timestamp) -> Local {
        let Some(zone) = &self.zone else {
            return Local { offset_seconds: 0, abbreviation: "UTC".to_owned(), is_summer: false };
        };
        let info = zone.to_offset_info(instant(at));
        Local {
            offset_seconds: info.offset().seconds(),
            abbreviation: info.abbreviation().to_owned(),
            is_summer: info.dst().is_dst(),
        }
    }

    /// How far local clocks are ahead of UTC at this instant.
    pub(super) fn offset_seconds(&self, at: Timestamp) -> i64 {
        let Some(zone) = &self.zone else { return 0 };
        i64::from(zone.to_offset(instant(at)).seconds())
    }

    /// The first unix second behind `after` from which another offset holds.
    pub(super) fn next_transition(&self, after: Timestamp) -> Option<i64> {
        let zone = self.zone.as_ref()?;
        let next = zone.following(instant(after)).next()?;
        Some(next.timestamp().as_second())
    }
}

/// The nearest instant that the zone library can hold; its last day is one shorter than ours.
fn instant(at: Timestamp) -> jiff::Timestamp {
    let last = jiff::Timestamp::MAX.as_second();
    jiff::Timestamp::from_second(at.unix_seconds().min(last)).unwrap_or(jiff::Timestamp::MAX)
}

impl PartialEq for Location {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// The name; `UTC` for the empty one.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.name.is_empty() { "UTC" } else { &self.name })
    }
}
