//! How far is this node's wall clock from those of the others?
//!
//! In: what other nodes' clocks showed when their status broadcasts were sent. Out: by how much to set
//! back this node's clock, and what to say about it.
//!
//! The correction is for a node that is alone with its opinion: more than half of all Bellwether
//! nodes, this one included, agree within a few seconds, and this one is off by more than half a
//! minute. Two nodes that differ cannot know who is wrong; nothing is corrected then, only said.
//! Status broadcasts show clocks uncorrected, so corrections do not chase each other.
//!
//! What peers say may be forged. So the clock is only ever set *back*, and by five minutes at most:
//! a clock that is set ahead would end alerts and silences, and remove records that no peer could
//! bring back, while one that is set back keeps all of them longer. A node whose clock is late
//! logs it, and goes by its own clock: it ends nothing too soon, and whatever a peer sends with a
//! later timestamp it takes as it comes.
//!
//! To the engine a correction that vanishes is a clock that jumps ahead. So it outlives the majority
//! that called for it, until a peer contradicts it; and if this node's clock is set right, the
//! correction ends in the same instant, so that the corrected time goes on. An end that the engine
//! itself sets is set by this node's own clock (`take_alerts`), and comes no sooner after the jump.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bellwether_model::{Mono, Now, Timestamp};

#[derive(Debug, Default)]
pub(crate) struct Clocks {
    may_correct: bool,
    /// How far each clock is ahead of this one, in nanoseconds.
    ahead: BTreeMap<String, i128>,
    /// Bellwether nodes besides this one.
    peers: usize,
    /// How far the clock of most is ahead of this one, if it is to be corrected: not above 0.
    off: i128,
    /// The last reading of this node's own clocks.
    last: Option<Now>,
    /// Until then status broadcasts arrive that waited while this node slept.
    stale_until: Mono,
    /// Peers of which it was said that their clocks differ.
    notified: BTreeSet<String>,
    /// Why it was said that the clock is not corrected.
    refused: BTreeSet<NotCorrected>,
    /// Not yet reported. Invariant: in the order in which they happened.
    changes: Vec<ClockChange>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ClockChange {
    Differs { peer: String, ahead_seconds: f64 },
    AgreesAgain { peer: String },
    Corrected { by_seconds: f64, off_seconds: f64 },
    NotCorrected { off_seconds: f64, why: NotCorrected },
}

/// Why a clock that is off is not corrected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotCorrected {
    /// Anyone may be a peer.
    PeersUnproven,
    /// It is late, and would have to be set ahead.
    WouldSkipTime,
}

impl Clocks {
    pub fn new(may_correct: bool) -> Self {
        Clocks { may_correct, ..Clocks::default() }
    }

    /// `theirs`: what the peer's clock showed when it sent its status; `now`: this node's clocks when
    /// that was read.
    pub fn note(&mut self, peer: &str, theirs: Timestamp, now: Now) {
        let ahead = theirs.unix_nanos() - now.wall.unix_nanos();
        if ahead < -DIFFERS && now.mono < self.stale_until {
            return;
        }
        self.ahead.insert(peer.to_owned(), ahead);
        if ahead.abs() > DIFFERS && self.notified.insert(peer.to_owned()) {
            let ahead_seconds = seconds(ahead);
            self.changes.push(ClockChange::Differs { peer: peer.to_owned(), ahead_seconds });
        } else if ahead.abs() <= DIFFERS && self.notified.remove(peer) {
            self.changes.push(ClockChange::AgreesAgain { peer: peer.to_owned() });
        }
        self.correct();
    }

    /// Notices if this node has slept, or if its own clock was set by as much as it was corrected.
    pub fn follow(&mut self, now: Now) {
        let Some(last) = self.last.replace(now) else { return };
        let passed = now.mono.since(last.mono);
        let step = now.wall.unix_nanos() - last.wall.unix_nanos() - nanos(passed);
        // The monotonic clock may have slept too.
        if passed > SLEPT || step > nanos(SLEPT) {
            self.stale_until = now.mono.plus(STALE_LASTS);
        }
        if self.off != 0 && (step - self.off).abs() <= AGREES {
            self.ahead.values_mut().for_each(|ahead| *ahead -= step);
            self.change_correction(0);
        }
    }

    pub fn keep_only(&mut self, peers: &BTreeSet<String>) {
        self.ahead.retain(|name, _| peers.contains(name));
        self.notified.retain(|name| peers.contains(name));
        self.peers = peers.len();
    }

    /// By how much this node's clock is to be set back.
    pub fn set_back_by(&self) -> Duration {
        let nanos = u64::try_from(self.off.unsigned_abs()).unwrap_or(u64::MAX);
        Duration::from_nanos(nanos).min(CORRECTION_MAX)
    }

    pub fn ahead_seconds(&self, peer: &str) -> Option<f64> {
        self.ahead.get(peer).map(|ahead| seconds(*ahead))
    }

    /// How far the slowest clock is behind this one, with what counts as no difference.
    pub fn lag(&self) -> Duration {
        let slowest = self.ahead.values().copied().min().unwrap_or(0).min(0);
        let nanos = (DIFFERS - slowest).unsigned_abs();
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    pub fn take_changes(&mut self) -> Vec<ClockChange> {
        std::mem::take(&mut self.changes)
    }

    fn correct(&mut self) {
        let mut all: Vec<i128> = self.ahead.values().copied().chain([0]).collect();
        all.sort_unstable();
        let median = all[all.len() / 2];
        let agreeing = all.iter().filter(|ahead| (**ahead - median).abs() <= AGREES).count();
        let is_majority = agreeing * 2 > all.len().max(self.peers + 1);
        let wanted = match is_majority {
            true if median.abs() > CORRECTED => self.allowed(median),
            true => 0,
            false => self.vouched().unwrap_or(0),
        };
        // A clock that drifts is followed in steps, not with every status broadcast.
        if (wanted - self.off).abs() > AGREES {
            self.change_correction(wanted);
        }
    }

    /// `off`, if the clock may be corrected by that; else 0, and why is said once.
    fn allowed(&mut self, off: i128) -> i128 {
        let why = match off > 0 {
            true => NotCorrected::WouldSkipTime,
            false if self.may_correct => return off,
            false => NotCorrected::PeersUnproven,
        };
        if self.refused.insert(why) {
            let off_seconds = seconds(off);
            self.changes.push(ClockChange::NotCorrected { off_seconds, why });
        }
        0
    }

    /// The clock nearest to the one decided for, if it is still near: too few are left to decide
    /// again, but that one stands by what was decided.
    fn vouched(&self) -> Option<i128> {
        let distance = |ahead: &i128| (ahead - self.off).abs();
        let nearest = self.ahead.values().copied().min_by_key(distance);
        nearest.filter(|ahead| self.off != 0 && *ahead <= 0 && distance(ahead) <= 2 * AGREES)
    }

    fn change_correction(&mut self, off: i128) {
        self.off = off;
        let by_seconds = 0.0 - self.set_back_by().as_secs_f64();
        let off_seconds = seconds(off);
        self.changes.push(ClockChange::Corrected { by_seconds, off_seconds });
    }
}

fn nanos(duration: Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX)
}

fn seconds(nanos: i128) -> f64 {
    nanos as f64 / 1e9
}

/// A node with peers looks at its clocks far more often than that.
const SLEPT: Duration = Duration::from_secs(10);

/// Reading what came in meanwhile takes less.
const STALE_LASTS: Duration = Duration::from_secs(5);

/// Nanoseconds. Status broadcasts take a while to arrive, so a smaller difference does not count.
const DIFFERS: i128 = 5_000_000_000;
const AGREES: i128 = 5_000_000_000;
const CORRECTED: i128 = 30_000_000_000;

/// Limit: by how much the clock is set back, whatever peers say.
pub(crate) const CORRECTION_MAX: Duration = Duration::from_secs(5 * 60);
