//! What can be wrong with bytes from a peer, and what the caller does about it.
//!
//! In a datagram: drop the message and count it under [`WireError::reason`]; nothing is answered.
//! In a stream: [`StreamError`] says whether the peer gets an error before the connection is closed.
//! None of these is a bug of ours, and none has changed anything.

use thiserror::Error;

/// Why bytes were not understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WireError {
    /// The label is absent, another one, or not expected: this peer belongs to another cluster.
    #[error("the cluster label is not ours")]
    Label,
    #[error("the checksum is {claimed:08x}, and that of the content is {actual:08x}")]
    Checksum { claimed: u32, actual: u32 },
    /// The bytes end too early.
    #[error("{what} is cut off")]
    Truncated { what: &'static str },
    #[error("{what} is malformed")]
    Malformed { what: &'static str },
    #[error("{what} exceeds the limit of {limit}")]
    TooLarge { what: &'static str, limit: usize },
    /// An unknown type, or one that is not allowed here.
    #[error("a message of type {type_byte} is not expected here")]
    UnexpectedType { type_byte: u8 },
    /// Alertmanagers never encrypt by memberlist's own means.
    #[error("remote state is encrypted and encryption is not configured")]
    Encrypted,
}

/// Why a stream is at its end, split by what the caller does next.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StreamError {
    /// Answer with an error message, then close.
    #[error("{0}")]
    Reply(WireError),
    /// Close without a word.
    #[error("{0}")]
    Close(WireError),
}

impl StreamError {
    /// What is wrong, whatever is done about it.
    pub fn wire(&self) -> &WireError {
        match self {
            Self::Reply(error) | Self::Close(error) => error,
        }
    }
}

impl WireError {
    /// The word under which drops are counted.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::Checksum { .. } => "checksum",
            Self::Truncated { .. } => "truncated",
            Self::Malformed { .. } => "malformed",
            Self::TooLarge { .. } => "too_large",
            Self::UnexpectedType { .. } => "unexpected_type",
            Self::Encrypted => "encrypted",
        }
    }
}
