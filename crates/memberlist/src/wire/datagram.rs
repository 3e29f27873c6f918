//! What is in a datagram, and how is one filled?

use crate::message::{Label, Message};
use crate::wire::{Compression, WireError};

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
    pub compression: Compression,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    None,
    Crc32,
}

/// Reads a datagram; whatever is wrong with it or with a part of it is in `dropped`.
pub fn decode(_label: &Label, _bytes: &[u8]) -> Datagram {
    Datagram::default()
}

/// One message as it stands in a datagram, its type byte first: what queues hold and
/// [`pack`] takes.
pub fn encode_message(_message: &Message) -> Vec<u8> {
    Vec::new()
}

/// As few datagrams as hold all encoded messages: a single one bare, several in a compound of at
/// most 255. The caller sees to the size.
pub fn pack(_messages: &[&[u8]], _envelope: Envelope<'_>) -> Vec<Vec<u8>> {
    Vec::new()
}
