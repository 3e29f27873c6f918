//! Gossip: sends queued broadcasts to a few members at a time.
//!
//! Broadcasts about members and user messages wait in two queues. They are sent every gossip interval
//! to a few random peers, and piggybacked on other datagrams. While the queues are empty nothing is
//! sent; the first broadcast after that is sent at once.

use bytes::Bytes;

use super::broadcast_queue::{BroadcastQueue, PART_OVERHEAD};
use super::{Limits, Memberlist, MemberlistNote, Node, Output, scale};
use crate::message::{Address, Message, NodeName, NodeStatus, UserMessage, Versions};
use crate::wire::datagram::{self, Checksum, Envelope};

/// The two broadcast queues, of encoded messages.
#[derive(Debug)]
pub(super) struct Broadcasts {
    membership: BroadcastQueue,
    user: BroadcastQueue,
    /// User messages put into datagrams, counted once for each transmission.
    user_sent: Sent,
    /// Peers that have had no gossip in this round. No peer is picked twice before all have been
    /// picked once, so that few transmissions reach many peers.
    round: Vec<NodeName>,
}

/// Messages and bytes sent, without framing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    pub messages: u64,
    pub bytes: u64,
}

impl Broadcasts {
    pub fn new(limits: Limits) -> Self {
        Broadcasts {
            membership: BroadcastQueue::new(limits.nodes_max),
            user: BroadcastQueue::new(limits.user_queue_max),
            user_sent: Sent::default(),
            round: Vec::new(),
        }
    }

    pub fn user_len(&self) -> usize {
        self.user.len()
    }

    pub fn user_bytes(&self) -> usize {
        self.user.bytes()
    }

    pub fn user_sent(&self) -> Sent {
        self.user_sent
    }

    pub fn has_broadcast_about(&self, node: &NodeName) -> bool {
        self.membership.holds(node)
    }

    fn is_empty(&self) -> bool {
        self.membership.is_empty() && self.user.is_empty()
    }
}

impl Memberlist {
    /// Queues a broadcast about a member; it replaces an older one about it.
    pub(super) fn queue_broadcast(&mut self, about: NodeName, message: &Message) {
        let message = Bytes::from(datagram::encode_message(message));
        // There are never more than there are nodes, so nothing is pruned.
        self.broadcasts.membership.push(Some(about), message);
    }

    pub(super) fn broadcast(&mut self, body: Bytes, out: &mut Vec<Output>) {
        let message = Message::User(UserMessage { body });
        let message = Bytes::from(datagram::encode_message(&message));
        if message.len() + PART_OVERHEAD > self.broadcast_room(0) {
            out.push(Output::Note(MemberlistNote::MessageTooLarge { bytes: message.len() }));
            return;
        }
        let count = self.broadcasts.user.push(None, message);
        if count > 0 {
            out.push(Output::Note(MemberlistNote::QueuePruned { count }));
        }
    }

    pub(super) fn send_user_message(&mut self, to: Address, body: Bytes, out: &mut Vec<Output>) {
        let message = datagram::encode_message(&Message::User(UserMessage { body }));
        if message.len() > DATAGRAM_BYTES_MAX {
            out.push(Output::Note(MemberlistNote::MessageTooLarge { bytes: message.len() }));
            return;
        }
        self.send(to, &[&message], Checksum::None, out);
    }

    /// Whether a broadcast is queued and there is a peer to send it to.
    pub(super) fn has_gossip(&self) -> bool {
        self.nodes.len() > 1 && !self.broadcasts.is_empty()
    }

    pub(super) fn gossip(&mut self, out: &mut Vec<Output>) {
        self.gossip_at = self.now.plus(self.settings.gossip_interval);
        for target in self.pick_gossip_targets() {
            let news = self.pick_broadcasts(self.broadcast_room(0));
            if news.is_empty() {
                return;
            }
            let Some(node) = self.nodes.get(&target) else { continue };
            let parts: Vec<&[u8]> = news.iter().map(Bytes::as_ref).collect();
            self.send(node.address, &parts, checksum_for(node.versions), out);
        }
    }

    /// Sends a message with the broadcasts that fit into the same datagram.
    pub(super) fn send_with_piggyback(
        &mut self,
        to: Address,
        message: &Message,
        out: &mut Vec<Output>,
    ) {
        let message = datagram::encode_message(message);
        let news = self.pick_broadcasts(self.broadcast_room(message.len()));
        let mut parts: Vec<&[u8]> = vec![&message];
        parts.extend(news.iter().map(Bytes::as_ref));
        self.send(to, &parts, Checksum::None, out);
    }

    pub(super) fn send(
        &self,
        to: Address,
        parts: &[&[u8]],
        checksum: Checksum,
        out: &mut Vec<Output>,
    ) {
        let envelope = Envelope {
            label: &self.settings.label,
            checksum,
            compression: self.settings.compression,
        };
        for bytes in datagram::pack(parts, envelope) {
            out.push(Output::SendDatagram { to, bytes });
        }
    }

    /// Adds a new member at a random position of the current round.
    pub(super) fn add_to_gossip_round(&mut self, node: NodeName) {
        let place = self.rng.index(self.broadcasts.round.len() + 1);
        self.broadcasts.round.insert(place, node);
    }

    /// The next peers of this round, and of a new one if they are too few.
    fn pick_gossip_targets(&mut self) -> Vec<NodeName> {
        let mut picked = self.next_of_round(Vec::new());
        if picked.len() < self.settings.gossip_nodes {
            let target = self.nodes.others().filter(|node| self.is_gossip_target(node));
            let names = target.map(|node| node.name.clone());
            self.broadcasts.round = names.filter(|name| !picked.contains(name)).collect();
            self.rng.shuffle(&mut self.broadcasts.round);
            picked = self.next_of_round(picked);
        }
        picked
    }

    fn next_of_round(&mut self, mut picked: Vec<NodeName>) -> Vec<NodeName> {
        while picked.len() < self.settings.gossip_nodes {
            let Some(name) = self.broadcasts.round.pop() else { break };
            if self.nodes.get(&name).is_some_and(|node| self.is_gossip_target(node)) {
                picked.push(name);
            }
        }
        picked
    }

    /// A failed node may only be unreachable, and can refute when it receives the broadcast.
    fn is_gossip_target(&self, node: &Node) -> bool {
        match node.status {
            NodeStatus::Alive | NodeStatus::Suspect => true,
            NodeStatus::Dead => self.now.since(node.since) <= self.settings.gossip_to_dead,
            NodeStatus::Left => false,
        }
    }

    /// Broadcasts about members first, then user messages in the remaining room.
    fn pick_broadcasts(&mut self, room: usize) -> Vec<Bytes> {
        let mut picked = Vec::new();
        if self.broadcasts.is_empty() {
            return picked;
        }
        let limit = scale::retransmit_limit(self.settings.retransmit_mult, self.nodes.len());
        let room = self.broadcasts.membership.fill(room, limit, &mut picked);
        if !self.broadcasts.user.is_empty() {
            let limit = scale::retransmit_limit(self.settings.user_retransmit_mult, self.size());
            let before = picked.len();
            self.broadcasts.user.fill(room, limit, &mut picked);
            for message in picked.iter().skip(before) {
                self.broadcasts.user_sent.messages += 1;
                // Its type takes a byte.
                self.broadcasts.user_sent.bytes += message.len().saturating_sub(1) as u64;
            }
        }
        picked
    }

    /// The bytes of a datagram that remain for broadcasts beside a message of `message_bytes`.
    pub(super) fn broadcast_room(&self, message_bytes: usize) -> usize {
        let label = match self.settings.label.as_bytes().len() {
            0 => 0,
            bytes => 2 + bytes,
        };
        let taken = label + COMPOUND_OVERHEAD + message_bytes;
        self.settings.datagram_bytes.saturating_sub(taken)
    }
}

/// Peers that support checksums get one with gossip and suspicions.
pub(super) fn checksum_for(versions: Versions) -> Checksum {
    match versions.protocol_max() {
        0..5 => Checksum::None,
        5.. => Checksum::Crc32,
    }
}

/// The bytes of a compound beside its messages.
const COMPOUND_OVERHEAD: usize = 2;

/// Limit: what UDP carries over IPv4, less what may stand around the message.
const DATAGRAM_BYTES_MAX: usize = 65_507 - 512;
