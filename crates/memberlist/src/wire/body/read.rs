//! The fields of each message, read.
//!
//! Each function is a table of the message's fields in the order of their declaration. Missing
//! fields are zero. What cannot be acted upon is refused here, so that it never becomes a value: see
//! [`crate::message`].

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytes::Bytes;

use super::{LZW, PushPullHeader};
use crate::message::{
    Ack, Address, Alive, Dead, ErrorReply, IndirectPing, META_BYTES_MAX, NODE_NAME_BYTES_MAX, Nack,
    NodeName, NodeState, NodeStatus, Ping, Suspect, Versions,
};
use crate::wire::WireError;
use crate::wire::msgpack::MsgpackReader;

pub(in crate::wire) fn read_ping(reader: &mut MsgpackReader<'_>) -> Result<Ping> {
    let (mut sequence, mut source_port) = (0_u32, 0_u16);
    let [mut node, mut source_ip, mut source_node] = no_bytes();
    read_fields(
        reader,
        [
            ("SeqNo", &mut sequence),
            ("Node", &mut node),
            ("SourceAddr", &mut source_ip),
            ("SourcePort", &mut source_port),
            ("SourceNode", &mut source_node),
        ],
    )?;
    Ok(Ping {
        sequence,
        node: optional_name(&node)?,
        source: source(&source_ip, source_port)?,
        source_node: optional_name(&source_node)?,
    })
}

pub(in crate::wire) fn read_indirect_ping(reader: &mut MsgpackReader<'_>) -> Result<IndirectPing> {
    let (mut sequence, mut port, mut nack, mut source_port) = (0_u32, 0_u16, false, 0_u16);
    let [mut target, mut node, mut source_ip, mut source_node] = no_bytes();
    read_fields(
        reader,
        [
            ("SeqNo", &mut sequence),
            ("Target", &mut target),
            ("Port", &mut port),
            ("Node", &mut node),
            ("Nack", &mut nack),
            ("SourceAddr", &mut source_ip),
            ("SourcePort", &mut source_port),
            ("SourceNode", &mut source_node),
        ],
    )?;
    Ok(IndirectPing {
        sequence,
        target: address(&target, port)?,
        node: optional_name(&node)?,
        nack,
        source: source(&source_ip, source_port)?,
        source_node: optional_name(&source_node)?,
    })
}

pub(in crate::wire) fn read_ack(reader: &mut MsgpackReader<'_>) -> Result<Ack> {
    let mut sequence = 0_u32;
    let [mut payload] = no_bytes();
    read_fields(reader, [("SeqNo", &mut sequence), ("Payload", &mut payload)])?;
    Ok(Ack { sequence, payload: Bytes::copy_from_slice(&payload) })
}

pub(in crate::wire) fn read_nack(reader: &mut MsgpackReader<'_>) -> Result<Nack> {
    let mut sequence = 0_u32;
    read_fields(reader, [("SeqNo", &mut sequence)])?;
    Ok(Nack { sequence })
}

pub(in crate::wire) fn read_suspect(reader: &mut MsgpackReader<'_>) -> Result<Suspect> {
    let (incarnation, node, from) = read_accusation(reader)?;
    Ok(Suspect { incarnation, node, from })
}

pub(in crate::wire) fn read_dead(reader: &mut MsgpackReader<'_>) -> Result<Dead> {
    let (incarnation, node, from) = read_accusation(reader)?;
    Ok(Dead { incarnation, node, from })
}

fn read_accusation(reader: &mut MsgpackReader<'_>) -> Result<(u32, NodeName, NodeName)> {
    let mut incarnation = 0_u32;
    let [mut node, mut from] = no_bytes();
    read_fields(
        reader,
        [("Incarnation", &mut incarnation), ("Node", &mut node), ("From", &mut from)],
    )?;
    Ok((incarnation, name(&node)?, name(&from)?))
}

pub(in crate::wire) fn read_alive(reader: &mut MsgpackReader<'_>) -> Result<Alive> {
    let (mut incarnation, mut port) = (0_u32, 0_u16);
    let [mut node, mut ip, mut meta, mut vsn] = no_bytes();
    read_fields(
        reader,
        [
            ("Incarnation", &mut incarnation),
            ("Node", &mut node),
            ("Addr", &mut ip),
            ("Port", &mut port),
            ("Meta", &mut meta),
            ("Vsn", &mut vsn),
        ],
    )?;
    Ok(Alive {
        incarnation,
        node: name(&node)?,
        address: address(&ip, port)?,
        meta: self::meta(&meta)?,
        versions: versions(&vsn),
    })
}

pub(in crate::wire) fn read_error_reply(reader: &mut MsgpackReader<'_>) -> Result<ErrorReply> {
    let [mut text] = no_bytes();
    read_fields(reader, [("Error", &mut text)])?;
    Ok(ErrorReply { text: String::from_utf8_lossy(&text).into_owned() })
}

/// The content of a compressed frame.
pub(in crate::wire) fn read_compressed<'a>(
    reader: &mut MsgpackReader<'a>,
) -> Result<Cow<'a, [u8]>> {
    let mut algorithm = LZW;
    let [mut content] = no_bytes();
    read_fields(reader, [("Algo", &mut algorithm), ("Buf", &mut content)])?;
    if algorithm == LZW { Ok(content) } else { Err(reader.malformed()) }
}

/// The number of compressed bytes that follow; they may not have arrived yet.
pub(in crate::wire) fn read_compressed_length(reader: &mut MsgpackReader<'_>) -> Result<usize> {
    let mut algorithm = LZW;
    let bytes = reader.fields_before("Buf", &["Algo", "Buf"], |name, value| match name {
        "Algo" => algorithm.read(value),
        _ => value.skip(),
    })?;
    if algorithm == LZW { bytes.ok_or(reader.malformed()) } else { Err(reader.malformed()) }
}

pub(in crate::wire) fn read_user_length(reader: &mut MsgpackReader<'_>) -> Result<usize> {
    let mut bytes = 0_usize;
    read_fields(reader, [("UserMsgLen", &mut bytes)])?;
    Ok(bytes)
}

pub(in crate::wire) fn read_push_pull_header(
    reader: &mut MsgpackReader<'_>,
) -> Result<PushPullHeader> {
    let mut header = PushPullHeader { join: false, nodes: 0, user_state_bytes: 0 };
    read_fields(
        reader,
        [
            ("Nodes", &mut header.nodes),
            ("UserStateLen", &mut header.user_state_bytes),
            ("Join", &mut header.join),
        ],
    )?;
    Ok(header)
}

/// `None` is a record that is well formed but unusable. One such record must not cost us the
/// others, or a forged record that reached any member could prevent every merge.
pub(in crate::wire) fn read_node_state(
    reader: &mut MsgpackReader<'_>,
) -> Result<Option<NodeState>> {
    let (mut incarnation, mut port, mut state) = (0_u32, 0_u16, 0_u32);
    let [mut name, mut ip, mut meta, mut vsn] = no_bytes();
    read_fields(
        reader,
        [
            ("Name", &mut name),
            ("Addr", &mut ip),
            ("Port", &mut port),
            ("Meta", &mut meta),
            ("Incarnation", &mut incarnation),
            ("State", &mut state),
            ("Vsn", &mut vsn),
        ],
    )?;
    let usable = || {
        Some(NodeState {
            name: self::name(&name).ok()?,
            address: address(&ip, port).ok()?,
            meta: self::meta(&meta).ok()?,
            incarnation,
            status: status(state)?,
            versions: versions(&vsn),
        })
    };
    Ok(usable())
}

/// Reads a structure into the variables of its table; unknown fields are skipped.
fn read_fields<'a, const N: usize>(
    reader: &mut MsgpackReader<'a>,
    mut table: [(&'static str, &mut dyn Field<'a>); N],
) -> Result<()> {
    let names = table.each_ref().map(|(name, _)| *name);
    reader.fields(&names, |name, value| match table.iter_mut().find(|(known, _)| *known == name) {
        Some((_, field)) => field.read(value),
        None => value.skip(),
    })
}

/// A variable for the value of a field.
trait Field<'a> {
    fn read(&mut self, value: &mut MsgpackReader<'a>) -> Result<()>;
}

impl Field<'_> for u16 {
    fn read(&mut self, value: &mut MsgpackReader<'_>) -> Result<()> {
        *self = value.unsigned()?;
        Ok(())
    }
}

impl Field<'_> for u32 {
    fn read(&mut self, value: &mut MsgpackReader<'_>) -> Result<()> {
        *self = value.unsigned()?;
        Ok(())
    }
}

impl Field<'_> for usize {
    fn read(&mut self, value: &mut MsgpackReader<'_>) -> Result<()> {
        *self = value.unsigned()?;
        Ok(())
    }
}

impl Field<'_> for bool {
    fn read(&mut self, value: &mut MsgpackReader<'_>) -> Result<()> {
        *self = value.bool()?;
        Ok(())
    }
}

impl<'a> Field<'a> for Cow<'a, [u8]> {
    fn read(&mut self, value: &mut MsgpackReader<'a>) -> Result<()> {
        *self = value.bytes()?;
        Ok(())
    }
}

/// Variables for byte fields, empty as long as nothing is read.
fn no_bytes<'a, const N: usize>() -> [Cow<'a, [u8]>; N] {
    std::array::from_fn(|_| Cow::default())
}

fn name(bytes: &[u8]) -> Result<NodeName> {
    optional_name(bytes)?.ok_or(WireError::Malformed { what: "a node's name" })
}

fn optional_name(bytes: &[u8]) -> Result<Option<NodeName>> {
    if bytes.is_empty() {
        return Ok(None);
    }
    if bytes.len() > NODE_NAME_BYTES_MAX {
        return Err(WireError::TooLarge { what: "a node's name", limit: NODE_NAME_BYTES_MAX });
    }
    std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| NodeName::new(text).ok())
        .map(Some)
        .ok_or(WireError::Malformed { what: "a node's name" })
}

fn address(ip: &[u8], port: u16) -> Result<Address> {
    let v4 = || <[u8; 4]>::try_from(ip).ok().map(|ip| IpAddr::V4(Ipv4Addr::from(ip)));
    let v6 = || <[u8; 16]>::try_from(ip).ok().map(|ip| IpAddr::V6(Ipv6Addr::from(ip)));
    let ip = v4().or_else(v6).ok_or(WireError::Malformed { what: "an address" })?;
    Ok(Address { ip, port })
}

/// A source without address or port counts as missing.
fn source(ip: &[u8], port: u16) -> Result<Option<Address>> {
    if ip.is_empty() || port == 0 { Ok(None) } else { address(ip, port).map(Some) }
}

fn meta(bytes: &[u8]) -> Result<Bytes> {
    if bytes.len() > META_BYTES_MAX {
        return Err(WireError::TooLarge { what: "a node's meta data", limit: META_BYTES_MAX });
    }
    Ok(Bytes::copy_from_slice(bytes))
}

fn versions(bytes: &[u8]) -> Option<Versions> {
    bytes.first_chunk().copied().map(Versions)
}

fn status(state: u32) -> Option<NodeStatus> {
    match state {
        0 => Some(NodeStatus::Alive),
        1 => Some(NodeStatus::Suspect),
        2 => Some(NodeStatus::Dead),
        3 => Some(NodeStatus::Left),
        _ => None,
    }
}

type Result<T> = std::result::Result<T, WireError>;
