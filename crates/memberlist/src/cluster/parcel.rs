//! What is put into a stream, before it is bytes.
//!
//! The full state can be large, so the cluster layer hands it over in pieces that are shared, not
//! copied, and whoever sends it turns it into bytes where that disturbs nobody.

use bytes::Bytes;
use prost::Message;

use crate::cluster::part::{FullState, Part};
use crate::message::{PushPull, StreamMessage};
use crate::wire::{Compression, stream};

/// One message with the parts of the full state that belong to it.
#[derive(Debug, Clone)]
pub struct Parcel {
    message: StreamMessage,
    parts: Vec<Part>,
}

impl Parcel {
    pub fn new(message: StreamMessage) -> Self {
        Self { message, parts: Vec::new() }
    }

    /// A push-pull that carries `parts` as its user state.
    pub fn with_state(push_pull: PushPull, parts: Vec<Part>) -> Self {
        Self { message: StreamMessage::PushPull(push_pull), parts }
    }

    /// Bytes of the user state.
    pub fn state_len(&self) -> usize {
        let parts = self.parts.iter().map(|part| {
            let bytes = part.encoded_len();
            1 + prost::length_delimiter_len(bytes) + bytes
        });
        parts.sum()
    }

    /// The message as a peer reads it.
    pub fn into_message(self) -> StreamMessage {
        let Self { mut message, parts } = self;
        if let StreamMessage::PushPull(push_pull) = &mut message
            && !parts.is_empty()
        {
            push_pull.user_state = Bytes::from(FullState { parts }.encode_to_vec());
        }
        message
    }

    /// The message as it stands in a stream, without a label. Takes time if the state is large.
    pub fn into_bytes(self, compression: Compression) -> Vec<u8> {
        stream::encode(&self.into_message(), compression)
    }
}
