//! Updates: how data get to the other members, and from them to the layer above.
//!
//! An update is a [`Part`]: gossiped if it fits into half a datagram, otherwise sent to every member by
//! streams. Gossip has little capacity: each peer gets one datagram per interval, so thousands of
//! updates at once would take minutes, and meanwhile the peers would send duplicates. Some would also
//! miss a member, since each is sent only a few times, to random peers. So while more is queued than
//! one datagram holds, small updates are sent by streams too.
//!
//! A node without peers keeps no updates, since a node that joins gets the full state. But an update
//! during a push-pull could miss the node that joins, so it is kept then.

use bytes::Bytes;
use prost::Message as _;

use super::{
    Cluster, ClusterNote, Output, Part, Purpose, ReceivedVia, ReplyWanted, SendVia, StreamPayload,
    machine, part::FullState,
};
use crate::machine::Mono;
use crate::message::{Address, NodeName, NodeStatus, StreamMessage, UserMessage};

impl Cluster {
    pub(super) fn handle_broadcast(
        &mut self,
        now: Mono,
        key: String,
        data: Bytes,
        out: &mut Vec<Output>,
    ) {
        if self.is_alone() && !self.is_exchanging() {
            return;
        }
        let part = Part { key, data };
        let bytes = part.encoded_len();
        if bytes <= GOSSIP_BYTES_MAX && self.machine.has_gossip_room(bytes) {
            let body = Bytes::from(part.encode_to_vec());
            self.feed(now, machine::Input::Broadcast(body), out);
        } else if self.oversize.push(&part.key, &part.data).is_err() {
            self.counters.oversize.entry(part.key.clone()).or_default().dropped += 1;
            self.notes.push(ClusterNote::OversizeDropped { key: part.key });
        }
    }

    pub(super) fn handle_forward(
        &mut self,
        now: Mono,
        key: String,
        data: Bytes,
        out: &mut Vec<Output>,
    ) {
        if data.len() > GOSSIP_BYTES_MAX {
            return;
        }
        *self.counters.forwarded.entry(key.clone()).or_default() += 1;
        let body = Bytes::from(Part { key, data }.encode_to_vec());
        self.feed(now, machine::Input::Broadcast(body), out);
    }

    pub(super) fn handle_send_to_peer(
        &mut self,
        now: Mono,
        peer: &NodeName,
        part: Part,
        via: SendVia,
        out: &mut Vec<Output>,
    ) {
        let Some(to) = self.member_address(peer) else {
            self.notes.push(ClusterNote::PeerUnknown { peer: peer.clone() });
            return;
        };
        let body = Bytes::from(part.encode_to_vec());
        self.counters.sent.update.add(1, body.len());
        if via == SendVia::Datagram && body.len() <= self.datagram_room() {
            self.feed(now, machine::Input::Send { to, body }, out);
        } else {
            self.send_by_stream(now, Purpose::Direct, to, body, out);
        }
    }

    /// Sends the next batch of each key that has none in flight.
    pub(super) fn pump_oversize(&mut self, now: Mono, out: &mut Vec<Output>) {
        let own = self.machine.local().0.clone();
        if self.is_alone() {
            if !self.is_exchanging() {
                self.oversize.clear();
            }
            return;
        }
        let members = self.machine.members().filter(|node| node.name != own);
        let peers: Vec<_> = members.map(|node| (node.name.clone(), node.address)).collect();
        while let Some((key, data)) = self.oversize.next(peers.len()) {
            let body = Bytes::from(Part { key: key.clone(), data }.encode_to_vec());
            self.counters.oversize.entry(key.clone()).or_default().sent += peers.len() as u64;
            for (peer, to) in &peers {
                let purpose =
                    Purpose::Oversize { key: key.clone(), peer: peer.clone(), since: now };
                self.send_by_stream(now, purpose, *to, body.clone(), out);
            }
        }
    }

    pub(super) fn receive_update(
        &mut self,
        from: Address,
        via: machine::DatagramOrStream,
        body: Bytes,
        out: &mut Vec<Output>,
    ) {
        self.counters.received.update.add(1, body.len());
        let via = match via {
            machine::DatagramOrStream::Datagram => ReceivedVia::Datagram,
            machine::DatagramOrStream::Stream => ReceivedVia::Stream,
        };
        match Part::decode(body) {
            Ok(Part { key, data }) => out.push(Output::Received { key, data, from, via }),
            Err(_) => self.notes.push(ClusterNote::Undecodable { from }),
        }
    }

    pub(super) fn receive_state(&mut self, from: Address, body: Bytes, out: &mut Vec<Output>) {
        self.counters.received.full_state.add(1, body.len());
        let Ok(state) = FullState::decode(body) else {
            self.notes.push(ClusterNote::Undecodable { from });
            return;
        };
        for Part { key, data } in state.parts {
            // An empty part carries nothing.
            if !data.is_empty() {
                out.push(Output::Received { key, data, from, via: ReceivedVia::FullState });
            }
        }
    }

    fn send_by_stream(
        &mut self,
        now: Mono,
        purpose: Purpose,
        to: Address,
        body: Bytes,
        out: &mut Vec<Output>,
    ) {
        let deadline = now.plus(self.settings.machine.stream_timeout);
        let payload = StreamPayload::new(StreamMessage::User(UserMessage { body }));
        self.open(purpose, to, payload, ReplyWanted::No, deadline, out);
    }

    fn is_alone(&self) -> bool {
        self.machine.size() <= 1
    }

    fn is_exchanging(&self) -> bool {
        let push_pull = |purpose: &Purpose| {
            matches!(purpose, Purpose::Machine { state_bytes: Some(_), .. } | Purpose::Check { .. })
        };
        !self.exchanges.is_empty() || self.streams.values().any(push_pull)
    }

    fn member_address(&self, peer: &NodeName) -> Option<Address> {
        let node = self.machine.node(peer)?;
        match node.status {
            NodeStatus::Alive | NodeStatus::Suspect => Some(node.address),
            NodeStatus::Dead | NodeStatus::Left => None,
        }
    }

    /// The maximum size of a message alone in a datagram: its type takes a byte, the label two more
    /// than its length.
    fn datagram_room(&self) -> usize {
        let label = match self.settings.machine.label.as_bytes().len() {
            0 => 0,
            bytes => bytes + 2,
        };
        self.settings.machine.datagram_bytes.saturating_sub(1 + label)
    }
}

/// Limit: the size of a gossiped message, half a datagram; larger ones are sent by streams.
pub const GOSSIP_BYTES_MAX: usize = 700;
