//! Alive, suspect and dead messages: which of them are accepted?
//!
//! A claim about a node is judged by its incarnation, a number that only the node itself raises; it
//! does not matter who sent the claim, or how, or whether it is this node's own finding. At equal
//! incarnation dead overrides suspect, and suspect overrides alive. A node that receives a suspicion of
//! itself refutes it: it raises its incarnation and broadcasts that it is alive.
//!
//! An accepted claim is broadcast. Only an alive claim makes a node known; other claims about unknown
//! nodes are ignored.

use bytes::Bytes;

use super::suspicion::{Confirmation, SuspicionTimeout};
use super::{LeaveState, Memberlist, MemberlistNote, MembershipEvent, Node, NodeMeta, Output};
use crate::message::{Address, Alive, Dead, Message, NodeName, NodeStatus, Suspect, Versions};

impl Memberlist {
    /// Announces this node as the first member.
    pub(super) fn join_self(&mut self, out: &mut Vec<Output>) {
        let own = self.nodes.own();
        let (node, address) = (own.name.clone(), own.address);
        out.push(Output::Event(MembershipEvent::AliveSeen { node: node.clone() }));
        out.push(Output::Event(MembershipEvent::Join { node, address }));
        self.broadcast_alive();
    }

    pub(super) fn claim_alive(&mut self, claim: Alive, out: &mut Vec<Output>) {
        let claim = Alive { address: self.reachable(claim.address), ..claim };
        let ours = claim.node == self.settings.name;
        if ours && self.leave_state != LeaveState::Member {
            return;
        }
        let Some(versions) = self.admit(&claim, out) else { return };
        if !self.has_room_for(&claim) {
            let (refused, address) = (claim.node, claim.address);
            return out.push(Output::Note(MemberlistNote::MembersFull { refused, address }));
        }
        let settled = self.check_address(&claim, out);
        if self.nodes.get(&claim.node).is_some() {
            out.push(Output::Event(MembershipEvent::AliveSeen { node: claim.node.clone() }));
        }
        let Some(moved) = settled else { return };
        if ours {
            self.claim_alive_of_ourselves(&claim, versions, out);
            return;
        }
        if !self.nodes.get(&claim.node).is_some_and(|node| {
            // A node that moved is another process, and its incarnation starts again.
            node.incarnation < claim.incarnation || moved == Moved::Yes
        }) {
            return;
        }
        self.suspicions.close(&claim.node);
        self.accept_alive(&claim, versions, out);
        self.queue_broadcast(claim.node.clone(), &Message::Alive(claim));
    }

    pub(super) fn claim_suspect(&mut self, claim: Suspect, out: &mut Vec<Output>) {
        let Some(node) = self.nodes.get(&claim.node) else { return };
        if claim.incarnation < node.incarnation {
            return self.repeat_refutation(&claim.node);
        }
        match self.suspicions.confirm(&claim.node, &claim.from) {
            Some(Confirmation::New) => {
                return self.queue_broadcast(claim.node.clone(), &Message::Suspect(claim));
            }
            Some(Confirmation::Known) => return,
            None => {}
        }
        if node.status != NodeStatus::Alive {
            return;
        }
        if claim.node == self.settings.name {
            return self.refute(claim.incarnation, Some(claim.from), out);
        }
        let timeout = SuspicionTimeout::new(
            self.settings.suspicion_mult,
            self.settings.suspicion_max_timeout_mult,
            self.nodes.len(),
            self.settings.probe_interval,
        );
        self.suspicions.open(self.now, claim.node.clone(), claim.from.clone(), timeout);
        if let Some(node) = self.nodes.get_mut(&claim.node) {
            node.incarnation = claim.incarnation;
            node.change_status(self.now, NodeStatus::Suspect);
        }
        let (node, by) = (claim.node.clone(), claim.from.clone());
        out.push(Output::Note(MemberlistNote::Suspected { node, by }));
        self.queue_broadcast(claim.node.clone(), &Message::Suspect(claim));
    }

    pub(super) fn claim_dead(&mut self, claim: Dead, out: &mut Vec<Output>) {
        let Some(node) = self.nodes.get(&claim.node) else { return };
        if claim.incarnation < node.incarnation {
            return self.repeat_refutation(&claim.node);
        }
        self.suspicions.close(&claim.node);
        if !node.is_member() {
            return;
        }
        if claim.node == self.settings.name && self.leave_state == LeaveState::Member {
            return self.refute(claim.incarnation, Some(claim.from), out);
        }
        self.accept_dead(&claim, out);
        self.queue_broadcast(claim.node.clone(), &Message::Dead(claim));
    }

    /// A suspicion has timed out.
    pub(super) fn fail(&mut self, node: NodeName, confirmations: u32, out: &mut Vec<Output>) {
        let Some(incarnation) = self.nodes.get(&node).map(|node| node.incarnation) else { return };
        out.push(Output::Note(MemberlistNote::Failed { node: node.clone(), confirmations }));
        self.claim_dead(Dead { incarnation, node, from: self.settings.name.clone() }, out);
    }

    pub(super) fn set_meta(&mut self, meta: NodeMeta, out: &mut Vec<Output>) {
        let own = self.nodes.own_mut();
        if self.leave_state != LeaveState::Member || own.meta == meta.as_bytes() {
            return;
        }
        own.meta = meta.as_bytes().clone();
        own.incarnation = own.incarnation.saturating_add(1);
        out.push(Output::Event(MembershipEvent::Update { node: own.name.clone() }));
        self.broadcast_alive();
    }

    pub(super) fn leave(&mut self, out: &mut Vec<Output>) {
        if self.leave_state != LeaveState::Member {
            return;
        }
        self.leave_state =
            LeaveState::Leaving { until: self.now.plus(self.settings.leave_timeout) };
        let own = self.nodes.own();
        let (node, incarnation) = (own.name.clone(), own.incarnation);
        self.claim_dead(Dead { incarnation, node: node.clone(), from: node }, out);
    }

    /// Ends the leave when it has been broadcast, or when there is no other member.
    pub(super) fn finish_leave(&mut self, out: &mut Vec<Output>) {
        let LeaveState::Leaving { until } = self.leave_state else { return };
        let has_members = self.nodes.others().any(Node::is_member);
        if until <= self.now
            || !has_members
            || !self.broadcasts.has_broadcast_about(&self.settings.name)
        {
            self.leave_state = LeaveState::Left;
            out.push(Output::Event(MembershipEvent::LeaveDone));
        }
    }

    /// The node's versions, if it may become a member.
    fn admit(&self, claim: &Alive, out: &mut Vec<Output>) -> Option<Versions> {
        let (node, address) = (claim.node.clone(), claim.address);
        let Some(versions) = claim.versions.filter(|versions| versions.are_valid()) else {
            out.push(Output::Note(MemberlistNote::BadVersions { node, address }));
            return None;
        };
        if !self.admits(&claim.meta) {
            out.push(Output::Note(MemberlistNote::ForeignNode { node, address }));
            return None;
        }
        Some(versions)
    }

    /// Limit: whether the node is a member, or may become one.
    fn has_room_for(&self, claim: &Alive) -> bool {
        let is_member = |name: &NodeName| self.nodes.get(name).is_some_and(Node::is_member);
        if claim.node == self.settings.name || is_member(&claim.node) {
            return true;
        }
        let same = |at: Address| {
            at.ip.to_canonical() == claim.address.ip.to_canonical() && at.port == claim.address.port
        };
        self.size() < self.settings.limits.members_max
            || self.expected.iter().any(|at| same(*at))
                && !self.members().any(|node| same(node.address))
    }

    pub(super) fn admits(&self, meta: &Bytes) -> bool {
        self.settings.member_filter.as_ref().is_none_or(|member_filter| member_filter.admits(meta))
    }

    /// Inserts an unknown node; `None` if it is refused, or if a known node has the name and another
    /// address.
    fn check_address(&mut self, claim: &Alive, out: &mut Vec<Output>) -> Option<Moved> {
        let Some(known) = self.nodes.get(&claim.node) else {
            return self.insert_unknown(claim, out);
        };
        if known.address == claim.address {
            return Some(Moved::No);
        }
        let (node, address, claimed) = (known.name.clone(), known.address, claim.address);
        if known.status != NodeStatus::Left {
            out.push(Output::Event(MembershipEvent::Conflict { node, address, claimed }));
            return None;
        }
        out.push(Output::Note(MemberlistNote::Moved { node, from: address, to: claimed }));
        Some(Moved::Yes)
    }

    /// As dead at first, so that it becomes alive by the same rule as a node that returns.
    fn insert_unknown(&mut self, claim: &Alive, out: &mut Vec<Output>) -> Option<Moved> {
        if self.nodes.len() >= self.settings.limits.nodes_max {
            out.push(Output::Note(MemberlistNote::NodesFull { refused: claim.node.clone() }));
            return None;
        }
        let node = Node {
            name: claim.node.clone(),
            address: claim.address,
            meta: claim.meta.clone(),
            versions: Versions::OURS,
            incarnation: 0,
            status: NodeStatus::Dead,
            since: self.now,
        };
        self.nodes.insert(node, &mut self.rng);
        Some(Moved::No)
    }

    fn accept_alive(&mut self, claim: &Alive, versions: Versions, out: &mut Vec<Output>) {
        let Some(node) = self.nodes.get_mut(&claim.node) else { return };
        let was_member = node.is_member();
        let updated = node.meta != claim.meta;
        node.address = claim.address;
        node.meta = claim.meta.clone();
        node.versions = versions;
        node.incarnation = claim.incarnation;
        node.change_status(self.now, NodeStatus::Alive);
        let (node, address) = (claim.node.clone(), claim.address);
        if !was_member {
            self.add_to_gossip_round(node.clone());
            out.push(Output::Event(MembershipEvent::Join { node, address }));
        } else if updated {
            out.push(Output::Event(MembershipEvent::Update { node }));
        }
    }

    fn accept_dead(&mut self, claim: &Dead, out: &mut Vec<Output>) {
        let Some(node) = self.nodes.get_mut(&claim.node) else { return };
        let graceful = claim.from == claim.node;
        node.incarnation = claim.incarnation;
        node.change_status(self.now, if graceful { NodeStatus::Left } else { NodeStatus::Dead });
        let (node, address) = (claim.node.clone(), node.address);
        out.push(Output::Event(MembershipEvent::Leave { node, address, graceful }));
    }

    /// A claim about this node: a record of an earlier process, or a repetition of its own claim.
    fn claim_alive_of_ourselves(
        &mut self,
        claim: &Alive,
        versions: Versions,
        out: &mut Vec<Output>,
    ) {
        let own = self.nodes.own();
        let repeated = claim.incarnation == own.incarnation
            && claim.meta == own.meta
            && versions == own.versions;
        if claim.incarnation >= own.incarnation && !repeated {
            self.refute(claim.incarnation, None, out);
        }
    }

    /// Broadcasts that this node is alive, with an incarnation above the accuser's.
    ///
    /// The greatest incarnation cannot be raised and is kept.
    fn refute(&mut self, accused: u32, by: Option<NodeName>, out: &mut Vec<Output>) {
        let own = self.nodes.own_mut();
        own.incarnation = own.incarnation.max(accused).saturating_add(1);
        let incarnation = own.incarnation;
        self.degrade(1);
        out.push(Output::Note(MemberlistNote::Refuted { incarnation, by }));
        self.broadcast_alive();
    }

    /// The sender of an outdated suspicion has not received the refutation.
    fn repeat_refutation(&mut self, accused: &NodeName) {
        let ours = *accused == self.settings.name && self.leave_state == LeaveState::Member;
        if ours && !self.broadcasts.has_broadcast_about(accused) {
            self.broadcast_alive();
        }
    }

    fn broadcast_alive(&mut self) {
        let own = self.nodes.own();
        let alive = Alive {
            incarnation: own.incarnation,
            node: own.name.clone(),
            address: own.address,
            meta: own.meta.clone(),
            versions: Some(own.versions),
        };
        self.queue_broadcast(alive.node.clone(), &Message::Alive(alive));
    }
}

/// Whether a name that had left comes back at another address.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moved {
    No,
    Yes,
}

impl Versions {
    /// Whether the range of protocol versions is valid.
    fn are_valid(&self) -> bool {
        self.protocol_min() > 0 && self.protocol_min() <= self.protocol_max()
    }
}
