//! How do datagrams and streams travel when all is TLS?
//!
//! Every connection begins with a frame: a length of four bytes (here, and only here, the least
//! significant first) and a protobuf message. A stream connection has one, which says no more than
//! that a stream follows; it is then as it would be without TLS. A packet connection is a row of
//! frames with one datagram each, and the address at which its sender listens.
//!
//! Each frame must be written at once, into TLS records of its own: a Go receiver forgets what it
//! had read beyond a frame. [`TlsFrameReader`] takes any fragmentation.

use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use prost::Message;

use crate::message::Address;
use crate::wire::WireError;

/// What a connection begins with, and a packet connection consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsFrame {
    /// A stream follows.
    Stream,
    Packet {
        from: Address,
        datagram: Bytes,
    },
}

impl TlsFrame {
    /// With its length before it.
    pub fn encode(&self) -> Vec<u8> {
        let (kind, from_addr, msg) = match self {
            Self::Stream => (Kind::Stream, String::new(), Bytes::new()),
            Self::Packet { from, datagram } => (Kind::Packet, from.to_string(), datagram.clone()),
        };
        let version = VERSION.to_owned();
        let message = MemberlistMessage { version, kind: kind.into(), from_addr, msg };
        let content = message.encode_to_vec();
        let length = u32::try_from(content.len()).expect("a datagram has at most 64 KiB");
        [length.to_le_bytes().as_slice(), &content].concat()
    }

    fn decode(content: Bytes) -> Result<Self, WireError> {
        let malformed = WireError::Malformed { what: "a TLS frame" };
        let MemberlistMessage { version, kind, from_addr, msg } =
            MemberlistMessage::decode(content).map_err(|_| malformed.clone())?;
        if version != VERSION {
            return Err(malformed);
        }
        match Kind::try_from(kind).map_err(|_| malformed.clone())? {
            Kind::Stream => Ok(Self::Stream),
            Kind::Packet => {
                let from: SocketAddr = from_addr.parse().map_err(|_| malformed)?;
                Ok(Self::Packet { from: Address::new(from.ip(), from.port()), datagram: msg })
            }
        }
    }
}

/// Splits what arrives on a connection into frames. After an error the connection is lost.
#[derive(Debug, Default)]
pub struct TlsFrameReader {
    pending: BytesMut,
}

impl TlsFrameReader {
    /// Takes the next bytes, to be read by [`TlsFrameReader::next_frame`] until there is none.
    pub fn push(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// The next frame, if it has come whole.
    pub fn next_frame(&mut self) -> Result<Option<TlsFrame>, WireError> {
        let Some((length, rest)) = self.pending.split_first_chunk() else { return Ok(None) };
        let length = u32::from_le_bytes(*length) as usize;
        if length > FRAME_BYTES_MAX {
            return Err(WireError::TooLarge { what: "a TLS frame", limit: FRAME_BYTES_MAX });
        }
        if rest.len() < length {
            return Ok(None);
        }
        let mut frame = self.pending.split_to(size_of::<u32>() + length).freeze();
        TlsFrame::decode(frame.split_off(size_of::<u32>())).map(Some)
    }

    /// What has come after the last frame: the beginning of a stream, if that frame announced one.
    pub fn take_rest(&mut self) -> Bytes {
        self.pending.split().freeze()
    }
}

#[derive(Clone, PartialEq, Message)]
struct MemberlistMessage {
    #[prost(string, tag = "1")]
    version: String,
    #[prost(enumeration = "Kind", tag = "2")]
    kind: i32,
    #[prost(string, tag = "3")]
    from_addr: String,
    #[prost(bytes = "bytes", tag = "4")]
    msg: Bytes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
enum Kind {
    Stream = 0,
    Packet = 1,
}

/// Others are refused, as in Go.
const VERSION: &str = "v0.1.0";
/// Limit: the longest datagram there is, and some room for the rest.
pub const FRAME_BYTES_MAX: usize = (64 << 10) + (1 << 10);

#[cfg(test)]
mod tests;
