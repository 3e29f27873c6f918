//! Which addresses to join?
//!
//! The membership machine learns of members once it is joined to one. The roster has the names of the
//! configured peers looked up, and names the addresses to join: those of configured peers that are not
//! members, at the start and after each refresh, and those of failed members, at every reconnect
//! interval. Without the latter, two halves of a cluster that declared each other dead would not merge
//! again.
//!
//! A failed address is not tried for ever. Go tries it for six hours, and a node that gets the address
//! by then is drawn into the cluster. Here
//! - an address to which no configured name resolves any longer is given up after some minutes;
//! - at an address to which no configured name resolves, the failed peer is expected by name first
//!   ([`Visit::expecting`]), and given up if another node answers several times.
//!
//! In: the time, lookups, members joined and lost, outcomes of joins. Out: names to look up and joins
//! to attempt. It performs nothing itself.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::cluster::note::{ClusterNote, Forgotten, JoinCause};
use crate::cluster::settings::ClusterSettings;
use crate::cluster::status::Missing;
use crate::cluster::trouble::Troubles;
use crate::machine::Mono;
use crate::message::{Address, NodeName};

#[derive(Debug)]
pub(super) struct Roster {
    own: Address,
    reconnect_interval: Duration,
    reconnect_timeout: Duration,
    refresh_interval: Duration,
    started: Mono,

    names: BTreeMap<String, Name>,
    /// The addresses of the members.
    members: BTreeMap<Address, NodeName>,
    failed: BTreeMap<Address, Failed>,
    /// The next visits, in order. **Invariant:** each address once, and none of `visiting`.
    waiting: VecDeque<Visit>,
    visiting: BTreeMap<Address, JoinCause>,
    next_reconnect: Option<Mono>,
    next_tidy: Mono,
}

/// A configured peer.
#[derive(Debug)]
struct Name {
    addresses: Vec<Address>,
    /// The name is an IP address: there is nothing to look up.
    literal: bool,
    asked: bool,
    next: Mono,
    failing: bool,
}

/// The address of a failed member, or of a configured peer not yet joined.
#[derive(Debug)]
struct Failed {
    since: Mono,
    /// `None` if no member has been seen there.
    name: Option<NodeName>,
    /// A configured name has resolved to it at some time.
    once_named: bool,
    /// Visits at which another node answered.
    refusals: u32,
    departure: Departure,
}

/// How a member went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Departure {
    Failed,
    /// It said so.
    Left,
}

/// An attempt to join the node at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Visit {
    pub address: Address,
    pub cause: JoinCause,
    /// Check by a ping that this node answers there.
    pub expecting: Option<NodeName>,
}

/// How a visit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Visited {
    Joined,
    Failed,
    /// Another node than the expected one answers, or one of a different cluster.
    Stranger,
}

impl Roster {
    pub fn new(now: Mono, settings: &ClusterSettings) -> Self {
        let own = canonical(settings.machine.address);
        let mut roster = Self {
            own,
            reconnect_interval: settings.reconnect_interval,
            reconnect_timeout: settings.reconnect_timeout,
            refresh_interval: settings.refresh_interval,
            started: now,
            names: BTreeMap::new(),
            members: BTreeMap::new(),
            failed: BTreeMap::new(),
            waiting: VecDeque::new(),
            visiting: BTreeMap::new(),
            next_reconnect: (!settings.reconnect_interval.is_zero())
                .then(|| now.plus(settings.reconnect_interval)),
            next_tidy: now.plus(TIDY_INTERVAL),
        };
        for peer in &settings.peers {
            let literal = peer.parse::<SocketAddr>().ok();
            let addresses =
                literal.map(|at| Address::new(at.ip(), at.port())).into_iter().collect();
            let literal = literal.is_some();
            let name = Name { addresses, literal, asked: false, next: now, failing: false };
            roster.names.insert(peer.clone(), name);
        }
        for address in
            roster.names.values().flat_map(|name| name.addresses.clone()).collect::<Vec<_>>()
        {
            roster.expect_at_boot(now, canonical(address));
        }
        roster
    }

    /// Queues the visits that are due, drops old addresses, and returns the names to look up.
    pub fn advance(&mut self, now: Mono, notes: &mut Vec<ClusterNote>) -> Vec<String> {
        if self.next_reconnect.is_some_and(|at| now >= at) {
            self.next_reconnect = Some(now.plus(self.reconnect_interval));
            for address in self.failed.keys().copied().collect::<Vec<_>>() {
                self.enqueue(address, JoinCause::Reconnect);
            }
        }
        if now >= self.next_tidy {
            self.next_tidy = now.plus(TIDY_INTERVAL);
            self.tidy(now, notes);
        }
        let mut lookups = Vec::new();
        let mut refreshed = Vec::new();
        for (text, name) in &mut self.names {
            if name.asked || now < name.next {
                continue;
            }
            if !name.literal {
                name.asked = true;
                lookups.push(text.clone());
            } else {
                if name.next > self.started {
                    refreshed.extend(name.addresses.iter().copied());
                }
                name.next = now.plus(self.refresh_interval);
            }
        }
        for address in refreshed {
            self.enqueue(canonical(address), JoinCause::Refresh);
        }
        lookups
    }

    /// Handles the result of a lookup.
    pub fn resolved(
        &mut self,
        now: Mono,
        text: &str,
        addresses: &[Address],
        error: Option<String>,
        notes: &mut Vec<ClusterNote>,
    ) {
        let Some(name) = self.names.get_mut(text) else { return };
        name.asked = false;
        let first = name.addresses.is_empty();
        let mut addresses: Vec<_> = addresses.iter().copied().map(canonical).collect();
        addresses.sort_unstable();
        addresses.dedup();
        addresses.truncate(ADDRESSES_PER_NAME_MAX);
        if addresses.is_empty() {
            // The previous addresses are kept.
            let hurry = first && now.since(self.started) < HURRIED_LOOKUPS;
            name.next = now.plus(if hurry { LOOKUP_RETRY } else { self.refresh_interval });
            if !std::mem::replace(&mut name.failing, true) {
                notes.push(ClusterNote::NameUnresolved { name: text.to_owned(), error });
            }
            return;
        }
        name.next = now.plus(self.refresh_interval);
        name.failing = false;
        if name.addresses != addresses {
            name.addresses.clone_from(&addresses);
            notes.push(ClusterNote::NameResolved {
                name: text.to_owned(),
                addresses: addresses.clone(),
            });
        }
        for address in addresses {
            if let Some(failed) = self.failed.get_mut(&address) {
                failed.once_named = true;
            }
            if first {
                self.expect_at_boot(now, address);
            } else {
                self.enqueue(address, JoinCause::Refresh);
            }
        }
    }

    /// The next visit, unless too many are in progress.
    pub fn next_visit(&mut self) -> Option<Visit> {
        while self.visiting.len() < VISITS_AT_ONCE_MAX {
            let mut visit = self.waiting.pop_front()?;
            if self.members.contains_key(&visit.address) {
                continue;
            }
            if !self.is_named(visit.address) {
                visit.expecting =
                    self.failed.get(&visit.address).and_then(|failed| failed.name.clone());
            }
            self.visiting.insert(visit.address, visit.cause);
            return Some(visit);
        }
        None
    }

    /// Handles the end of a visit, and returns its cause.
    pub fn visited(
        &mut self,
        address: Address,
        result: Visited,
        notes: &mut Vec<ClusterNote>,
    ) -> Option<JoinCause> {
        let address = canonical(address);
        let cause = self.visiting.remove(&address);
        let named = self.is_named(address);
        if let Some(failed) = self.failed.get_mut(&address) {
            match result {
                // The membership machine reports the join itself.
                Visited::Joined => failed.refusals = 0,
                Visited::Failed => {}
                Visited::Stranger => failed.refusals += 1,
            }
            if failed.refusals >= REFUSALS_MAX && !named {
                self.forget(Some(address), Forgotten::Recycled, notes);
            }
        }
        cause
    }

    /// A node is now a member; returns how long it was away, if it had been one.
    pub fn joined(&mut self, now: Mono, name: &NodeName, address: Address) -> Option<Duration> {
        let address = canonical(address);
        let before = self.failed.values().find(|failed| failed.name.as_ref() == Some(name));
        let away = before.map(|failed| now.since(failed.since));
        self.failed.remove(&address);
        // It may have come back at another address.
        self.failed.retain(|_, failed| failed.name.as_ref() != Some(name));
        self.members.retain(|_, member| member != name);
        self.members.insert(address, name.clone());
        away
    }

    /// A node is no longer a member.
    pub fn lost(
        &mut self,
        now: Mono,
        name: &NodeName,
        address: Address,
        departure: Departure,
        notes: &mut Vec<ClusterNote>,
    ) {
        let address = canonical(address);
        if self.members.get(&address) == Some(name) {
            self.members.remove(&address);
        }
        if address == self.own || self.members.contains_key(&address) {
            return;
        }
        let once_named = self.is_named(address);
        let name = Some(name.clone());
        let failed = Failed { since: now, name, once_named, refusals: 0, departure };
        self.failed.insert(address, failed);
        if self.failed.len() > FAILED_PEERS_MAX {
            let oldest = self.failed.iter().min_by_key(|(_, failed)| failed.since);
            let oldest = oldest.map(|(address, _)| *address);
            self.forget(oldest, Forgotten::TooMany, notes);
        }
    }

    /// Stops all visits.
    pub fn leave(&mut self) {
        self.waiting.clear();
        self.names.clear();
        self.next_reconnect = None;
    }

    pub fn next_wakeup(&self) -> Mono {
        let names = self.names.values().filter(|name| !name.asked).map(|name| name.next);
        names.chain(self.next_reconnect).fold(self.next_tidy, Mono::min)
    }

    /// Whether a configured name resolved to the address at its last lookup.
    pub fn is_named(&self, address: Address) -> bool {
        let address = canonical(address);
        self.names.values().any(|name| name.addresses.iter().any(|at| canonical(*at) == address))
    }

    /// The addresses to which configured names resolved at their last lookups.
    pub fn named(&self) -> impl Iterator<Item = Address> {
        self.names.values().flat_map(|name| name.addresses.iter().map(|at| canonical(*at)))
    }

    pub fn failed(&self) -> usize {
        self.failed.len()
    }

    /// Whether the peer has said that it leaves: it restarts, or is not configured and never returns.
    pub fn has_left(&self, now: Mono, address: Address) -> bool {
        let failed = self.failed.get(&address);
        failed.is_some_and(|failed| {
            let restarts = now.since(failed.since) < RESTART_TAKES;
            failed.departure == Departure::Left && (restarts || !self.is_named(address))
        })
    }

    /// Whether a peer is expected at the address.
    pub fn expects(&self, address: Address) -> bool {
        self.failed.contains_key(&address) || self.is_named(address)
    }

    /// The configured peer at an address, or the failed member that was there.
    pub fn peer_at(&self, address: Address) -> Option<String> {
        let has = |name: &Name| name.addresses.iter().any(|at| canonical(*at) == address);
        let configured =
            self.names.iter().find(|(_, name)| has(name)).map(|(text, _)| text.clone());
        let failed = self.failed.get(&address).and_then(|failed| failed.name.as_ref());
        configured.or_else(|| failed.map(NodeName::to_string))
    }

    /// Whether a member, a failed one or a configured peer is on the host.
    pub fn knows_host(&self, host: Address) -> bool {
        let ip = canonical(host).ip;
        let named = self.names.values().flat_map(|name| &name.addresses);
        let mut all = named.map(|at| canonical(*at).ip);
        all.any(|at| at == ip)
            || self.members.keys().chain(self.failed.keys()).any(|at| at.ip == ip)
    }

    /// Configured peers that are not members, and members that have failed and are tried again.
    ///
    /// A configured address that was joined counts as present, even if the node there advertises
    /// another one.
    pub fn missing(&self, troubles: &Troubles) -> Vec<Missing> {
        let mut missing = Vec::new();
        let mut listed = BTreeSet::from([self.own]);
        let joining: BTreeSet<Address> = self.joining().collect();
        for (text, name) in &self.names {
            if name.addresses.is_empty() {
                missing.push(Missing { peer: text.clone(), address: None, failure: None });
            }
            for address in name.addresses.iter().map(|at| canonical(*at)) {
                let failure = troubles.at(address);
                let is_absent = !self.members.contains_key(&address)
                    && (failure.is_some() || joining.contains(&address));
                if is_absent && listed.insert(address) {
                    missing.push(Missing { peer: text.clone(), address: Some(address), failure });
                }
            }
        }
        for (address, failed) in &self.failed {
            let name = failed.name.as_ref().filter(|_| failed.departure == Departure::Failed);
            if let Some(name) = name.filter(|_| listed.insert(*address)) {
                let failure = troubles.at(*address);
                let peer = name.to_string();
                missing.push(Missing { peer, address: Some(*address), failure });
            }
        }
        missing
    }

    /// The number of other configured addresses, and of names that never resolved.
    pub fn expected(&self) -> usize {
        let addresses = self.names.values().flat_map(|name| &name.addresses);
        let others: BTreeSet<_> =
            addresses.map(|at| canonical(*at)).filter(|at| *at != self.own).collect();
        others.len() + self.unresolved().count()
    }

    /// Names that have never resolved.
    pub fn unresolved(&self) -> impl Iterator<Item = &str> {
        let unresolved = self.names.iter().filter(|(_, name)| name.addresses.is_empty());
        unresolved.map(|(text, _)| text.as_str())
    }

    /// Configured addresses whose first visit is queued or in progress.
    pub fn joining(&self) -> impl Iterator<Item = Address> {
        let waiting = self.waiting.iter().map(|visit| (&visit.address, &visit.cause));
        let all = waiting.chain(&self.visiting);
        all.filter(|(_, cause)| **cause == JoinCause::Boot).map(|(address, _)| *address)
    }

    /// Whether first visits are outstanding, or no name has resolved yet.
    pub fn is_joining(&self) -> bool {
        let nothing_known = !self.names.is_empty() && self.names.len() == self.unresolved().count();
        nothing_known || self.joining().next().is_some()
    }

    /// Queues the first visit of a configured peer, which counts as failed until it joins.
    fn expect_at_boot(&mut self, now: Mono, address: Address) {
        if address == self.own || self.members.contains_key(&address) {
            return;
        }
        self.failed.entry(address).or_insert(Failed {
            since: now,
            name: None,
            once_named: true,
            refusals: 0,
            departure: Departure::Failed,
        });
        self.enqueue(address, JoinCause::Boot);
    }

    fn enqueue(&mut self, address: Address, cause: JoinCause) {
        let known = address == self.own
            || self.members.contains_key(&address)
            || self.visiting.contains_key(&address)
            || self.waiting.iter().any(|visit| visit.address == address);
        if !known {
            self.waiting.push_back(Visit { address, cause, expecting: None });
        }
    }

    /// Gives up old addresses.
    fn tidy(&mut self, now: Mono, notes: &mut Vec<ClusterNote>) {
        let mut past_hope = Vec::new();
        for (address, failed) in &self.failed {
            let age = now.since(failed.since);
            let named = self.is_named(*address);
            if !self.reconnect_timeout.is_zero() && age > self.reconnect_timeout {
                past_hope.push((*address, Forgotten::TimedOut));
            } else if failed.once_named && !named && age > UNNAMED_TIMEOUT {
                past_hope.push((*address, Forgotten::NoLongerNamed));
            }
        }
        for (address, reason) in past_hope {
            self.forget(Some(address), reason, notes);
        }
    }

    fn forget(
        &mut self,
        address: Option<Address>,
        reason: Forgotten,
        notes: &mut Vec<ClusterNote>,
    ) {
        if let Some(address) = address {
            self.failed.remove(&address);
            self.waiting.retain(|visit| visit.address != address);
            notes.push(ClusterNote::PeerForgotten { address, reason });
        }
    }
}

/// IPv4 addresses in their 4-byte form.
pub(super) fn canonical(address: Address) -> Address {
    let ip = match address.ip {
        IpAddr::V6(ip) => ip.to_canonical(),
        IpAddr::V4(_) => address.ip,
    };
    Address { ip, ..address }
}

/// Limit: visits at once, so that a node with a long list of peers does not fetch the same state
/// from all of them.
const VISITS_AT_ONCE_MAX: usize = 8;
/// How long a peer that has left is not missed.
const RESTART_TAKES: Duration = Duration::from_mins(5);
/// Limit: failed addresses that are retried.
pub const FAILED_PEERS_MAX: usize = 1000;
/// Limit: addresses of one name.
pub const ADDRESSES_PER_NAME_MAX: usize = 256;
/// After so many refused visits the address is given up.
const REFUSALS_MAX: u32 = 3;
/// How long an address is retried after no configured name resolves to it any longer.
const UNNAMED_TIMEOUT: Duration = Duration::from_mins(5);
const TIDY_INTERVAL: Duration = Duration::from_mins(1);
/// The lookup interval of a name that never resolved, during the first minute.
const LOOKUP_RETRY: Duration = Duration::from_secs(2);
const HURRIED_LOOKUPS: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests;
