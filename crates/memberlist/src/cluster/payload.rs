//! The payload of a stream, before it is encoded.
//!
//! The full state can be large, so the cluster layer passes it on in shared pieces instead of copying
//! it, and the sender encodes the message on its own task.

use bytes::Bytes;

use crate::cluster::part::{FullState, Part};
use crate::message::{PushPull, StreamMessage};
use crate::wire::{Compression, stream};

/// One message, with the parts of the full state if it is a push-pull.
#[derive(Debug, Clone)]
pub struct StreamPayload {
    message: StreamMessage,
    state: FullState,
}

impl StreamPayload {
    pub fn new(message: StreamMessage) -> Self {
        Self { message, state: FullState::default() }
    }

    /// A push-pull that carries `parts` as its user state.
    pub fn with_state(push_pull: PushPull, parts: Vec<Part>) -> Self {
        Self { message: StreamMessage::PushPull(push_pull), state: FullState { parts } }
    }

    /// The bytes of the user state.
    pub fn state_len(&self) -> usize {
        self.state.encoded_len()
    }

    /// The message as a peer reads it.
    pub fn into_message(self) -> StreamMessage {
        let Self { mut message, state } = self;
        if let StreamMessage::PushPull(push_pull) = &mut message
            && !state.parts.is_empty()
        {
            push_pull.user_state = Bytes::from(state.encode_to_vec());
        }
        message
    }

    /// The encoded message without a label, in pieces to be sent in order. The state is not copied.
    pub fn into_pieces(self) -> Vec<Bytes> {
        let Self { message, state } = self;
        match &message {
            StreamMessage::PushPull(push_pull) if !state.parts.is_empty() => {
                let head = stream::encode_push_pull_head(push_pull, state.encoded_len());
                std::iter::once(head.into()).chain(state.pieces()).collect()
            }
            _ => vec![stream::encode(&message, Compression::None).into()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_message() {
        let part = |key: &str, data: &'static [u8]| Part { key: key.into(), data: data.into() };
        for parts in [
            vec![],
            vec![part("nfl", b"")],
            vec![part("nfl", &[7; 200]), part("sil", b"state"), part("", b"")],
        ] {
            let push_pull = PushPull { join: true, ..PushPull::default() };
            let payload = StreamPayload::with_state(push_pull, parts);
            let whole = stream::encode(&payload.clone().into_message(), Compression::None);
            assert_eq!(payload.into_pieces().concat(), whole);
        }
    }
}
