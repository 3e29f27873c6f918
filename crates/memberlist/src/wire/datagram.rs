//! What is in a datagram, and how is one filled?
//!
//! Outside stand the label and the checksum, each at most once; inside are messages, alone, in
//! compounds, or compressed, in any nesting that somebody may have thought of. A part that is not
//! understood costs that part only: the others are handed on.
//!
//! A datagram of 64 KiB can be made to stand for gigabytes, by compression within compounds within
//! compression. So there is one budget for all that is decompressed of one datagram, one for the
//! messages that come out, and an end to nesting.

use bytes::Bytes;

use crate::message::{Dead, Label, Message, Suspect, UserMessage};
use crate::wire::msgpack::MsgpackReader;
use crate::wire::{Compression, WireError, body, label, lzw, type_byte};

/// What came in one datagram: the messages in their order, and what had to be dropped.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Datagram {
    pub messages: Vec<Message>,
    pub dropped: Vec<WireError>,
}

/// What is put around the messages of a datagram.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    pub label: &'a Label,
    pub checksum: Checksum,
    /// Compressed is sent only what becomes shorter.
    pub compression: Compression,
}

/// Go adds one to what is for a node that it knows to read it: gossip, and pings to suspects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    None,
    Crc32,
}

/// Reads a datagram; whatever is wrong with it or with a part of it is in `dropped`.
pub fn decode(label: &Label, bytes: &[u8]) -> Datagram {
    let mut opening = Opening { datagram: Datagram::default(), left: DECOMPRESSED_BYTES_MAX };
    match label::strip(label, bytes).and_then(without_checksum) {
        Ok(content) => opening.open(content, NESTING_MAX),
        Err(error) => opening.datagram.dropped.push(error),
    }
    opening.datagram
}

/// One message as it stands in a datagram, its type byte first: what queues hold and
/// [`pack`] takes.
pub fn encode_message(message: &Message) -> Vec<u8> {
    match message {
        Message::Ping(ping) => body::write_ping(type_byte::PING, ping),
        Message::IndirectPing(ping) => body::write_indirect_ping(type_byte::INDIRECT_PING, ping),
        Message::Ack(ack) => body::write_ack(type_byte::ACK, ack),
        Message::Nack(nack) => body::write_nack(type_byte::NACK, nack),
        Message::Suspect(Suspect { incarnation, node, from }) => {
            body::write_accusation(type_byte::SUSPECT, *incarnation, node, from)
        }
        Message::Alive(alive) => body::write_alive(type_byte::ALIVE, alive),
        Message::Dead(Dead { incarnation, node, from }) => {
            body::write_accusation(type_byte::DEAD, *incarnation, node, from)
        }
        Message::User(UserMessage { body }) => [&[type_byte::USER], body.as_ref()].concat(),
    }
}

/// As few datagrams as hold all encoded messages: a single one bare, several in a compound of at
/// most 255. The caller sees to the size.
pub fn pack(messages: &[&[u8]], envelope: Envelope<'_>) -> Vec<Vec<u8>> {
    let mut contents = Vec::new();
    for messages in messages.chunks(COMPOUND_PARTS_MAX) {
        match compound(messages) {
            Some(compound) => contents.push(compound),
            None => contents.extend(messages.iter().map(|message| message.to_vec())),
        }
    }
    contents.into_iter().map(|content| seal(content, envelope)).collect()
}

/// A datagram being read.
struct Opening {
    datagram: Datagram,
    /// How many bytes may still be decompressed.
    left: usize,
}

impl Opening {
    fn open(&mut self, content: &[u8], depth: usize) {
        let Some(deeper) = depth.checked_sub(1) else {
            return self.drop(WireError::TooLarge { what: "nesting", limit: NESTING_MAX });
        };
        match content.split_first() {
            None => self.drop(WireError::Truncated { what: "a datagram" }),
            Some((&type_byte::COMPOUND, rest)) => self.open_compound(rest, deeper),
            Some((&type_byte::COMPRESS, rest)) => match self.decompress(rest) {
                Ok(content) => self.open(&content, deeper),
                Err(error) => self.drop(error),
            },
            Some((&type_byte, rest)) => match read_message(type_byte, rest) {
                Ok(_) if self.datagram.messages.len() == MESSAGES_MAX => {
                    self.drop(WireError::TooLarge {
                        what: "messages of one datagram",
                        limit: MESSAGES_MAX,
                    })
                }
                Ok(message) => self.datagram.messages.push(message),
                Err(error) => self.drop(error),
            },
        }
    }

    /// Parts that are there are read although others are cut off.
    fn open_compound(&mut self, rest: &[u8], depth: usize) {
        let truncated = WireError::Truncated { what: "a compound" };
        let split = rest.split_first();
        let lengths =
            split.and_then(|(&count, rest)| rest.split_at_checked(2 * usize::from(count)));
        let Some((lengths, mut parts)) = lengths else { return self.drop(truncated) };
        let (lengths, _) = lengths.as_chunks();
        for length in lengths {
            let part = parts.split_at_checked(usize::from(u16::from_be_bytes(*length)));
            let Some((part, rest)) = part else { return self.drop(truncated) };
            parts = rest;
            self.open(part, depth);
        }
    }

    fn decompress(&mut self, rest: &[u8]) -> Result<Vec<u8>, WireError> {
        let compressed = body::read_compressed(&mut MsgpackReader::new(rest, "a compress frame"))?;
        let content = lzw::decompress(&compressed, self.left)?;
        self.left -= content.len();
        Ok(content)
    }

    fn drop(&mut self, error: WireError) {
        if self.datagram.dropped.len() < MESSAGES_MAX {
            self.datagram.dropped.push(error);
        }
    }
}

fn read_message(type_byte: u8, rest: &[u8]) -> Result<Message, WireError> {
    let read = |what| MsgpackReader::new(rest, what);
    match type_byte {
        type_byte::PING => body::read_ping(&mut read("a ping")).map(Message::Ping),
        type_byte::INDIRECT_PING => {
            body::read_indirect_ping(&mut read("an indirect ping")).map(Message::IndirectPing)
        }
        type_byte::ACK => body::read_ack(&mut read("an ack")).map(Message::Ack),
        type_byte::NACK => body::read_nack(&mut read("a nack")).map(Message::Nack),
        type_byte::SUSPECT => body::read_suspect(&mut read("a suspicion")).map(Message::Suspect),
        type_byte::ALIVE => body::read_alive(&mut read("an alive message")).map(Message::Alive),
        type_byte::DEAD => body::read_dead(&mut read("a death")).map(Message::Dead),
        type_byte::USER => Ok(Message::User(UserMessage { body: Bytes::copy_from_slice(rest) })),
        _ => Err(WireError::UnexpectedType { type_byte }),
    }
}

fn without_checksum(bytes: &[u8]) -> Result<&[u8], WireError> {
    let Some((&type_byte::CHECKSUM, rest)) = bytes.split_first() else { return Ok(bytes) };
    let (claimed, content) =
        rest.split_first_chunk().ok_or(WireError::Truncated { what: "a checksum" })?;
    let (claimed, actual) = (u32::from_be_bytes(*claimed), crc32fast::hash(content));
    if claimed == actual { Ok(content) } else { Err(WireError::Checksum { claimed, actual }) }
}

/// `None` if the messages have to go one by one: since there is one only, or one that is longer
/// than a part can be.
fn compound(messages: &[&[u8]]) -> Option<Vec<u8>> {
    let count = u8::try_from(messages.len()).ok().filter(|count| *count > 1)?;
    let mut compound = vec![type_byte::COMPOUND, count];
    for message in messages {
        compound.extend(u16::try_from(message.len()).ok()?.to_be_bytes());
    }
    messages.iter().for_each(|message| compound.extend_from_slice(message));
    Some(compound)
}

fn seal(mut content: Vec<u8>, envelope: Envelope<'_>) -> Vec<u8> {
    let Envelope { label, checksum, compression } = envelope;
    if compression == Compression::Lzw {
        let frame = body::write_compressed(type_byte::COMPRESS, &lzw::compress(&content));
        if frame.len() < content.len() {
            content = frame;
        }
    }
    let mut sealed = label::header(label);
    if checksum == Checksum::Crc32 {
        sealed.push(type_byte::CHECKSUM);
        sealed.extend(crc32fast::hash(&content).to_be_bytes());
    }
    sealed.append(&mut content);
    sealed
}

/// How many messages fit into one compound: their number is sent in one byte.
pub const COMPOUND_PARTS_MAX: usize = 255;
/// Limit: what all compressed parts of one datagram may stand for together. Go sends what was
/// 1.4 kB; this is four times the longest datagram there is.
pub const DECOMPRESSED_BYTES_MAX: usize = 4 * (64 << 10);
/// Limit: messages (and errors) of one datagram.
pub const MESSAGES_MAX: usize = 1024;
/// Limit: compounds and compression within each other; Go sends a compressed compound at most.
pub const NESTING_MAX: usize = 8;

#[cfg(test)]
mod tests;
