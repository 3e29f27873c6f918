//! How does an Alertmanager wrap what it sends to others?
//!
//! A user message is one [`Part`]: the key of a state ("sil" or "nfl") and bytes that only the
//! owner of that state understands. The user state of a push-pull is a [`FullState`]: one part for
//! each state. Both are protobuf messages; unknown fields are ignored.

use bytes::{Buf, Bytes};
use prost::encoding::{
    DecodeContext, WireType, decode_key, decode_varint, encode_key, encode_varint, skip_field,
};

use crate::wire::WireError;

/// Bytes of one state.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Part {
    /// Which state.
    #[prost(string, tag = "1")]
    pub key: String,
    /// One or more messages of that state, each with its length before it.
    #[prost(bytes = "bytes", tag = "2")]
    pub data: Bytes,
}

/// All states of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FullState {
    pub parts: Vec<Part>,
}

impl Part {
    pub fn encode_to_vec(&self) -> Vec<u8> {
        prost::Message::encode_to_vec(self)
    }

    /// Shares the bytes instead of copying them.
    pub fn decode(bytes: Bytes) -> Result<Self, WireError> {
        prost::Message::decode(bytes).map_err(|_| WireError::Malformed { what: "a part" })
    }
}

impl FullState {
    pub fn encode_to_vec(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.encoded_len());
        for piece in self.pieces() {
            bytes.extend_from_slice(&piece);
        }
        bytes
    }

    pub fn encoded_len(&self) -> usize {
        let parts = self.parts.iter().map(|part| {
            let bytes = prost::Message::encoded_len(part);
            1 + prost::length_delimiter_len(bytes) + bytes
        });
        parts.sum()
    }

    /// The encoded bytes in order, those of the states shared instead of copied.
    pub fn pieces(&self) -> impl Iterator<Item = Bytes> {
        self.parts.iter().flat_map(|part| {
            // Without its data, which is the last field, if it is not empty.
            let head_only = Part { key: part.key.clone(), data: Bytes::new() };
            let mut head = Vec::new();
            encode_key(PARTS_TAG, WireType::LengthDelimited, &mut head);
            encode_varint(prost::Message::encoded_len(part) as u64, &mut head);
            head.extend_from_slice(&head_only.encode_to_vec());
            if !part.data.is_empty() {
                encode_key(DATA_TAG, WireType::LengthDelimited, &mut head);
                encode_varint(part.data.len() as u64, &mut head);
            }
            [head.into(), part.data.clone()]
        })
    }

    /// Shares the bytes instead of copying them.
    ///
    /// Written out, since two bytes of a part that says nothing take fifty when read: the number of
    /// parts has to be limited while they are read, not after.
    pub fn decode(mut bytes: Bytes) -> Result<Self, WireError> {
        let malformed = WireError::Malformed { what: "a full state" };
        let mut parts = Vec::new();
        while bytes.has_remaining() {
            let (tag, wire_type) = decode_key(&mut bytes).map_err(|_| malformed.clone())?;
            if tag != PARTS_TAG || wire_type != WireType::LengthDelimited {
                skip_field(wire_type, tag, &mut bytes, DecodeContext::default())
                    .map_err(|_| malformed.clone())?;
                continue;
            }
            let length = decode_varint(&mut bytes).map_err(|_| malformed.clone())?;
            let length = usize::try_from(length).ok().filter(|length| *length <= bytes.len());
            let part = Part::decode(bytes.split_to(length.ok_or(malformed.clone())?))?;
            if parts.len() == PARTS_MAX {
                return Err(WireError::TooLarge { what: "the number of parts", limit: PARTS_MAX });
            }
            parts.push(part);
        }
        Ok(Self { parts })
    }
}

/// Limit: the parts of a full state; Alertmanagers have two.
pub const PARTS_MAX: usize = 1024;

const PARTS_TAG: u32 = 1;
const DATA_TAG: u32 = 2;

#[cfg(test)]
mod tests;
