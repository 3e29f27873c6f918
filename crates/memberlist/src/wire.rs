//! How do messages become bytes, and bytes messages?
//!
//! The wire format of hashicorp/memberlist, as docs/wire.md shows it byte by byte. [`datagram`] is
//! for packets, [`stream`] for connections.
//! Both decoders are total: whatever the bytes, they answer with messages or with a [`WireError`],
//! in bounded memory and time.
//! What the messages mean, and whether they are true, is not known here.

pub mod datagram;
pub mod stream;

mod error;

pub use error::{StreamError, WireError};

/// Whether to try the LZW compression that Go peers use; all peers read both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    None,
    Lzw,
}
