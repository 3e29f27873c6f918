//! What comes over a connection, read as it arrives, and how is it written?

use crate::message::{Label, StreamMessage};
use crate::wire::{Compression, StreamError};

/// Reads one message from a stream, in pieces of any size.
#[derive(Debug)]
pub struct StreamReader {}

impl StreamReader {
    /// For a stream that a peer has opened: it begins with the label.
    pub fn inbound(_label: &Label) -> Self {
        Self {}
    }

    /// For the answer on a stream that we have opened: it never has a label.
    pub fn reply() -> Self {
        Self {}
    }

    /// Takes the next bytes; answers with the message once it is whole, and then has no more use.
    pub fn push(&mut self, _bytes: &[u8]) -> Result<Option<StreamMessage>, StreamError> {
        Ok(None)
    }
}

/// What an initiator sends before its message: nothing if there is no label.
pub fn label_header(_label: &Label) -> Vec<u8> {
    Vec::new()
}

/// The whole message, without a label.
pub fn encode(_message: &StreamMessage, _compression: Compression) -> Vec<u8> {
    Vec::new()
}
