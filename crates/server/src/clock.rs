//! The only place that reads the clocks.
//!
//! Out: [`Now`], both clocks at once. The monotonic one counts from the start of the process, which
//! is also how a [`Mono`] deadline becomes an instant that can be slept until.

use std::time::{Duration, Instant, SystemTime};

use bellwether_model::{Mono, Now, Timestamp};
use jiff::tz::TimeZone;

/// Cheap to clone; all clones count from the same start.
#[derive(Clone, Debug)]
pub struct Clock {
    start: Instant,
    zone: TimeZone,
}

impl Clock {
    /// A clock that starts now and shows wall time in the local zone.
    pub fn start() -> Self {
        Clock { start: Instant::now(), zone: TimeZone::system() }
    }

    pub fn now(&self) -> Now {
        Now { wall: self.wall(SystemTime::now()), mono: self.mono(Instant::now()) }
    }

    /// When the monotonic clock will show `at`.
    pub fn instant(&self, at: Mono) -> Instant {
        let far = Duration::from_secs(u64::from(u32::MAX));
        self.start + Duration::from_nanos(at.0).min(far)
    }

    fn mono(&self, at: Instant) -> Mono {
        let nanos = at.saturating_duration_since(self.start).as_nanos();
        Mono(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    fn wall(&self, at: SystemTime) -> Timestamp {
        let epoch = SystemTime::UNIX_EPOCH;
        let at = match at.duration_since(epoch) {
            Ok(after) => Timestamp::UNIX_EPOCH.plus(after),
            Err(before) => Timestamp::UNIX_EPOCH.minus(before.duration()),
        };
        let seconds = jiff::Timestamp::from_second(at.unix_seconds());
        let offset = seconds.map(|seconds| self.zone.to_offset(seconds).seconds() / 60);
        at.with_offset_minutes(offset.map_or(0, |minutes| i16::try_from(minutes).unwrap_or(0)))
    }
}
