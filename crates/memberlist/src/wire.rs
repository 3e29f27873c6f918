//! How do messages become bytes, and bytes messages?
//!
//! The wire format of hashicorp/memberlist, as docs/wire.md shows it byte by byte. [`datagram`] is
//! for packets, [`stream`] for connections.
//! Both decoders are total: whatever the bytes, they answer with messages or with a [`WireError`],
//! in bounded memory and time. Nothing is set aside by a length that a peer merely claims.
//! What the messages mean, and whether they are true, is not known here.

pub mod datagram;
pub mod part;
pub mod stream;
pub mod tls_frame;

mod body;
mod error;
mod label;
mod lzw;
mod msgpack;
#[cfg(test)]
mod samples;

pub use error::{StreamError, WireError};

/// Whether to try the LZW compression that Go peers use; all peers read both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    None,
    Lzw,
}

/// The first byte of every message and frame.
mod type_byte {
    pub(super) const PING: u8 = 0;
    pub(super) const INDIRECT_PING: u8 = 1;
    pub(super) const ACK: u8 = 2;
    pub(super) const SUSPECT: u8 = 3;
    pub(super) const ALIVE: u8 = 4;
    pub(super) const DEAD: u8 = 5;
    pub(super) const PUSH_PULL: u8 = 6;
    pub(super) const COMPOUND: u8 = 7;
    pub(super) const USER: u8 = 8;
    pub(super) const COMPRESS: u8 = 9;
    pub(super) const ENCRYPT: u8 = 10;
    pub(super) const NACK: u8 = 11;
    pub(super) const CHECKSUM: u8 = 12;
    pub(super) const ERROR: u8 = 13;
    pub(super) const LABEL: u8 = 244;
}
