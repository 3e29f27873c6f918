//! What do we tell a few, often and little?
//!
//! News about members, and those of the layer above, wait in two queues. They travel in two ways:
//! every so often to a few peers chosen by chance, and with whatever else is sent anyway. When
//! there are none, nothing is sent and nobody is woken; the first after a silence go out at once.

use bytes::Bytes;

use super::queue::{PART_OVERHEAD, TransmitQueue};
use super::{Limits, Memberlist, Node, Note, Output, scale};
use crate::message::{Address, Message, NodeName, NodeStatus, UserMessage, Versions};
use crate::wire::datagram::{self, Checksum, Envelope};

/// News that wait, as they will stand in datagrams.
#[derive(Debug)]
pub(super) struct News {
    of_members: TransmitQueue,
    of_users: TransmitQueue,
    /// What the layer above had to tell and was put into a datagram, each time.
    user_sent: Sent,
    /// Who has not been told anything in this round: nobody is told twice before all have been
    /// told once, so that few transmissions reach many.
    round: Vec<NodeName>,
}

/// How often something was sent, and how much of it in all, without what frames it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    pub messages: u64,
    pub bytes: u64,
}

impl News {
    pub fn new(limits: Limits) -> Self {
        News {
            of_members: TransmitQueue::new(limits.nodes_max),
            of_users: TransmitQueue::new(limits.user_queue_max),
            user_sent: Sent::default(),
            round: Vec::new(),
        }
    }

    pub fn user_len(&self) -> usize {
        self.of_users.len()
    }

    pub fn user_bytes(&self) -> usize {
        self.of_users.bytes()
    }

    pub fn user_sent(&self) -> Sent {
        self.user_sent
    }

    pub fn tells_of(&self, node: &NodeName) -> bool {
        self.of_members.holds(node)
    }

    fn is_empty(&self) -> bool {
        self.of_members.is_empty() && self.of_users.is_empty()
    }
}

impl Memberlist {
    /// News about a member, for all; what was to be told about it before is not any more.
    pub(super) fn spread(&mut self, about: NodeName, message: &Message) {
        let message = Bytes::from(datagram::encode_message(message));
        // Never more than there are nodes, so that nothing is pruned.
        self.news.of_members.push(Some(about), message);
    }

    pub(super) fn broadcast(&mut self, body: Bytes, out: &mut Vec<Output>) {
        let message = Message::User(UserMessage { body });
        let message = Bytes::from(datagram::encode_message(&message));
        if message.len() + PART_OVERHEAD > self.room_beside(0) {
            out.push(Output::Note(Note::MessageTooLarge { bytes: message.len() }));
            return;
        }
        let count = self.news.of_users.push(None, message);
        if count > 0 {
            out.push(Output::Note(Note::QueuePruned { count }));
        }
    }

    pub(super) fn tell(&mut self, to: Address, body: Bytes, out: &mut Vec<Output>) {
        let message = datagram::encode_message(&Message::User(UserMessage { body }));
        if message.len() > DATAGRAM_BYTES_MAX {
            out.push(Output::Note(Note::MessageTooLarge { bytes: message.len() }));
            return;
        }
        self.send(to, &[&message], Checksum::None, out);
    }

    /// Whether there is anything to tell, and anybody to tell it to.
    pub(super) fn has_gossip(&self) -> bool {
        self.nodes.len() > 1 && !self.news.is_empty()
    }

    pub(super) fn gossip(&mut self, out: &mut Vec<Output>) {
        self.gossip_at = self.now.plus(self.settings.gossip_interval);
        for listener in self.pick_listeners() {
            let news = self.pick_news(self.room_beside(0));
            if news.is_empty() {
                return;
            }
            let Some(node) = self.nodes.get(&listener) else { continue };
            let parts: Vec<&[u8]> = news.iter().map(Bytes::as_ref).collect();
            self.send(node.address, &parts, checksum_for(node.versions), out);
        }
    }

    /// Sends a message, and what news fit beside it.
    pub(super) fn send_with_news(&mut self, to: Address, message: &Message, out: &mut Vec<Output>) {
        let message = datagram::encode_message(message);
        let news = self.pick_news(self.room_beside(message.len()));
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

    /// A newcomer has its turn in the round that has begun.
    pub(super) fn listen_from_now_on(&mut self, node: NodeName) {
        let place = self.rng.index(self.news.round.len() + 1);
        self.news.round.insert(place, node);
    }

    /// The next of this round, and of a new one if they are too few.
    fn pick_listeners(&mut self) -> Vec<NodeName> {
        let mut picked = self.next_of_round(Vec::new());
        if picked.len() < self.settings.gossip_nodes {
            let listeners = self.nodes.others().filter(|node| self.listens(node));
            let names = listeners.map(|node| node.name.clone());
            self.news.round = names.filter(|name| !picked.contains(name)).collect();
            self.rng.shuffle(&mut self.news.round);
            picked = self.next_of_round(picked);
        }
        picked
    }

    fn next_of_round(&mut self, mut picked: Vec<NodeName>) -> Vec<NodeName> {
        while picked.len() < self.settings.gossip_nodes {
            let Some(name) = self.news.round.pop() else { break };
            if self.nodes.get(&name).is_some_and(|node| self.listens(node)) {
                picked.push(name);
            }
        }
        picked
    }

    /// The dead may only be out of reach; they can refute what they hear.
    fn listens(&self, node: &Node) -> bool {
        match node.status {
            NodeStatus::Alive | NodeStatus::Suspect => true,
            NodeStatus::Dead => self.now.since(node.since) <= self.settings.gossip_to_the_dead,
            NodeStatus::Left => false,
        }
    }

    /// Members' news first, the users' in what room is left.
    fn pick_news(&mut self, room: usize) -> Vec<Bytes> {
        let mut picked = Vec::new();
        if self.news.is_empty() {
            return picked;
        }
        let limit = scale::retransmit_limit(self.settings.retransmit_mult, self.nodes.len());
        let room = self.news.of_members.fill(room, limit, &mut picked);
        if !self.news.of_users.is_empty() {
            let limit = scale::retransmit_limit(self.settings.user_retransmit_mult, self.size());
            let before = picked.len();
            self.news.of_users.fill(room, limit, &mut picked);
            for message in picked.iter().skip(before) {
                self.news.user_sent.messages += 1;
                // Its type takes a byte.
                self.news.user_sent.bytes += message.len().saturating_sub(1) as u64;
            }
        }
        picked
    }

    /// How many bytes of a datagram news can have beside a message of so many.
    pub(super) fn room_beside(&self, message_bytes: usize) -> usize {
        let label = match self.settings.label.as_bytes().len() {
            0 => 0,
            bytes => 2 + bytes,
        };
        let taken = label + COMPOUND_OVERHEAD + message_bytes;
        self.settings.datagram_bytes.saturating_sub(taken)
    }
}

/// Who knows what a checksum is, gets one with gossip and accusations.
pub(super) fn checksum_for(versions: Versions) -> Checksum {
    match versions.protocol_max() {
        0..5 => Checksum::None,
        5.. => Checksum::Crc32,
    }
}

/// What a compound costs beside its messages.
const COMPOUND_OVERHEAD: usize = 2;

/// Limit: what UDP carries over IPv4, less what may stand around the message.
const DATAGRAM_BYTES_MAX: usize = 65_507 - 512;
