//! Which peers cannot be reached, or do not get through to this node; and is that news?
//!
//! A peer that is missing is tried every few seconds, and each try fails in the same way. In: failures
//! and successes by address, the time. Out: whether a failure is worth a warning. It is the first
//! time, and whenever the reason is another; after that ever more rarely.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::cluster::failure::{JoinFailure, Refused};
use crate::machine::Mono;
use crate::message::Address;

#[derive(Debug, Default)]
pub(super) struct Troubles {
    /// Addresses whose last visit failed.
    outbound: BTreeMap<Address, Trouble<JoinFailure>>,
    /// What came from the host of a peer and was refused.
    inbound: BTreeMap<(IpAddr, Refused), Trouble<()>>,
}

#[derive(Debug)]
struct Trouble<R> {
    /// Of the last failure.
    reason: R,
    /// When something was last said, and what.
    said: Mono,
    said_reason: R,
    /// How long not to say the same again, and how long nothing else.
    quiet: Duration,
    change_quiet: Duration,
}

impl Troubles {
    /// A visit has failed; returns whether that is news.
    pub fn failed(&mut self, now: Mono, address: Address, reason: JoinFailure) -> bool {
        if let Some(trouble) = self.outbound.get_mut(&address) {
            return trouble.repeats(now, reason);
        }
        if self.outbound.len() >= TROUBLES_MAX {
            return false;
        }
        self.outbound.insert(address, Trouble::new(now, reason));
        true
    }

    /// A node at the address was joined, or is not expected any longer.
    pub fn ended(&mut self, address: Address) {
        self.outbound.remove(&address);
        self.inbound.retain(|(ip, _), _| *ip != address.ip);
    }

    /// Forgets addresses that no peer is expected at, and hosts that were not said for long.
    pub fn tidy(&mut self, now: Mono, is_expected: impl Fn(Address) -> bool) {
        self.outbound.retain(|address, _| is_expected(*address));
        self.inbound.retain(|_, trouble| now.since(trouble.said) < QUIET_MAX * 2);
    }

    /// Why the last visit of the address failed, if it did.
    pub fn at(&self, address: Address) -> Option<JoinFailure> {
        self.outbound.get(&address).map(|trouble| trouble.reason)
    }

    /// Something from the host of a peer was refused; returns whether that is news.
    pub fn refused(&mut self, now: Mono, from: IpAddr, why: Refused) -> bool {
        if let Some(trouble) = self.inbound.get_mut(&(from, why)) {
            return trouble.repeats(now, ());
        }
        if self.inbound.len() >= TROUBLES_MAX {
            return false;
        }
        self.inbound.insert((from, why), Trouble::new(now, ()));
        true
    }
}

impl<R: PartialEq + Copy> Trouble<R> {
    fn new(now: Mono, reason: R) -> Self {
        let (quiet, change_quiet) = (QUIET_FIRST, CHANGE_QUIET_FIRST);
        Self { reason, said: now, said_reason: reason, quiet, change_quiet }
    }

    fn repeats(&mut self, now: Mono, reason: R) -> bool {
        let age = now.since(self.said);
        self.reason = reason;
        if age >= self.quiet {
            self.quiet = self.quiet.saturating_mul(2).min(QUIET_MAX);
        } else if reason != self.said_reason && age >= self.change_quiet {
            self.change_quiet = self.change_quiet.saturating_mul(2);
        } else {
            return false;
        }
        self.said = now;
        self.said_reason = reason;
        true
    }
}

/// How long the same is not said again; twice as long each time.
const QUIET_FIRST: Duration = Duration::from_mins(10);
const QUIET_MAX: Duration = Duration::from_hours(6);
/// How long not even another reason is said; twice as long each time.
const CHANGE_QUIET_FIRST: Duration = Duration::from_secs(10);
/// Limit: addresses in trouble; that of others is only counted.
const TROUBLES_MAX: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(minutes: u64) -> Mono {
        Mono::default().plus(Duration::from_mins(minutes))
    }

    #[test]
    fn a_failure_is_news_at_first_then_ever_more_rarely_and_when_its_reason_changes() {
        let mut troubles = Troubles::default();
        let at = Address::new(IpAddr::from([10, 0, 0, 1]), 9094);
        let closed = JoinFailure::Closed;
        let news: Vec<u64> =
            (0..100).filter(|at_minute| troubles.failed(minutes(*at_minute), at, closed)).collect();
        assert_eq!(news, [0, 10, 30, 70]);
        assert!(troubles.failed(minutes(100), at, JoinFailure::Tls), "another reason");
        assert!(!troubles.failed(minutes(100), at, closed), "not at once");
        assert_eq!(troubles.at(at), Some(closed));
        assert!(troubles.failed(minutes(101), at, closed), "once it has lasted");

        troubles.ended(at);
        assert_eq!(troubles.at(at), None);
        assert!(troubles.failed(minutes(102), at, closed), "again");
    }

    #[test]
    fn what_comes_in_is_news_by_host_and_kind() {
        let mut troubles = Troubles::default();
        let [one, other] = [1, 2].map(|last| IpAddr::from([10, 0, 0, last]));
        assert!(troubles.refused(minutes(0), one, Refused::Handshake));
        assert!(!troubles.refused(minutes(1), one, Refused::Handshake));
        assert!(troubles.refused(minutes(1), one, Refused::Malformed));
        assert!(troubles.refused(minutes(1), other, Refused::Handshake));
        assert!(troubles.refused(minutes(10), one, Refused::Handshake));
    }

    #[test]
    fn the_number_of_troubles_is_limited() {
        let mut troubles = Troubles::default();
        let at = |port| Address::new(IpAddr::from([10, 0, 0, 1]), port);
        for port in 0..TROUBLES_MAX as u16 {
            assert!(troubles.failed(minutes(0), at(port), JoinFailure::Closed));
        }
        assert!(!troubles.failed(minutes(0), at(u16::MAX), JoinFailure::Closed));
    }

    #[test]
    fn what_is_over_or_not_expected_any_longer_is_forgotten() {
        let at = |last: u8| Address::new(IpAddr::from([10, 0, 0, last]), 9094);
        let mut troubles = Troubles::default();
        for last in [1, 2] {
            troubles.failed(minutes(0), at(last), JoinFailure::Closed);
            troubles.refused(minutes(0), at(last).ip, Refused::Handshake);
        }
        troubles.tidy(minutes(0), |address| address == at(1));
        assert_eq!([1, 2].map(|last| troubles.at(at(last))), [Some(JoinFailure::Closed), None]);
        assert!(!troubles.refused(minutes(1), at(1).ip, Refused::Handshake), "it was said");
        troubles.ended(at(1));
        assert!(troubles.refused(minutes(1), at(1).ip, Refused::Handshake), "it was well between");
        assert!(!troubles.refused(minutes(1), at(2).ip, Refused::Handshake), "not of the other");
    }

    #[test]
    fn a_host_that_was_not_said_for_half_a_day_is_forgotten() {
        let host = IpAddr::from([10, 0, 0, 1]);
        let known = |after| {
            let mut troubles = Troubles::default();
            troubles.refused(minutes(0), host, Refused::Handshake);
            troubles.tidy(Mono::default().plus(after), |_| true);
            troubles.inbound.len()
        };
        let half_a_day = Duration::from_hours(12);
        assert_eq!(known(half_a_day - Duration::from_nanos(1)), 1);
        assert_eq!(known(half_a_day), 0);
    }
}
