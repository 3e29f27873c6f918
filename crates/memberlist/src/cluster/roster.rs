//! Which addresses are worth a visit?
//!
//! The membership machine learns of members once somebody knows one. This room sees to that: it
//! has the configured peers' names looked up, and names addresses to be tried: those of
//! configured peers that are no members, now and after each refresh, and those of members that
//! failed, every reconnect interval. Members whose two halves of the cluster took each other for
//! dead only meet again because of that.
//!
//! An address that failed is not visited for ever. Go does so for six hours, and whoever is given
//! the address by then is drawn into the cluster. Here
//! - an address that no configured name stands for any longer is given up after some minutes;
//! - where no configured name stands for an address, the visitor asks for the peer by name first
//!   ([`Visit::expecting`]), and gives it up if somebody else answers a few times.
//!
//! In: the time, lookups, joins and losses of members, outcomes of visits. Out: names to look up
//! and visits to make. It speaks to nobody, and knows nothing of streams.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::cluster::note::{ClusterNote, Forgotten, JoinCause};
use crate::cluster::settings::ClusterSettings;
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
    /// Members' addresses, as far as the membership machine told.
    members: BTreeMap<Address, NodeName>,
    failed: BTreeMap<Address, Failed>,
    /// Next visits, in order; no address twice, nor one that is being visited.
    waiting: VecDeque<Visit>,
    visiting: BTreeMap<Address, JoinCause>,
    next_reconnect: Option<Mono>,
    next_tidy: Mono,
}

/// A configured peer.
#[derive(Debug)]
struct Name {
    addresses: Vec<Address>,
    /// Written as an address: there is nothing to look up.
    literal: bool,
    asked: bool,
    next: Mono,
    failing: bool,
}

/// Where a member was, or where a configured peer should be.
#[derive(Debug)]
struct Failed {
    since: Mono,
    /// `None` if nobody was ever seen there.
    name: Option<NodeName>,
    /// A configured name has stood for it at some time.
    once_named: bool,
    /// Visits at which somebody else was there.
    refusals: u32,
}

/// An address to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Visit {
    pub address: Address,
    pub cause: JoinCause,
    /// Make sure first that this node is there.
    pub expecting: Option<NodeName>,
}

/// How a visit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Visited {
    Joined,
    Failed,
    /// Somebody answers, who is not whom we expect or belongs to another cluster.
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

    /// Lets time pass: visits become due and old addresses are forgotten. Answers with the names
    /// to look up.
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

    /// What a lookup found.
    pub fn resolved(
        &mut self,
        now: Mono,
        text: &str,
        addresses: &[Address],
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
            // What it stood for before is the best guess that there is.
            let hurry = first && now.since(self.started) < HURRIED_LOOKUPS;
            name.next = now.plus(if hurry { LOOKUP_RETRY } else { self.refresh_interval });
            if !std::mem::replace(&mut name.failing, true) {
                notes.push(ClusterNote::NameUnresolved { name: text.to_owned() });
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

    /// The next visit, if there may be one more at a time.
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

    /// How a visit ended; answers with why it was made.
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
                // The join itself is told by the membership machine.
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

    /// A node is now a member.
    pub fn joined(&mut self, name: &NodeName, address: Address) {
        let address = canonical(address);
        self.failed.remove(&address);
        // It may have come back elsewhere.
        self.failed.retain(|_, failed| failed.name.as_ref() != Some(name));
        self.members.retain(|_, member| member != name);
        self.members.insert(address, name.clone());
    }

    /// A node is no member any longer.
    pub fn lost(
        &mut self,
        now: Mono,
        name: &NodeName,
        address: Address,
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
        let failed = Failed { since: now, name: Some(name.clone()), once_named, refusals: 0 };
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

    /// Whether a configured peer stands, or stood when it was looked up last, for the address.
    pub fn is_named(&self, address: Address) -> bool {
        let address = canonical(address);
        self.names.values().any(|name| name.addresses.iter().any(|at| canonical(*at) == address))
    }

    pub fn failed(&self) -> usize {
        self.failed.len()
    }

    /// Configured addresses of others, or names if nobody knows what they stand for.
    pub fn expected(&self) -> usize {
        let addresses = self.names.values().flat_map(|name| &name.addresses);
        let others: BTreeSet<_> =
            addresses.map(|at| canonical(*at)).filter(|at| *at != self.own).collect();
        others.len() + self.unresolved().count()
    }

    /// Names that have never stood for anything.
    pub fn unresolved(&self) -> impl Iterator<Item = &str> {
        let unresolved = self.names.iter().filter(|(_, name)| name.addresses.is_empty());
        unresolved.map(|(text, _)| text.as_str())
    }

    /// Configured addresses whose first visit is to come or under way.
    pub fn joining(&self) -> impl Iterator<Item = Address> {
        let waiting = self.waiting.iter().map(|visit| (&visit.address, &visit.cause));
        let all = waiting.chain(&self.visiting);
        all.filter(|(_, cause)| **cause == JoinCause::Boot).map(|(address, _)| *address)
    }

    /// Whether the first visits are over and at least one name is known.
    pub fn is_joining(&self) -> bool {
        let nothing_known = !self.names.is_empty() && self.names.len() == self.unresolved().count();
        nothing_known || self.joining().next().is_some()
    }

    /// A configured peer that counts as failed until it is met.
    fn expect_at_boot(&mut self, now: Mono, address: Address) {
        if address == self.own || self.members.contains_key(&address) {
            return;
        }
        self.failed.entry(address).or_insert(Failed {
            since: now,
            name: None,
            once_named: true,
            refusals: 0,
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

    /// Forgets the addresses that are past hope.
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

/// An IPv4 address in one form, however it was told.
pub(super) fn canonical(address: Address) -> Address {
    let ip = match address.ip {
        IpAddr::V6(ip) => ip.to_canonical(),
        IpAddr::V4(_) => address.ip,
    };
    Address { ip, ..address }
}

/// Limit: exchanges of full state that we begin at once, so that a long list of peers does not
/// fetch the same state from all of them.
const VISITS_AT_ONCE_MAX: usize = 8;
/// Limit: addresses that are tried again and again.
pub const FAILED_PEERS_MAX: usize = 1000;
/// Limit: addresses that one name may stand for.
pub const ADDRESSES_PER_NAME_MAX: usize = 256;
/// Whoever closed that many visits without an answer is somebody else.
const REFUSALS_MAX: u32 = 3;
/// How long an address is still tried that no configured name stands for any longer.
const UNNAMED_TIMEOUT: Duration = Duration::from_mins(5);
const TIDY_INTERVAL: Duration = Duration::from_mins(1);
/// A name that never stood for anything is looked up that often, in the beginning.
const LOOKUP_RETRY: Duration = Duration::from_secs(2);
const HURRIED_LOOKUPS: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests;
