//! What comes over a connection, read as it arrives, and how is it written?
//!
//! A connection carries one message and at most one answer. Nobody may wait for its end to know
//! that a message is whole: the initiator of a push-pull keeps it open for the answer. So
//! [`StreamReader`] takes bytes as they come, in pieces of any size, and says when it has them all.
//! Here the outside is read, label and compression; [`message_reader`] reads what is in it, also
//! while it is still being decompressed.
//!
//! As in Go, a peer gets an error about a faulty envelope, and none about its content.

mod message_reader;

use std::mem;

use crate::message::{Label, PushPull, StreamMessage};
use crate::wire::lzw::{self, Inflater};
use crate::wire::msgpack::MsgpackReader;
use crate::wire::{Compression, StreamError, WireError, body, label, type_byte};
use message_reader::MessageReader;

/// Reads one message from a stream, in pieces of any size.
#[derive(Debug)]
pub struct StreamReader {
    phase: Phase,
    /// What has come and cannot be read yet, in the phases `Label` and `Frame`.
    pending: Vec<u8>,
    message: MessageReader,
    /// Limit: the layer above's part of the message.
    user_bytes_max: usize,
}

#[derive(Debug)]
enum Phase {
    /// Waits for the label.
    Label(Label),
    /// Waits for the first byte, and for the head of a compress frame.
    Frame,
    /// All that comes is the message.
    Plain,
    Compressed(Compressed),
    /// The message was handed on, or an error was.
    Over,
}

/// What has come of a compress frame.
#[derive(Debug)]
struct Compressed {
    /// Bytes still to come. They are awaited although the message may be whole before: to close a
    /// connection with unread bytes destroys an answer that is on its way.
    left: usize,
    inflater: Inflater,
    whole: Option<StreamMessage>,
}

type Result<T> = std::result::Result<T, StreamError>;

impl StreamReader {
    /// For a stream that a peer has opened: it begins with the label.
    pub fn inbound(label: &Label) -> Self {
        Self::beginning_with(Phase::Label(label.clone()))
    }

    /// For the answer on a stream that we have opened: it never has a label.
    pub fn reply() -> Self {
        Self::beginning_with(Phase::Frame)
    }

    /// Takes more, or less, of the layer above than [`USER_BYTES_MAX`].
    pub fn with_user_bytes_max(self, user_bytes_max: usize) -> Self {
        Self { user_bytes_max, message: MessageReader::new(user_bytes_max), ..self }
    }

    /// The memory that this message takes so far, decompressed.
    pub fn held_bytes(&self) -> usize {
        let whole = match &self.phase {
            Phase::Compressed(Compressed { whole: Some(message), .. }) => match message {
                StreamMessage::PushPull(push_pull) => push_pull.user_state.len(),
                StreamMessage::User(user) => user.body.len(),
                StreamMessage::Ping(_) | StreamMessage::Ack(_) | StreamMessage::Error(_) => 0,
            },
            Phase::Label(_) | Phase::Frame | Phase::Plain | Phase::Compressed(_) | Phase::Over => 0,
        };
        self.pending.capacity() + self.message.set_aside_bytes() + whole
    }

    /// Takes the next bytes; answers with the message once it is whole. After that, and after an
    /// error, whatever comes means nothing.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Option<StreamMessage>> {
        let answer = self.advance(bytes);
        if !matches!(answer, Ok(None)) {
            *self = Self::beginning_with(Phase::Over);
        }
        answer
    }

    fn beginning_with(phase: Phase) -> Self {
        let message = MessageReader::new(USER_BYTES_MAX);
        Self { phase, pending: Vec::new(), message, user_bytes_max: USER_BYTES_MAX }
    }

    fn advance(&mut self, bytes: &[u8]) -> Result<Option<StreamMessage>> {
        match &mut self.phase {
            Phase::Label(_) | Phase::Frame => {
                let mut pending = mem::take(&mut self.pending);
                pending.extend_from_slice(bytes);
                self.open(&pending)
            }
            Phase::Plain => self.message.push(bytes).map_err(StreamError::Close),
            Phase::Compressed(compressed) => compressed.push(bytes, &mut self.message),
            Phase::Over => Ok(None),
        }
    }

    /// Reads the outside, if enough of it has come.
    fn open(&mut self, mut bytes: &[u8]) -> Result<Option<StreamMessage>> {
        if let Phase::Label(label) = &self.phase {
            match label::strip(label, bytes) {
                Ok(rest) => bytes = rest,
                Err(WireError::Truncated { .. }) => return Ok(self.wait_with(bytes)),
                Err(error) => return Err(StreamError::Close(error)),
            }
            self.phase = Phase::Frame;
        }
        let rest = match bytes.split_first() {
            None => return Ok(None),
            Some((&type_byte::ENCRYPT, _)) => return Err(StreamError::Reply(WireError::Encrypted)),
            Some((&type_byte::COMPRESS, rest)) => rest,
            Some(_) => {
                self.phase = Phase::Plain;
                return self.advance(bytes);
            }
        };
        let head = read_arrived(rest, "a compress frame", body::read_compressed_length);
        match head.map_err(StreamError::Reply)? {
            None => Ok(self.wait_with(bytes)),
            Some((left, rest)) => {
                self.phase = Phase::Compressed(Compressed::new(left, self.user_bytes_max)?);
                self.advance(rest)
            }
        }
    }

    fn wait_with(&mut self, bytes: &[u8]) -> Option<StreamMessage> {
        self.pending = bytes.to_vec();
        None
    }
}

impl Compressed {
    fn new(left: usize, user_bytes_max: usize) -> Result<Self> {
        let decompressed_bytes_max = user_bytes_max.saturating_add(OTHER_BYTES_MAX);
        // What does not compress at all grows by half.
        let limit = decompressed_bytes_max.saturating_add(decompressed_bytes_max / 2);
        if left > limit {
            let error = WireError::TooLarge { what: "compressed data", limit };
            return Err(StreamError::Reply(error));
        }
        Ok(Self { left, inflater: Inflater::new(decompressed_bytes_max), whole: None })
    }

    fn push(&mut self, bytes: &[u8], message: &mut MessageReader) -> Result<Option<StreamMessage>> {
        let mut bytes = bytes.get(..self.left).unwrap_or(bytes);
        self.left -= bytes.len();
        let mut piece = [0; lzw::PIECE_BYTES];
        loop {
            let piece = self.inflater.read(&mut bytes, &mut piece).map_err(StreamError::Reply)?;
            if piece.is_empty() {
                break;
            }
            if self.whole.is_none() {
                self.whole = message.push(piece).map_err(StreamError::Close)?;
            }
        }
        if self.left > 0 {
            return Ok(None);
        }
        if !self.inflater.has_ended() {
            return Err(StreamError::Reply(WireError::Truncated { what: "compressed data" }));
        }
        let truncated = WireError::Truncated { what: "a compressed message" };
        self.whole.take().map(Some).ok_or(StreamError::Close(truncated))
    }
}

/// What an initiator sends before its message: nothing if there is no label.
pub fn label_header(label: &Label) -> Vec<u8> {
    label::header(label)
}

/// The whole message, without a label.
///
/// Peers refuse it if what the layer above says is longer than they take.
pub fn encode(message: &StreamMessage, compression: Compression) -> Vec<u8> {
    let content = match message {
        StreamMessage::PushPull(push_pull) => {
            body::write_push_pull(type_byte::PUSH_PULL, push_pull)
        }
        StreamMessage::User(message) => body::write_user_message(type_byte::USER, &message.body),
        StreamMessage::Ping(ping) => body::write_ping(type_byte::PING, ping),
        StreamMessage::Ack(ack) => body::write_ack(type_byte::ACK, ack),
        StreamMessage::Error(reply) => body::write_error_reply(type_byte::ERROR, reply),
    };
    match compression {
        Compression::None => content,
        Compression::Lzw => body::write_compressed(type_byte::COMPRESS, &lzw::compress(&content)),
    }
}

/// A push-pull up to where so many bytes of user state begin, which are sent by themselves.
pub(crate) fn encode_push_pull_head(push_pull: &PushPull, user_state_bytes: usize) -> Vec<u8> {
    body::write_push_pull_head(type_byte::PUSH_PULL, push_pull, user_state_bytes)
}

/// Reads a structure from the front of what has arrived, and answers with it and what follows.
/// `None` if the rest of it has to be awaited.
fn read_arrived<'a, T>(
    bytes: &'a [u8],
    what: &'static str,
    read: impl FnOnce(&mut MsgpackReader<'_>) -> std::result::Result<T, WireError>,
) -> std::result::Result<Option<(T, &'a [u8])>, WireError> {
    let window = bytes.get(..STRUCTURE_BYTES_MAX).unwrap_or(bytes);
    let mut reader = MsgpackReader::new(window, what);
    match read(&mut reader) {
        Ok(value) => {
            let used = window.len() - reader.rest().len();
            Ok(Some((value, bytes.get(used..).unwrap_or_default())))
        }
        Err(WireError::Truncated { .. }) if window.len() < STRUCTURE_BYTES_MAX => Ok(None),
        Err(WireError::Truncated { .. }) => {
            Err(WireError::TooLarge { what, limit: STRUCTURE_BYTES_MAX })
        }
        Err(error) => Err(error),
    }
}

/// Limit: the layer above's part of a push-pull, or a user message, unless the reader is given
/// another one.
pub const USER_BYTES_MAX: usize = 20 << 20;
/// Limit: what a compressed message may stand for beyond that.
const OTHER_BYTES_MAX: usize = 20 << 20;
/// Limit: the nodes that a push-pull may claim to bring, as in Go.
pub const NODES_MAX: usize = 1 << 20;
/// Limit: the memory that the nodes of one push-pull take. They can be written much shorter than
/// they are kept.
pub const NODES_MEMORY_BYTES_MAX: usize = 32 << 20;
/// Limit: one node, header or small message. The longest that anybody writes has 1.2 kB.
const STRUCTURE_BYTES_MAX: usize = 8 << 10;

#[cfg(test)]
mod tests;
