//! Limits the rate of requests.
//!
//! A bucket that holds up to `burst` tokens and gains one per interval; each request takes one. One
//! bucket for all clients, as in the Go server.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bellwether_config::RateLimit;

pub struct Bucket {
    burst: f64,
    interval: Duration,
    state: Mutex<State>,
}

struct State {
    tokens: f64,
    /// When the tokens were counted.
    at: Instant,
}

impl Bucket {
    /// A full bucket; `None` if there is no limit.
    pub fn new(limit: RateLimit, now: Instant) -> Option<Self> {
        if limit.interval.is_zero() {
            return None;
        }
        let burst = limit.burst.max(0) as f64;
        let state = Mutex::new(State { tokens: burst, at: now });
        Some(Bucket { burst, interval: limit.interval, state })
    }

    /// Takes a token if there is one.
    pub fn take(&self, now: Instant) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Several threads may have read their clocks in another order than they come here.
        let now = now.max(state.at);
        let gained = (now - state.at).as_secs_f64() / self.interval.as_secs_f64();
        state.tokens = (state.tokens + gained).min(self.burst);
        state.at = now;
        let is_there = state.tokens >= 1.0;
        if is_there {
            state.tokens -= 1.0;
        }
        is_there
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use bellwether_config::RateLimit;

    use super::Bucket;

    #[test]
    fn a_burst_is_allowed_and_then_one_request_per_interval() {
        let start = Instant::now();
        let limit = RateLimit { burst: 2, interval: Duration::from_secs(10) };
        let bucket = Bucket::new(limit, start).unwrap();
        let at = |seconds| bucket.take(start + Duration::from_secs(seconds));
        assert_eq!([at(0), at(0), at(0)], [true, true, false]);
        assert_eq!([at(9), at(10), at(11)], [false, true, false]);
        assert_eq!([at(1000), at(1000), at(1000)], [true, true, false], "no more than the burst");
    }

    #[test]
    fn without_an_interval_there_is_no_limit() {
        let limit = RateLimit { burst: 2, interval: Duration::ZERO };
        assert!(Bucket::new(limit, Instant::now()).is_none());
    }
}
