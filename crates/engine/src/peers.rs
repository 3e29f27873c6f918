//! Peers: which are there, whose turn is it to notify, and what time is it in the cluster?
//!
//! In: the members of the cluster, answers to liveness checks, status broadcasts of other Bellwether
//! nodes, the time. Out: how long a node waits before it notifies, which peers to check meanwhile,
//! the status broadcasts to send, and how far this node's wall clock is from that of the others.
//!
//! Nodes take turns in the order of their names, a peer timeout apart, and the turns of dead peers
//! are left out. A Go node does not leave them out: it waits a peer timeout for each member ahead of
//! it that it knows when its group is due. So no node behind it notifies before that has passed, and
//! one more peer timeout for its answer.
//!
//! A wait makes sense only as long as a peer ahead lives. So a node that waits checks the peers
//! ahead every half second; one that has not answered for a second counts as unresponsive until it
//! answers or the node waits for nothing. Go nodes are checked too: every member answers a ping.
//!
//! A status broadcast says what its sender is trying to send just now, so that no other node sends
//! it too, as long as the sender lives; and what its clock shows. Only Bellwether nodes get it. When a
//! claim ends, the others take over in the order of their names.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::time::Duration;

use bellwether_model::{Mono, Now, Timestamp};

pub use status_broadcast::StatusBroadcast;

mod claims;
mod clocks;
mod status_broadcast;

/// This node's place among others.
#[derive(Clone, Debug)]
pub struct PeerSettings {
    /// The name that the other members know.
    pub name: String,
    /// How long to wait for each peer ahead (`--cluster.peer-timeout`).
    pub timeout: Duration,
}

/// Another member of the cluster, suspects included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    pub name: String,
    /// Whether it is a Bellwether node, which understands status broadcasts.
    pub is_bellwether: bool,
}

/// What is known about a peer, for readers.
#[derive(Clone, Debug, PartialEq)]
pub struct PeerView {
    pub name: String,
    /// How far its wall clock is ahead of this node's, in seconds; only known of Bellwether nodes.
    pub clock_ahead: Option<f64>,
}

#[derive(Debug)]
pub(crate) struct Peers {
    /// `None`: there is no cluster.
    settings: Option<PeerSettings>,
    settled: bool,
    peers: BTreeMap<String, PeerState>,
    /// Those that were members lately.
    departed: BTreeMap<String, Departed>,
    next_check: Option<Mono>,
    /// When peers were last checked, while anything waits.
    checked_at: Option<Mono>,
    next_status: Option<Mono>,
    clocks: clocks::Clocks,
}

#[derive(Debug, Default)]
struct PeerState {
    is_bellwether: bool,
    /// When the first liveness check was sent that has not been answered.
    unanswered_since: Option<Mono>,
    /// Since when it counts as dead to those that wait for it.
    unresponsive_since: Option<Mono>,
    claims: claims::Claims,
}

#[derive(Debug)]
struct Departed {
    at: Mono,
    claims: claims::Claims,
}

impl Peers {
    pub fn new(settings: Option<PeerSettings>) -> Self {
        Peers {
            settled: settings.is_none(),
            settings,
            peers: BTreeMap::new(),
            departed: BTreeMap::new(),
            next_check: None,
            checked_at: None,
            next_status: None,
            clocks: clocks::Clocks::default(),
        }
    }

    pub fn settle(&mut self) {
        self.settled = true;
    }

    pub fn set_peers(&mut self, now: Now, peers: Vec<Peer>) {
        let mut former = std::mem::take(&mut self.peers);
        for Peer { name, is_bellwether } in peers {
            let state = former.remove(&name).unwrap_or_default();
            self.departed.remove(&name);
            self.peers.insert(name, PeerState { is_bellwether, ..state });
        }
        self.departed.retain(|_, peer| peer.at.plus(DEPARTED_REMEMBERED) > now.mono);
        for (name, PeerState { unresponsive_since, mut claims, .. }) in former {
            claims.end(unresponsive_since.unwrap_or(now.mono));
            if self.departed.len() < DEPARTED_MAX {
                self.departed.insert(name, Departed { at: now.mono, claims });
            }
        }
        let is_bellwether: BTreeSet<String> = self.is_bellwether().map(str::to_owned).collect();
        self.clocks.keep_only(&is_bellwether);
        if is_bellwether.is_empty() {
            self.next_status = None;
        } else if self.next_status.is_none() {
            self.next_status = Some(now.mono);
        }
    }

    /// A peer answered a liveness check; returns whether it counted as unresponsive.
    pub fn note_alive(&mut self, name: &str) -> bool {
        let Some(peer) = self.peers.get_mut(name) else { return false };
        peer.unanswered_since = None;
        peer.unresponsive_since.take().is_some()
    }

    /// Takes a status broadcast; returns whether its claims differ from those of the one before.
    ///
    /// `os_wall` is what this node's own wall clock shows, uncorrected.
    pub fn take_status(&mut self, now: Now, os_wall: Timestamp, status: StatusBroadcast) -> bool {
        let Some(peer) = self.peers.get_mut(&status.from) else { return false };
        self.clocks.note(&status.from, status.wall, Now { wall: os_wall, ..now });
        peer.claims.replace(now.mono, status.claims)
    }

    /// To be called with every reading of this node's own clocks.
    pub fn follow_clock(&mut self, now: Now) {
        self.clocks.follow(now);
    }

    /// The wall clock as most members of the cluster see it.
    pub fn corrected(&self, now: Now) -> Now {
        Now { wall: self.clocks.corrected(now.wall), ..now }
    }

    /// How far the clocks of others may be behind this node's, as far as is known.
    pub fn clocks_lag(&self) -> Duration {
        self.clocks.lag()
    }

    /// When it is this node's turn to send what it has had to send since `since`.
    pub fn turn_at(&self, since: Mono) -> Mono {
        since.plus(self.wait(since))
    }

    /// How long a node waits for peers ahead with what it has had to send since `since`.
    ///
    /// The turn of a Go node is computed as that node does: by position among all members that it
    /// may have known at `since`, alive or not.
    pub fn wait(&self, since: Mono) -> Duration {
        let Some(PeerSettings { name: own, timeout }) = &self.settings else {
            return Duration::ZERO;
        };
        let times = |count: usize| timeout.saturating_mul(count.try_into().unwrap_or(u32::MAX));
        let departed = |name: &str| {
            let knew = |peer: &Departed| peer.at.plus(GO_NOTICES_AFTER) > since;
            self.departed.range::<str, _>(up_to(name)).filter(|(_, peer)| knew(peer)).count()
        };
        let mut turn = Duration::ZERO;
        for (position, (name, peer)) in self.ahead(own).enumerate() {
            if peer.unresponsive_since.is_some() {
                continue;
            }
            turn = match peer.is_bellwether {
                true => turn.saturating_add(*timeout),
                false => {
                    let its_turn = times(position + departed(name));
                    turn.max(its_turn.saturating_add((*timeout).max(GO_GOSSIP_TAKES)))
                }
            };
        }
        turn
    }

    /// Until when this is left to a peer that is trying to send it. A node that is `trying` too
    /// defers only to peers ahead.
    pub fn claimed_until(&self, what: u64, trying: bool, now: Mono) -> Option<Mono> {
        let own = self.settings.as_ref()?.name.as_str();
        let counts = |(name, peer): &(&String, &PeerState)| {
            peer.unresponsive_since.is_none() && (!trying || name.as_str() < own)
        };
        let claims =
            self.peers.iter().filter(counts).filter_map(|(_, peer)| peer.claims.until(what));
        claims.filter(|until| *until > now).max()
    }

    /// When this node may take over what was left to a peer after `since`, and is no longer. `None`:
    /// it was not left to any.
    ///
    /// All that left it to the peer notice the end within less than a second of each other. They take
    /// over in the order of their names, and each claims it for itself.
    pub fn takeover_at(&self, what: u64, trying: bool, since: Mono) -> Option<Mono> {
        let own = self.settings.as_ref()?.name.as_str();
        let ended = |claims: &claims::Claims, gone: Option<Mono>| {
            let until = claims.until(what)?;
            Some(gone.map_or(until, |gone| until.min(gone))).filter(|at| *at > since)
        };
        let members = self.peers.iter();
        let members = members.map(|(n, peer)| (n, ended(&peer.claims, peer.unresponsive_since)));
        let departed = self.departed.iter();
        let departed = departed.map(|(n, peer)| (n, ended(&peer.claims, None)));
        let all = members.chain(departed).filter(|(name, _)| !trying || name.as_str() < own);
        let ended_at = all.filter_map(|(_, at)| at).max()?;
        let comes_first = |(_, peer): &(&String, &PeerState)| {
            peer.is_bellwether
                && peer.unresponsive_since.is_none()
                && ended(&peer.claims, None).is_none()
        };
        let first = self.ahead(own).filter(comes_first).count();
        Some(ended_at.plus(TAKEOVER_STEP.saturating_mul(first.try_into().unwrap_or(u32::MAX))))
    }

    /// Does what is due: returns the peers to check, and those that have just become
    /// unresponsive. `waiting` says whether anything waits for its turn.
    pub fn check_liveness(&mut self, now: Mono, waiting: bool) -> LivenessChecks {
        let mut watch = LivenessChecks::default();
        if !waiting {
            self.next_check = None;
            self.checked_at = None;
            for peer in self.peers.values_mut() {
                peer.unanswered_since = None;
                peer.unresponsive_since = None;
            }
            return watch;
        }
        // While this node itself was late, answers may have come that it has not read yet.
        let away = self.checked_at.replace(now).map_or(Duration::ZERO, |at| now.since(at));
        let missed = away.saturating_sub(CHECK_EVERY);
        let is_time = self.next_check.is_none_or(|at| at <= now);
        let own = self.settings.as_ref().map(|settings| settings.name.clone()).unwrap_or_default();
        for (name, peer) in self.peers.range_mut(..own) {
            peer.unanswered_since = peer.unanswered_since.map(|since| since.plus(missed));
            if peer.unresponsive_since.is_none()
                && peer.unanswered_since.is_some_and(|at| at.plus(UNRESPONSIVE_AFTER) <= now)
            {
                peer.unresponsive_since = Some(now);
                watch.unresponsive.push(name.clone());
            }
            if is_time {
                peer.unanswered_since.get_or_insert(now);
                watch.to_check.push(name.clone());
            }
        }
        if is_time {
            self.next_check = Some(now.plus(CHECK_EVERY));
        }
        watch
    }

    /// The status broadcast that is due, and its recipients. `claims` is what this node tries to send.
    pub fn due_status(
        &mut self,
        now: Mono,
        os_wall: Timestamp,
        claims: impl FnOnce() -> Vec<u64>,
    ) -> Option<(StatusBroadcast, Vec<String>)> {
        if self.next_status.is_none_or(|at| at > now) {
            return None;
        }
        let mut claims = claims();
        claims.truncate(claims::CLAIMS_MAX);
        let every = if claims.is_empty() { STATUS_EVERY } else { CLAIM_STATUS_EVERY };
        self.next_status = Some(now.plus(every));
        let is_bellwether = self.is_bellwether().map(str::to_owned).collect();
        let from = self.settings.as_ref()?.name.clone();
        Some((StatusBroadcast { from, wall: os_wall, claims }, is_bellwether))
    }

    /// What this node tries to send has changed: its next status broadcast is due at `at`.
    pub fn hasten_status(&mut self, at: Mono) {
        self.next_status = self.next_status.map(|next| next.min(at));
    }

    pub fn next(&self) -> Option<Mono> {
        let checks = self.peers.values().filter(|peer| peer.unresponsive_since.is_none());
        let checks =
            checks.filter_map(|peer| Some(peer.unanswered_since?.plus(UNRESPONSIVE_AFTER)));
        checks.chain(self.next_check).chain(self.next_status).min()
    }

    pub fn is_alone(&self) -> bool {
        self.settings.is_none()
    }

    pub fn is_settled(&self) -> bool {
        self.settled
    }

    pub fn views(&self) -> Vec<PeerView> {
        let view = |name: &String| PeerView {
            name: name.clone(),
            clock_ahead: self.clocks.ahead_seconds(name),
        };
        self.peers.keys().map(view).collect()
    }

    /// What is to be said about clocks since the last time.
    pub fn take_clock_changes(&mut self) -> Vec<clocks::ClockChange> {
        self.clocks.take_changes()
    }

    fn ahead(&self, own: &str) -> impl Iterator<Item = (&String, &PeerState)> {
        self.peers.range::<str, _>(up_to(own))
    }

    fn is_bellwether(&self) -> impl Iterator<Item = &str> {
        self.peers.iter().filter(|(_, peer)| peer.is_bellwether).map(|(name, _)| name.as_str())
    }
}

fn up_to(name: &str) -> (Bound<&str>, Bound<&str>) {
    (Bound::Unbounded, Bound::Excluded(name))
}

/// What [`Peers::check_liveness`] found.
#[derive(Debug, Default)]
pub(crate) struct LivenessChecks {
    pub to_check: Vec<String>,
    pub unresponsive: Vec<String>,
}

const CHECK_EVERY: Duration = Duration::from_millis(500);
/// A peer that has not answered for so long counts as dead to those who wait for it.
const UNRESPONSIVE_AFTER: Duration = Duration::from_secs(1);
const STATUS_EVERY: Duration = Duration::from_secs(5);
const CLAIM_STATUS_EVERY: Duration = Duration::from_secs(1);
/// How far apart nodes take over what a peer has claimed: checks find out within half a second of
/// each other, and the first one claims it after some milliseconds.
const TAKEOVER_STEP: Duration = Duration::from_secs(2);
/// A member that is gone may count for so long to Go nodes, to which that is gossip.
const GO_NOTICES_AFTER: Duration = Duration::from_secs(5);
/// Compat: a Go node gossips its log entry in rounds of a fifth of a second.
const GO_GOSSIP_TAKES: Duration = Duration::from_secs(1);
/// Longer than any wait.
const DEPARTED_REMEMBERED: Duration = Duration::from_secs(10 * 60);
/// Limit: former members that are remembered.
const DEPARTED_MAX: usize = 1_000;

pub(crate) use clocks::ClockChange;

#[cfg(test)]
mod tests;
