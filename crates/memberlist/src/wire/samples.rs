//! Messages of every kind, for property tests.

use bytes::Bytes;
use proptest::prelude::*;

use crate::message::{
    Ack, Address, Alive, Dead, ErrorReply, IndirectPing, Message, Nack, NodeName, NodeState,
    NodeStatus, Ping, PushPull, StreamMessage, Suspect, UserMessage, Versions,
};

pub(super) fn message() -> impl Strategy<Value = Message> {
    let accusation = || (number(), name(), name());
    prop_oneof![
        ping().prop_map(Message::Ping),
        indirect_ping().prop_map(Message::IndirectPing),
        ack().prop_map(Message::Ack),
        number().prop_map(|sequence| Message::Nack(Nack { sequence })),
        accusation().prop_map(|(incarnation, node, from)| {
            Message::Suspect(Suspect { incarnation, node, from })
        }),
        accusation().prop_map(|(incarnation, node, from)| Message::Dead(Dead {
            incarnation,
            node,
            from
        })),
        alive().prop_map(Message::Alive),
        bytes(100).prop_map(|body| Message::User(UserMessage { body })),
    ]
}

pub(super) fn stream_message() -> impl Strategy<Value = StreamMessage> {
    let nodes = prop::collection::vec(node_state(), 0..20);
    prop_oneof![
        (any::<bool>(), nodes, bytes(3000)).prop_map(|(join, nodes, user_state)| {
            StreamMessage::PushPull(PushPull { join, nodes, user_state, skipped: 0 })
        }),
        bytes(70_000).prop_map(|body| StreamMessage::User(UserMessage { body })),
        ping().prop_map(StreamMessage::Ping),
        ack().prop_map(StreamMessage::Ack),
        ".{0,100}".prop_map(|text| StreamMessage::Error(ErrorReply { text })),
    ]
}

/// Inputs that are nearly what a peer would send: `changes` are positions and new bytes.
pub(super) fn mutated(mut bytes: Vec<u8>, changes: &[(prop::sample::Index, u8)]) -> Vec<u8> {
    for (index, byte) in changes {
        let at = index.index(bytes.len().max(1));
        if let Some(place) = bytes.get_mut(at) {
            *place = *byte;
        }
    }
    bytes
}

pub(super) fn changes() -> impl Strategy<Value = Vec<(prop::sample::Index, u8)>> {
    prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6)
}

fn ping() -> impl Strategy<Value = Ping> {
    let source = prop::option::of(address(1));
    let parts = (number(), prop::option::of(name()), source, prop::option::of(name()));
    parts.prop_map(|(sequence, node, source, source_node)| Ping {
        sequence,
        node,
        source,
        source_node,
    })
}

fn indirect_ping() -> impl Strategy<Value = IndirectPing> {
    (ping(), address(0), any::<bool>()).prop_map(|(ping, target, nack)| {
        let Ping { sequence, node, source, source_node } = ping;
        IndirectPing { sequence, target, node, nack, source, source_node }
    })
}

fn ack() -> impl Strategy<Value = Ack> {
    (number(), bytes(40)).prop_map(|(sequence, payload)| Ack { sequence, payload })
}

fn alive() -> impl Strategy<Value = Alive> {
    node_state().prop_map(|node| {
        let NodeState { name, address, meta, incarnation, status: _, versions } = node;
        Alive { incarnation, node: name, address, meta, versions }
    })
}

fn node_state() -> impl Strategy<Value = NodeState> {
    let status = prop::sample::select(&[
        NodeStatus::Alive,
        NodeStatus::Suspect,
        NodeStatus::Dead,
        NodeStatus::Left,
    ]);
    let versions = prop::option::of(any::<[u8; 6]>().prop_map(Versions));
    let parts = (name(), address(0), bytes(crate::message::META_BYTES_MAX), number());
    (parts, status, versions).prop_map(|((name, address, meta, incarnation), status, versions)| {
        NodeState { name, address, meta, incarnation, status, versions }
    })
}

fn address(port_min: u16) -> impl Strategy<Value = Address> {
    let port = prop_oneof![port_min..=port_min + 300, Just(9094), Just(u16::MAX)];
    (any::<std::net::IpAddr>(), port).prop_map(|(ip, port)| Address { ip, port })
}

fn name() -> impl Strategy<Value = NodeName> {
    let text = prop_oneof!["[0-9A-Z]{26}", ".{1,40}", "n{300,512}"];
    text.prop_map(|text| NodeName::new(&text).expect("it has the right length"))
}

/// With a bias to where the encoding changes.
fn number() -> impl Strategy<Value = u32> {
    let edges = [0, 127, 128, 255, 256, 32_767, 32_768, 65_535, 65_536, u32::MAX];
    prop_oneof![prop::sample::select(edges.to_vec()), any::<u32>()]
}

fn bytes(max: usize) -> impl Strategy<Value = Bytes> {
    prop_oneof![Just(0..=0), Just(1..=max.min(40)), Just(0..=max)]
        .prop_flat_map(|length| prop::collection::vec(any::<u8>(), length))
        .prop_map(Bytes::from)
}
