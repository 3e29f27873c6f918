//! What does one peer say that it is trying to send?
//!
//! In: the claims of its status broadcasts. Out: until when each holds, or when it ended: those that
//! left a notification to the peer take over one after the other from then on.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bellwether_model::Mono;

#[derive(Debug, Default)]
pub(super) struct Claims {
    /// By the hash of what is claimed. What has ended stays for a while.
    until: BTreeMap<u64, Mono>,
    /// Claims read since `counted_since`.
    read: usize,
    counted_since: Mono,
}

impl Claims {
    /// Takes the claims of a status broadcast, `room` of them at most. Returns whether they differ
    /// from those that hold, and how many were passed over.
    pub fn replace(&mut self, now: Mono, claims: Vec<u64>, room: usize) -> (bool, usize) {
        if now.since(self.counted_since) >= COUNTED_FOR {
            (self.read, self.counted_since) = (0, now);
        }
        if self.read + claims.len() > READ_MAX {
            return (false, claims.len());
        }
        self.read += claims.len();
        let room = room.min(CLAIMS_MAX);
        let refused = claims.len().saturating_sub(room);
        let claims: BTreeSet<u64> = claims.into_iter().take(room).collect();
        let changed = !self.until.iter().filter(|(_, at)| **at > now).map(|(c, _)| c).eq(&claims);
        // If it has sent what it claimed, the log entry that says so comes after the status broadcast.
        let lingers = now.plus(CLAIM_LINGERS);
        self.until.values_mut().for_each(|until| *until = lingers.min(*until));
        let remembered = |until: Mono| until.plus(ENDED_REMEMBERED) > now;
        self.until.retain(|_, until| remembered(*until));
        if self.until.len() > CLAIMS_MAX {
            self.until.retain(|_, until| *until > now);
        }
        let lasts = now.plus(CLAIM_LASTS);
        self.until.extend(claims.into_iter().map(|claim| (claim, lasts)));
        (changed, refused)
    }

    /// How many are remembered, with those that have ended.
    pub fn count(&self) -> usize {
        self.until.len()
    }

    /// The peer is no longer there since `at`.
    pub fn end(&mut self, at: Mono) {
        self.until.values_mut().for_each(|until| *until = at.min(*until));
    }

    /// Until when the claim holds, or when it ended; `None` if there was none lately.
    pub fn until(&self, what: u64) -> Option<Mono> {
        self.until.get(&what).copied()
    }
}

/// Long enough for two status broadcasts to be lost.
const CLAIM_LASTS: Duration = Duration::from_millis(3_500);
/// Gossip takes some rounds of a fifth of a second each.
const CLAIM_LINGERS: Duration = Duration::from_secs(1);
/// Longer than it takes until all have taken over.
const ENDED_REMEMBERED: Duration = Duration::from_secs(30);
/// Limit: claims in a status broadcast.
pub(super) const CLAIMS_MAX: usize = 100_000;
/// Limit: claims of one member that are read in a second.
const READ_MAX: usize = 2 * CLAIMS_MAX;
const COUNTED_FOR: Duration = Duration::from_secs(1);
/// Limit: claims of all members that are remembered.
pub(super) const ALL_CLAIMS_MAX: usize = 200_000;

#[cfg(test)]
mod tests {
    use bellwether_model::Mono;

    use super::{CLAIMS_MAX, Claims};

    fn at(milliseconds: u64) -> Mono {
        Mono(milliseconds * 1_000_000)
    }

    fn replace(claims: &mut Claims, at: Mono, new: Vec<u64>) -> bool {
        claims.replace(at, new, usize::MAX).0
    }

    #[test]
    fn a_claim_that_has_run_out_is_new_when_it_is_made_again() {
        let mut claims = Claims::default();
        assert!(replace(&mut claims, at(0), vec![7]));
        assert!(!replace(&mut claims, at(1_000), vec![7]));
        assert!(!replace(&mut claims, at(4_499), vec![7]));
        assert!(replace(&mut claims, at(4_499 + 3_500), vec![7]));
    }

    #[test]
    fn half_a_minute_after_its_end_a_claim_is_forgotten() {
        let mut claims = Claims::default();
        replace(&mut claims, at(0), vec![7]);
        replace(&mut claims, at(1_000), Vec::new());
        replace(&mut claims, at(31_999), Vec::new());
        assert_eq!(claims.until(7), Some(at(2_000)));
        replace(&mut claims, at(32_000), Vec::new());
        assert_eq!(claims.until(7), None);
    }

    #[test]
    fn ended_claims_are_forgotten_at_once_where_there_are_too_many() {
        let many = |from: u64| (from..from + CLAIMS_MAX as u64).collect::<Vec<u64>>();
        let mut claims = Claims::default();
        replace(&mut claims, at(0), many(0));
        replace(&mut claims, at(1_000), Vec::new());
        replace(&mut claims, at(10_000), many(1_000_000));
        assert_eq!(claims.until(0), Some(at(2_000)), "as many as may be");
        replace(&mut claims, at(11_000), vec![7]);
        assert_eq!(claims.until(0), None);
        assert_eq!(claims.until(1_000_000), Some(at(12_000)), "it holds for a second more");
        replace(&mut claims, at(11_500), many(2_000_000));
        replace(&mut claims, at(12_000), vec![8]);
        assert_eq!(claims.until(1_000_000), None, "it has just ended");
        assert_eq!(claims.until(2_000_000), Some(at(13_000)));
    }
}
