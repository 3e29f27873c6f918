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
