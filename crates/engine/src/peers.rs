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
//! claim ends, the others take over in the order of their names. One is only taken from the address
//! of the member that it names.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
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
    /// Whether this node's clock may be corrected by those of peers: not if anyone who reaches the
    /// port is a peer, that is, without TLS, label and cluster id.
    pub corrects_clock: bool,
    /// Whether only peers with a certificate can send a status broadcast. Else one must come from the
    /// address of its member, and a claim is heeded for `timeout` at most, since it may be forged.
    pub trusts_status: bool,
}

/// Another member of the cluster, suspects included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    pub name: String,
    /// Where it says that it is; IPv4 in its 4-byte form.
    pub address: IpAddr,
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

#[derive(Debug)]
struct PeerState {
    address: IpAddr,
    /// Since when it is a member, short absences left out.
    since: Mono,
    is_bellwether: bool,
    /// When the first liveness check was sent that has not been answered.
    unanswered_since: Option<Mono>,
    /// Since when it counts as dead to those that wait for it.
    unresponsive_since: Option<Mono>,
    claims: claims::Claims,
    /// It was said that its status broadcasts come from another address.
    is_misplaced: bool,
}

/// Why a status broadcast was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusRefusal {
    Malformed,
    /// It names no member that is a Bellwether.
    NoPeer,
    /// It does not come from the address of the member that it names.
    OtherAddress {
        /// It was not said of this peer before.
        is_news: bool,
    },
}

/// What a status broadcast changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StatusTaken {
    /// Other claims hold than before.
    pub claims_changed: bool,
    /// Claims that were passed over, since there are too many.
    pub claims_refused: usize,
}

#[derive(Debug)]
struct Departed {
    /// Since when it was a member.
    since: Mono,
    at: Mono,
    claims: claims::Claims,
}

impl Peers {
    pub fn new(settings: Option<PeerSettings>) -> Self {
        let corrects_clock = settings.as_ref().is_some_and(|settings| settings.corrects_clock);
        Peers {
            settled: settings.is_none(),
            settings,
            peers: BTreeMap::new(),
            departed: BTreeMap::new(),
            next_check: None,
            checked_at: None,
            next_status: None,
            clocks: clocks::Clocks::new(corrects_clock),
        }
    }

    pub fn settle(&mut self) {
        self.settled = true;
    }

    pub fn set_peers(&mut self, now: Now, peers: Vec<Peer>) {
        let mut former = std::mem::take(&mut self.peers);
        for Peer { name, address, is_bellwether } in peers {
            let since = self.departed.get(&name).map_or(now.mono, |peer| peer.since);
            let known = former.remove(&name).unwrap_or_else(|| PeerState::new(address, since));
            let is_misplaced = known.is_misplaced && known.address == address;
            let state = PeerState { address, is_bellwether, is_misplaced, ..known };
            self.departed.remove(&name);
            self.peers.insert(name, state);
        }
        self.departed.retain(|_, peer| peer.at.plus(DEPARTED_REMEMBERED) > now.mono);
        for (name, PeerState { since, unresponsive_since, mut claims, .. }) in former {
            claims.end(unresponsive_since.unwrap_or(now.mono));
            if self.departed.len() < DEPARTED_MAX {
                self.departed.insert(name, Departed { since, at: now.mono, claims });
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

    /// Takes a status broadcast that came from `from`.
    ///
    /// `os_wall` is what this node's own wall clock shows, uncorrected.
    pub fn take_status(
        &mut self,
        now: Now,
        os_wall: Timestamp,
        from: IpAddr,
        status: StatusBroadcast,
    ) -> Result<StatusTaken, StatusRefusal> {
        let StatusBroadcast { from: name, wall, claims } = status;
        let trusts_status = self.settings.as_ref().is_some_and(|settings| settings.trusts_status);
        let all = self.peers.values().map(|peer| &peer.claims);
        let all = all.chain(self.departed.values().map(|peer| &peer.claims));
        let held: usize = all.map(claims::Claims::count).sum();
        let peer = self.peers.get_mut(&name).filter(|peer| peer.is_bellwether);
        let peer = peer.ok_or(StatusRefusal::NoPeer)?;
        if peer.address != from && !trusts_status {
            let is_news = !std::mem::replace(&mut peer.is_misplaced, true);
            return Err(StatusRefusal::OtherAddress { is_news });
        }
        self.clocks.note(&name, wall, Now { wall: os_wall, ..now });
        let room = claims::ALL_CLAIMS_MAX.saturating_sub(held - peer.claims.count());
        let (claims_changed, claims_refused) = peer.claims.replace(now.mono, claims, room);
        Ok(StatusTaken { claims_changed, claims_refused })
    }

    /// To be called with every reading of this node's own clocks.
    pub fn follow_clock(&mut self, now: Now) {
        self.clocks.follow(now);
    }

    /// The wall clock, set back if most members of the cluster say that it is ahead.
    pub fn corrected(&self, now: Now) -> Now {
        Now { wall: now.wall.minus(self.clocks.set_back_by()), ..now }
    }

    /// How far the wall clock is set back.
    pub fn clock_set_back_by(&self) -> Duration {
        self.clocks.set_back_by()
    }

    /// For how long a notification is left to a peer that claims it, `max` at most: what a forged
    /// claim costs.
    pub fn claim_heeded_for(&self, max: Duration) -> Duration {
        match &self.settings {
            Some(settings) if !settings.trusts_status => max.min(settings.timeout),
            Some(_) | None => max,
        }
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
    /// may have known at `since`, alive or not. Like a Go node, this one counts nobody who became a
    /// member later: strangers that join one after the other would put off a notification for ever.
    pub fn wait(&self, since: Mono) -> Duration {
        let Some(PeerSettings { name: own, timeout, .. }) = &self.settings else {
            return Duration::ZERO;
        };
        let times = |count: usize| timeout.saturating_mul(count.try_into().unwrap_or(u32::MAX));
        let departed = |name: &str| {
            let knew =
                |peer: &Departed| peer.since <= since && peer.at.plus(GO_NOTICES_AFTER) > since;
            let known = self.departed.range::<str, _>(up_to(name)).filter(|(_, peer)| knew(peer));
            known.take(DEPARTED_COUNTED_MAX).count()
        };
        let ahead = self.ahead(own).filter(|(_, peer)| peer.since <= since);
        let mut turn = Duration::ZERO;
        for (position, (name, peer)) in ahead.enumerate() {
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

    /// How long a node would wait if all that were ahead of it at `since` were alive.
    pub fn longest_wait(&self, since: Mono) -> Duration {
        let Some(PeerSettings { name: own, timeout, .. }) = &self.settings else {
            return Duration::ZERO;
        };
        let members = self.ahead(own).filter(|(_, peer)| peer.since <= since).count();
        let departed = self.departed.range::<str, _>(up_to(own));
        let departed = departed.filter(|(_, peer)| peer.since <= since && peer.at > since);
        let all = members + departed.take(DEPARTED_COUNTED_MAX).count();
        timeout.saturating_mul(u32::try_from(all).unwrap_or(u32::MAX))
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

impl PeerState {
    fn new(address: IpAddr, since: Mono) -> Self {
        PeerState {
            address,
            since,
            is_bellwether: false,
            unanswered_since: None,
            unresponsive_since: None,
            claims: claims::Claims::default(),
            is_misplaced: false,
        }
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
const DEPARTED_REMEMBERED: Duration = Duration::from_mins(10);
/// Limit: former members that are remembered.
const DEPARTED_MAX: usize = 1_000;
/// Limit: former members that a Go node may not have noticed to be gone; a cluster loses fewer at once,
/// while strangers come and go as they like.
const DEPARTED_COUNTED_MAX: usize = 10;

pub(crate) use clocks::ClockChange;
pub use clocks::NotCorrected;

#[cfg(test)]
mod tests;
