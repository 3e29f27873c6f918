//! The fields of each message, read.
//!
//! Fields that are missing are zero. What nobody could act upon is refused here, so that it never
//! becomes a value: see [`crate::message`].

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytes::Bytes;

use super::{LZW, PushPullHeader};
use crate::message::{
    Ack, Address, Alive, Dead, ErrorReply, IndirectPing, META_BYTES_MAX, NODE_NAME_BYTES_MAX, Nack,
    NodeName, NodeState, NodeStatus, Ping, Suspect, Versions,
};
use crate::wire::WireError;
use crate::wire::msgpack::Reader;

pub(in crate::wire) fn read_ping(reader: &mut Reader<'_>) -> Result<Ping> {
    let mut sequence = 0;
    let (mut node, mut source_node) = (Cow::default(), Cow::default());
    let (mut source_ip, mut source_port) = (Cow::default(), 0);
    let names = ["SeqNo", "Node", "SourceAddr", "SourcePort", "SourceNode"];
    reader.fields(&names, |name, value| {
        match name {
            "SeqNo" => sequence = value.unsigned()?,
            "Node" => node = value.bytes()?,
            "SourceAddr" => source_ip = value.bytes()?,
            "SourcePort" => source_port = value.unsigned()?,
            "SourceNode" => source_node = value.bytes()?,
            _ => value.skip()?,
        }
        Ok(())
    })?;
    Ok(Ping {
        sequence,
        node: optional_name(&node)?,
        source: source(&source_ip, source_port)?,
        source_node: optional_name(&source_node)?,
    })
}

pub(in crate::wire) fn read_indirect_ping(reader: &mut Reader<'_>) -> Result<IndirectPing> {
    let (mut sequence, mut port, mut nack) = (0, 0, false);
    let (mut target, mut node, mut source_node) = (Cow::default(), Cow::default(), Cow::default());
    let (mut source_ip, mut source_port) = (Cow::default(), 0);
    let names =
        ["SeqNo", "Target", "Port", "Node", "Nack", "SourceAddr", "SourcePort", "SourceNode"];
    reader.fields(&names, |name, value| {
        match name {
            "SeqNo" => sequence = value.unsigned()?,
            "Target" => target = value.bytes()?,
            "Port" => port = value.unsigned()?,
            "Node" => node = value.bytes()?,
            "Nack" => nack = value.bool()?,
            "SourceAddr" => source_ip = value.bytes()?,
            "SourcePort" => source_port = value.unsigned()?,
            "SourceNode" => source_node = value.bytes()?,
            _ => value.skip()?,
        }
        Ok(())
    })?;
    Ok(IndirectPing {
        sequence,
        target: address(&target, port)?,
        node: optional_name(&node)?,
        nack,
        source: source(&source_ip, source_port)?,
        source_node: optional_name(&source_node)?,
    })
}

pub(in crate::wire) fn read_ack(reader: &mut Reader<'_>) -> Result<Ack> {
    let (mut sequence, mut payload) = (0, Cow::default());
    reader.fields(&["SeqNo", "Payload"], |name, value| {
        match name {
            "SeqNo" => sequence = value.unsigned()?,
            "Payload" => payload = value.bytes()?,
            _ => value.skip()?,
        }
        Ok(())
    })?;
    Ok(Ack { sequence, payload: Bytes::copy_from_slice(&payload) })
}

pub(in crate::wire) fn read_nack(reader: &mut Reader<'_>) -> Result<Nack> {
    let mut sequence = 0;
    reader.fields(&["SeqNo"], |name, value| {
        match name {
            "SeqNo" => sequence = value.unsigned()?,
            _ => value.skip()?,
        }
        Ok(())
    })?;
    Ok(Nack { sequence })
}

pub(in crate::wire) fn read_suspect(reader: &mut Reader<'_>) -> Result<Suspect> {
    let (incarnation, node, from) = read_accusation(reader)?;
    Ok(Suspect { incarnation, node, from })
}

pub(in crate::wire) fn read_dead(reader: &mut Reader<'_>) -> Result<Dead> {
    let (incarnation, node, from) = read_accusation(reader)?;
    Ok(Dead { incarnation, node, from })
}

fn read_accusation(reader: &mut Reader<'_>) -> Result<(u32, NodeName, NodeName)> {
    let (mut incarnation, mut node, mut from) = (0, Cow::default(), Cow::default());
    reader.fields(&["Incarnation", "Node", "From"], |name, value| {
        match name {
            "Incarnation" => incarnation = value.unsigned()?,
            "Node" => node = value.bytes()?,
            "From" => from = value.bytes()?,
            _ => value.skip()?,
        }
        Ok(())
    })?;
    Ok((incarnation, self::name(&node)?, self::name(&from)?))
}

pub(in crate::wire) fn read_alive(reader: &mut Reader<'_>) -> Result<Alive> {
    let (mut incarnation, mut port) = (0, 0);
    let (mut node, mut ip) = (Cow::default(), Cow::default());
    let (mut meta, mut vsn) = (Cow::default(), Cow::default());
    let names = ["Incarnation", "Node", "Addr", "Port", "Meta", "Vsn"];
    reader.fields(&names, |name, value| {
        match name {
            "Incarnation" => incarnation = value.unsigned()?,
            "Node" => node = value.bytes()?,
            "Addr" => ip = value.bytes()?,
            "Port" => port = value.unsigned()?,
            "Meta" => meta = value.bytes()?,
            "Vsn" => vsn = value.bytes()?,
            _ => value.skip()?,
        }
        Ok(())
    })?;
    Ok(Alive {
        incarnation,
        node: name(&node)?,
        address: address(&ip, port)?,
        meta: self::meta(&meta)?,
        versions: versions(&vsn),
    })
}

pub(in crate::wire) fn read_error_reply(reader: &mut Reader<'_>) -> Result<ErrorReply> {
    let mut text = Cow::default();
    reader.fields(&["Error"], |name, value| {
        match name {
            "Error" => text = value.bytes()?,
            _ => value.skip()?,
        }
        Ok(())
    })?;
    Ok(ErrorReply { text: String::from_utf8_lossy(&text).into_owned() })
}

/// The content of a compress frame.
pub(in crate::wire) fn read_compressed<'a>(reader: &mut Reader<'a>) -> Result<Cow<'a, [u8]>> {
    let (mut algorithm, mut content) = (LZW, Cow::default());
    reader.fields(&["Algo", "Buf"], |name, value| {
        match name {
            "Algo" => algorithm = value.unsigned()?,
            "Buf" => content = value.bytes()?,
            _ => value.skip()?,
        }
        Ok(())
    })?;
    if algorithm == LZW { Ok(content) } else { Err(reader.malformed()) }
}

/// How many compressed bytes follow what has been read; they may not have arrived.
pub(in crate::wire) fn read_compressed_length(reader: &mut Reader<'_>) -> Result<usize> {
    let mut algorithm = LZW;
    let bytes = reader.fields_before("Buf", &["Algo", "Buf"], |name, value| {
        match name {
            "Algo" => algorithm = value.unsigned()?,
            _ => value.skip()?,
        }
        Ok(())
    })?;
    if algorithm == LZW { bytes.ok_or(reader.malformed()) } else { Err(reader.malformed()) }
}

pub(in crate::wire) fn read_user_length(reader: &mut Reader<'_>) -> Result<usize> {
    let mut bytes = 0;
    reader.fields(&["UserMsgLen"], |name, value| {
        match name {
            "UserMsgLen" => bytes = value.unsigned()?,
            _ => value.skip()?,
        }
        Ok(())
    })?;
    Ok(bytes)
}

pub(in crate::wire) fn read_push_pull_header(reader: &mut Reader<'_>) -> Result<PushPullHeader> {
    let mut header = PushPullHeader { join: false, nodes: 0, user_state_bytes: 0 };
    reader.fields(&["Nodes", "UserStateLen", "Join"], |name, value| {
        match name {
            "Nodes" => header.nodes = value.unsigned()?,
            "UserStateLen" => header.user_state_bytes = value.unsigned()?,
            "Join" => header.join = value.bool()?,
            _ => value.skip()?,
        }
        Ok(())
    })?;
    Ok(header)
}

/// `None` is a record that is well formed and that nobody could act upon: one such record must not
/// cost us the others, which a forger who reached any member could otherwise achieve.
pub(in crate::wire) fn read_node_state(reader: &mut Reader<'_>) -> Result<Option<NodeState>> {
    let (mut incarnation, mut port, mut state) = (0, 0, 0);
    let (mut name, mut ip) = (Cow::default(), Cow::default());
    let (mut meta, mut vsn) = (Cow::default(), Cow::default());
    let names = ["Name", "Addr", "Port", "Meta", "Incarnation", "State", "Vsn"];
    reader.fields(&names, |field, value| {
        match field {
            "Name" => name = value.bytes()?,
            "Addr" => ip = value.bytes()?,
            "Port" => port = value.unsigned()?,
            "Meta" => meta = value.bytes()?,
            "Incarnation" => incarnation = value.unsigned()?,
            "State" => state = value.unsigned::<u32>()?,
            "Vsn" => vsn = value.bytes()?,
            _ => value.skip()?,
        }
        Ok(())
    })?;
    let understood = || {
        Some(NodeState {
            name: self::name(&name).ok()?,
            address: address(&ip, port).ok()?,
            meta: self::meta(&meta).ok()?,
            incarnation,
            status: status(state)?,
            versions: versions(&vsn),
        })
    };
    Ok(understood())
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

/// Half a source is none.
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
