//! The fields of each message, written, as Go sorts them.

use std::net::IpAddr;

use super::LZW;
use crate::message::{
    Ack, Address, Alive, ErrorReply, IndirectPing, Nack, NodeName, NodeState, NodeStatus, Ping,
    PushPull, Versions,
};
use crate::wire::msgpack::MsgpackWriter;

pub(in crate::wire) fn write_ping(type_byte: u8, ping: &Ping) -> Vec<u8> {
    let Ping { sequence, node, source, source_node } = ping;
    let sources = source_fields(*source, source_node.as_ref());
    let mut writer = MsgpackWriter::structure(&[type_byte], 2 + sources);
    writer.bytes("Node", text(node.as_ref()));
    writer.unsigned("SeqNo", *sequence);
    write_source(&mut writer, *source, source_node.as_ref());
    writer.into_bytes()
}

pub(in crate::wire) fn write_indirect_ping(type_byte: u8, ping: &IndirectPing) -> Vec<u8> {
    let IndirectPing { sequence, target, node, nack, source, source_node } = ping;
    let sources = source_fields(*source, source_node.as_ref());
    let mut writer = MsgpackWriter::structure(&[type_byte], 5 + sources);
    writer.bool("Nack", *nack);
    writer.bytes("Node", text(node.as_ref()));
    writer.unsigned("Port", u32::from(target.port));
    writer.unsigned("SeqNo", *sequence);
    write_source(&mut writer, *source, source_node.as_ref());
    write_ip(&mut writer, "Target", target.ip);
    writer.into_bytes()
}

pub(in crate::wire) fn write_ack(type_byte: u8, ack: &Ack) -> Vec<u8> {
    let Ack { sequence, payload } = ack;
    let mut writer = MsgpackWriter::structure(&[type_byte], 2);
    writer.bytes("Payload", payload);
    writer.unsigned("SeqNo", *sequence);
    writer.into_bytes()
}

pub(in crate::wire) fn write_nack(type_byte: u8, nack: &Nack) -> Vec<u8> {
    let Nack { sequence } = nack;
    let mut writer = MsgpackWriter::structure(&[type_byte], 1);
    writer.unsigned("SeqNo", *sequence);
    writer.into_bytes()
}

/// Suspicions and deaths look the same.
pub(in crate::wire) fn write_accusation(
    type_byte: u8,
    incarnation: u32,
    node: &NodeName,
    from: &NodeName,
) -> Vec<u8> {
    let mut writer = MsgpackWriter::structure(&[type_byte], 3);
    writer.bytes("From", from.as_str().as_bytes());
    writer.unsigned("Incarnation", incarnation);
    writer.bytes("Node", node.as_str().as_bytes());
    writer.into_bytes()
}

pub(in crate::wire) fn write_alive(type_byte: u8, alive: &Alive) -> Vec<u8> {
    let Alive { incarnation, node, address, meta, versions } = alive;
    let mut writer = MsgpackWriter::structure(&[type_byte], 6);
    write_ip(&mut writer, "Addr", address.ip);
    writer.unsigned("Incarnation", *incarnation);
    writer.bytes("Meta", meta);
    writer.bytes("Node", node.as_str().as_bytes());
    writer.unsigned("Port", u32::from(address.port));
    write_versions(&mut writer, *versions);
    writer.into_bytes()
}

pub(in crate::wire) fn write_error_reply(type_byte: u8, reply: &ErrorReply) -> Vec<u8> {
    let ErrorReply { text } = reply;
    let mut writer = MsgpackWriter::structure(&[type_byte], 1);
    writer.bytes("Error", text.as_bytes());
    writer.into_bytes()
}

pub(in crate::wire) fn write_compressed(type_byte: u8, content: &[u8]) -> Vec<u8> {
    let mut writer = MsgpackWriter::structure(&[type_byte], 2);
    writer.unsigned("Algo", LZW);
    writer.bytes("Buf", content);
    writer.into_bytes()
}

pub(in crate::wire) fn write_user_message(type_byte: u8, body: &[u8]) -> Vec<u8> {
    let mut writer = MsgpackWriter::structure(&[type_byte], 1);
    writer.unsigned("UserMsgLen", count(body.len()));
    writer.append(body);
    writer.into_bytes()
}

pub(in crate::wire) fn write_push_pull(type_byte: u8, push_pull: &PushPull) -> Vec<u8> {
    let mut bytes = write_push_pull_head(type_byte, push_pull, push_pull.user_state.len());
    bytes.extend_from_slice(&push_pull.user_state);
    bytes
}

/// A push-pull up to where `user_state_bytes` of user state begin, whatever it holds itself.
pub(in crate::wire) fn write_push_pull_head(
    type_byte: u8,
    push_pull: &PushPull,
    user_state_bytes: usize,
) -> Vec<u8> {
    let PushPull { join, nodes, user_state: _, skipped: _ } = push_pull;
    let mut writer = MsgpackWriter::structure(&[type_byte], 3);
    writer.bool("Join", *join);
    writer.unsigned("Nodes", count(nodes.len()));
    writer.unsigned("UserStateLen", count(user_state_bytes));
    for node in nodes {
        write_node_state(&mut writer, node);
    }
    writer.into_bytes()
}

fn write_node_state(writer: &mut MsgpackWriter, node: &NodeState) {
    let NodeState { name, address, meta, incarnation, status, versions } = node;
    let state = match status {
        NodeStatus::Alive => 0,
        NodeStatus::Suspect => 1,
        NodeStatus::Dead => 2,
        NodeStatus::Left => 3,
    };
    writer.next_structure(7);
    write_ip(writer, "Addr", address.ip);
    writer.unsigned("Incarnation", *incarnation);
    writer.bytes("Meta", meta);
    writer.bytes("Name", name.as_str().as_bytes());
    writer.unsigned("Port", u32::from(address.port));
    writer.unsigned("State", state);
    write_versions(writer, *versions);
}

/// How many fields [`write_source`] writes: Go leaves out what is empty.
fn source_fields(source: Option<Address>, source_node: Option<&NodeName>) -> u8 {
    2 * u8::from(source.is_some()) + u8::from(source_node.is_some())
}

fn write_source(
    writer: &mut MsgpackWriter,
    source: Option<Address>,
    source_node: Option<&NodeName>,
) {
    if let Some(source) = source {
        write_ip(writer, "SourceAddr", source.ip);
    }
    if let Some(node) = source_node {
        writer.bytes("SourceNode", node.as_str().as_bytes());
    }
    if let Some(source) = source {
        writer.unsigned("SourcePort", u32::from(source.port));
    }
}

fn write_ip(writer: &mut MsgpackWriter, name: &str, ip: IpAddr) {
    match ip {
        IpAddr::V4(ip) => writer.bytes(name, &ip.octets()),
        IpAddr::V6(ip) => writer.bytes(name, &ip.octets()),
    }
}

fn write_versions(writer: &mut MsgpackWriter, versions: Option<Versions>) {
    match versions {
        Some(Versions(bytes)) => writer.bytes("Vsn", &bytes),
        None => writer.nil("Vsn"),
    }
}

fn text(name: Option<&NodeName>) -> &[u8] {
    name.map_or(&[], |name| name.as_str().as_bytes())
}

fn count(count: usize) -> u32 {
    u32::try_from(count).expect("what is sent is far below four thousand million")
}
