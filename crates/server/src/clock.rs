//! The only place that reads the clocks.
//!
//! Out: [`Now`], both clocks at once. The monotonic one counts from the start of the process, which
//! is also how a [`Mono`] deadline becomes an instant that can be slept until.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use bellwether_model::{Mono, Now, Timestamp};
use jiff::tz::TimeZone;

/// Cheap to clone; all clones count from the same start.
#[derive(Clone, Debug)]
pub struct Clock {
    start: Instant,
    zone: TimeZone,
    /// In milliseconds.
    correction: Arc<AtomicI64>,
}

impl Clock {
    /// A clock that starts now and shows wall time in the local zone.
    pub fn start() -> Self {
        Clock { start: Instant::now(), zone: TimeZone::system(), correction: Arc::default() }
    }

    pub fn now(&self) -> Now {
        Now { wall: self.wall(SystemTime::now()), mono: self.mono(Instant::now()) }
    }

    /// The wall clock as the engine reads it: where this machine's clock is off, as most of the
    /// cluster sees it.
    pub fn corrected_wall(&self) -> Timestamp {
        let correction = self.correction.load(Ordering::Relaxed);
        let by = Duration::from_millis(correction.unsigned_abs());
        let wall = self.now().wall;
        if correction < 0 { wall.minus(by) } else { wall.plus(by) }
    }

    /// Applies the engine's correction of the wall clock.
    pub fn correct(&self, seconds: f64) {
        self.correction.store((seconds * 1000.0) as i64, Ordering::Relaxed);
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
