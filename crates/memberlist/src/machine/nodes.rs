//! All known nodes, and the order in which they are probed.
//!
//! Holds the records of all nodes including this one: members, and for a while those that failed or
//! left. Members are probed round-robin as SWIM describes: each once per round, in a new random order
//! every round, a new member at a random position. So the time until a failed node is probed is
//! bounded.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Node;
use super::rng::Rng;
use super::time::Mono;
use crate::message::{NodeName, NodeStatus};

/// **Invariant:** `order` names each node of `by_name` once.
#[derive(Debug)]
pub(super) struct Nodes {
    own: NodeName,
    by_name: BTreeMap<NodeName, Node>,
    order: Vec<NodeName>,
    next: usize,
}

impl Nodes {
    pub fn new(own: Node) -> Self {
        let name = own.name.clone();
        Nodes {
            own: name.clone(),
            by_name: BTreeMap::from([(name.clone(), own)]),
            order: vec![name],
            next: 0,
        }
    }

    /// The name must be unknown.
    pub fn insert(&mut self, node: Node, rng: &mut Rng) {
        let place = rng.index(self.order.len() + 1);
        self.order.push(node.name.clone());
        let last = self.order.len() - 1;
        self.order.swap(place, last);
        self.by_name.insert(node.name.clone(), node);
    }

    pub fn get_mut(&mut self, name: &NodeName) -> Option<&mut Node> {
        self.by_name.get_mut(name)
    }

    pub fn own_mut(&mut self) -> &mut Node {
        self.by_name.get_mut(&self.own).expect("our own record is never dropped")
    }

    /// The next member to probe, never this node. A new round forgets the nodes that failed or left
    /// longer than `remember` ago.
    pub fn next_to_probe(&mut self, now: Mono, remember: Duration, rng: &mut Rng) -> Option<Node> {
        // In the worst case one round ends and a whole one follows.
        for _ in 0..=self.order.len() * 2 {
            if self.next >= self.order.len() {
                self.begin_round(now, remember, rng);
            }
            let name = self.order.get(self.next)?;
            self.next += 1;
            if *name != self.own
                && let Some(node) = self.by_name.get(name).filter(|node| node.is_member())
            {
                return Some(node.clone());
            }
        }
        None
    }

    pub fn get(&self, name: &NodeName) -> Option<&Node> {
        self.by_name.get(name)
    }

    pub fn own(&self) -> &Node {
        self.by_name.get(&self.own).expect("our own record is never dropped")
    }

    /// Sorted by name.
    pub fn all(&self) -> impl Iterator<Item = &Node> {
        self.by_name.values()
    }

    /// Sorted by name.
    pub fn others(&self) -> impl Iterator<Item = &Node> {
        self.all().filter(|node| node.name != self.own)
    }

    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    fn begin_round(&mut self, now: Mono, remember: Duration, rng: &mut Rng) {
        let own = &self.own;
        self.by_name.retain(|name, node| {
            name == own || node.is_member() || now.since(node.since) <= remember
        });
        let by_name = &self.by_name;
        self.order.retain(|name| by_name.contains_key(name));
        rng.shuffle(&mut self.order);
        self.next = 0;
    }
}

impl Node {
    /// Suspects are members; failed nodes and those that left are not.
    pub fn is_member(&self) -> bool {
        match self.status {
            NodeStatus::Alive | NodeStatus::Suspect => true,
            NodeStatus::Dead | NodeStatus::Left => false,
        }
    }

    pub(super) fn change_status(&mut self, now: Mono, status: NodeStatus) {
        if self.status != status {
            self.status = status;
            self.since = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Memberlist, MemberlistSettings};
    use super::*;
    use crate::message::Address;

    fn name(text: &str) -> NodeName {
        NodeName::new(text).unwrap()
    }

    /// The record of the node itself, under another name and status.
    fn node(text: &str, status: NodeStatus) -> Node {
        let address = Address::new([10, 0, 0, 1], 9094);
        let settings = MemberlistSettings::alertmanager(name("me"), address, 0);
        let machine = Memberlist::new(Mono(0), settings, 1, &mut Vec::new());
        Node { name: name(text), status, ..machine.nodes.own().clone() }
    }

    #[test]
    fn the_only_member_among_many_failed_ones_is_found_each_time() {
        let mut rng = Rng::new(1);
        let mut nodes = Nodes::new(node("me", NodeStatus::Alive));
        for number in 0..20 {
            nodes.insert(node(&format!("dead{number}"), NodeStatus::Dead), &mut rng);
        }
        nodes.insert(node("p", NodeStatus::Alive), &mut rng);
        for _ in 0..200 {
            let next = nodes.next_to_probe(Mono(0), Duration::MAX, &mut rng);
            assert_eq!(next.map(|node| node.name), Some(name("p")));
        }
    }

    #[test]
    fn a_new_member_may_get_any_place_of_the_round() {
        let places = (0..100).map(|seed| {
            let mut rng = Rng::new(seed);
            let mut nodes = Nodes::new(node("me", NodeStatus::Alive));
            nodes.insert(node("a", NodeStatus::Alive), &mut rng);
            nodes.insert(node("b", NodeStatus::Alive), &mut rng);
            nodes.order.iter().position(|it| *it == name("b"))
        });
        let places: std::collections::BTreeSet<_> = places.collect();
        assert_eq!(places.len(), 3);
    }
}
