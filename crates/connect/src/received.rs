//! The messages of a request, as they come.
//!
//! In: the body of the request. Out: one message after the other, decompressed; or what is wrong with
//! them. Memory is charged as it is taken.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use bellwether_model::quote::quoted;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use tokio::time::timeout;

use crate::budget::Share;
use crate::envelope::HEAD_BYTES;
use crate::error::{Code, RpcError};
use crate::gzip;
use crate::protocol::{FLAG_COMPRESSED, Protocol};

/// The messages of one request.
pub(crate) struct Received {
    body: Body,
    protocol: Protocol,
    /// Whether the client says that it compresses.
    may_be_compressed: bool,
    limits: Limits,
    share: Share,
    /// What has come and is not read.
    buffer: BytesMut,
    /// Bytes of the body that have come.
    body_bytes: usize,
    has_ended: bool,
}

/// How much may come.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// Limit: bytes of one message, as sent and decompressed.
    pub message_bytes_max: usize,
    /// Limit: bytes of the whole body.
    pub body_bytes_max: Option<usize>,
}

/// One message; one of no bytes at all is the message without fields, in all forms.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Message {
    Empty,
    Bytes(Bytes),
}

/// Why no more of the body comes.
enum Broken {
    TooLong {
        bytes_max: usize,
    },
    NoRoom,
    /// Nothing came for [`PROGRESS_MAX`].
    NoProgress,
    /// The client has gone.
    Gone,
}

impl Received {
    pub fn new(
        body: Body,
        protocol: Protocol,
        may_be_compressed: bool,
        limits: Limits,
        share: Share,
    ) -> Self {
        Received {
            body,
            protocol,
            may_be_compressed,
            limits,
            share,
            buffer: BytesMut::new(),
            body_bytes: 0,
            has_ended: false,
        }
    }

    /// The only message of a call to which one message is sent.
    pub async fn only(&mut self) -> Result<Message, RpcError> {
        if self.protocol == Protocol::ConnectUnary {
            return self.whole().await;
        }
        let wrong = |count: &str| {
            RpcError::new(Code::Unimplemented, format!("unary request has {count} messages"))
        };
        let only = self.next(Wait::ForClient).await?.ok_or_else(|| wrong("zero"))?;
        match self.next(Wait::ForClient).await? {
            None => Ok(only),
            Some(_) => Err(wrong("multiple")),
        }
    }

    /// The next message of a stream; `None` at its end.
    pub async fn following(&mut self) -> Result<Option<Message>, RpcError> {
        self.next(Wait::ForEver).await
    }

    /// The body as one message.
    async fn whole(&mut self) -> Result<Message, RpcError> {
        let max = self.limits.message_bytes_max;
        let too_large = |size: u64| {
            let text = format!("message size {size} is larger than configured max {max}");
            RpcError::new(Code::ResourceExhausted, text)
        };
        let announced = self.body.size_hint().exact();
        if let Some(size) = announced.filter(|size| {
            *size > max as u64 && self.limits.body_bytes_max.is_none_or(|most| *size <= most as u64)
        }) {
            return Err(too_large(size));
        }
        while self.buffer.len() <= max {
            match self.more(Wait::ForClient).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(broken) if self.buffer.len() > max => {
                    return Err(undetermined(max, &broken));
                }
                Err(broken) => {
                    let read = self.buffer.len();
                    return Err(broken.error(&format!("read first {read} bytes of message")));
                }
            }
        }
        if self.buffer.len() > max {
            return Err(self.count_rest(max).await.map_or_else(|error| error, too_large));
        }
        let bytes = std::mem::take(&mut self.buffer).freeze();
        if !bytes.is_empty() && self.may_be_compressed {
            return self.decompressed(&bytes).map(Message::Bytes);
        }
        Ok(Message::Bytes(bytes))
    }

    /// How long a message is that is too long; its bytes are not kept.
    async fn count_rest(&mut self, max: usize) -> Result<u64, RpcError> {
        let mut size = 0;
        let larger = format!("message is larger than configured max {max}");
        loop {
            size += self.buffer.len() as u64;
            self.buffer.clear();
            self.share.release();
            if size > COUNTED_BYTES_MAX {
                return Err(RpcError::new(Code::ResourceExhausted, larger));
            }
            match self.more(Wait::ForClient).await {
                Ok(true) => {}
                Ok(false) => return Ok(size),
                Err(broken) => return Err(undetermined(max, &broken)),
            }
        }
    }

    async fn next(&mut self, first: Wait) -> Result<Option<Message>, RpcError> {
        self.share.release();
        let mut wait = first;
        while self.buffer.len() < HEAD_BYTES {
            if !self.buffer.is_empty() {
                wait = Wait::ForClient;
            }
            match self.more(wait).await {
                Ok(true) => {}
                Ok(false) if self.buffer.is_empty() => return Ok(None),
                Ok(false) => {
                    let text = "protocol error: incomplete envelope: unexpected EOF";
                    return Err(RpcError::new(Code::Internal, text));
                }
                Err(broken) => return Err(broken.error("read 5 byte message prefix")),
            }
        }
        let head = self.buffer.split_to(HEAD_BYTES);
        let flags = head.first().copied().unwrap_or_default();
        let length = head.iter().skip(1).fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
        let max = self.limits.message_bytes_max;
        if length > max {
            let text = format!("message size {length} is larger than configured max {max}");
            return Err(RpcError::new(Code::ResourceExhausted, text));
        }
        while self.buffer.len() < length {
            match self.more(Wait::ForClient).await {
                Ok(true) => {}
                Ok(false) => {
                    let text = format!(
                        "protocol error: promised {length} bytes in enveloped message, got {} \
                         bytes: unexpected EOF",
                        self.buffer.len()
                    );
                    return Err(RpcError::new(Code::Internal, text));
                }
                Err(broken) => return Err(broken.error(&format!("read {length} byte message"))),
            }
        }
        let bytes = self.buffer.split_to(length).freeze();
        self.message(flags, bytes).await
    }

    async fn message(&mut self, flags: u8, bytes: Bytes) -> Result<Option<Message>, RpcError> {
        let is_compressed = flags & FLAG_COMPRESSED != 0;
        if is_compressed && !self.may_be_compressed {
            let text = "protocol error: sent compressed message without compression support";
            return Err(RpcError::new(Code::Internal, text));
        }
        let is_special = flags & !FLAG_COMPRESSED != 0;
        if bytes.is_empty() && !is_special {
            return Ok(Some(Message::Empty));
        }
        let bytes =
            if is_compressed && !bytes.is_empty() { self.decompressed(&bytes)? } else { bytes };
        if !is_special {
            return Ok(Some(Message::Bytes(bytes)));
        }
        self.nothing_behind().await?;
        if !self.protocol.is_end(flags) {
            let text = format!("protocol error: invalid envelope flags {flags}");
            return Err(RpcError::new(Code::Internal, text));
        }
        match self.protocol {
            Protocol::ConnectStream => check_end(&bytes)?,
            Protocol::GrpcWeb => check_trailers(&bytes)?,
            Protocol::ConnectUnary | Protocol::Grpc => {}
        }
        Ok(None)
    }

    /// What is behind the last frame is an error.
    async fn nothing_behind(&mut self) -> Result<(), RpcError> {
        let mut extra = self.buffer.len();
        self.buffer.clear();
        while extra <= EXTRA_BYTES_MAX && matches!(self.more(Wait::ForClient).await, Ok(true)) {
            extra += self.buffer.len();
            self.buffer.clear();
            self.share.release();
        }
        if extra == 0 {
            return Ok(());
        }
        let text = format!("corrupt response: {extra} extra bytes after end of stream");
        Err(RpcError::new(Code::Internal, text))
    }

    fn decompressed(&mut self, bytes: &[u8]) -> Result<Bytes, RpcError> {
        let decompressed = gzip::decompress(bytes, self.limits.message_bytes_max)?;
        if !self.share.take(decompressed.len()) {
            return Err(Broken::NoRoom.error(""));
        }
        Ok(decompressed.into())
    }

    /// Waits for more of the body; `false` at its end.
    async fn more(&mut self, wait: Wait) -> Result<bool, Broken> {
        while !self.has_ended {
            let frame = match wait {
                Wait::ForEver => self.body.frame().await,
                Wait::ForClient => match timeout(PROGRESS_MAX, self.body.frame()).await {
                    Ok(frame) => frame,
                    Err(_) => return Err(Broken::NoProgress),
                },
            };
            let Some(frame) = frame else { break };
            let frame = frame.map_err(|_| Broken::Gone)?;
            let Ok(data) = frame.into_data() else { continue };
            if data.is_empty() {
                continue;
            }
            if let Some(bytes_max) = self.limits.body_bytes_max {
                let left = bytes_max - self.body_bytes;
                if data.len() > left {
                    self.buffer.extend_from_slice(data.get(..left).unwrap_or_default());
                    return Err(Broken::TooLong { bytes_max });
                }
            }
            if !self.share.take(data.len()) {
                return Err(Broken::NoRoom);
            }
            self.body_bytes += data.len();
            self.buffer.extend_from_slice(&data);
            return Ok(true);
        }
        self.has_ended = true;
        Ok(false)
    }
}

/// How long to wait for a part of the body.
#[derive(Clone, Copy)]
enum Wait {
    /// It is to come soon.
    ForClient,
    /// It may come whenever the client likes.
    ForEver,
}

impl Broken {
    fn reason(&self) -> String {
        match self {
            Broken::TooLong { .. } => "http: request body too large".into(),
            Broken::NoRoom => "the messages of all calls take too much memory".into(),
            Broken::NoProgress => {
                format!("nothing of the request came for {} s", PROGRESS_MAX.as_secs())
            }
            Broken::Gone => "client disconnected".into(),
        }
    }

    fn error(self, doing: &str) -> RpcError {
        match self {
            Broken::TooLong { bytes_max } => RpcError::new(
                Code::ResourceExhausted,
                format!("{doing}: exceeded {bytes_max} byte http.MaxBytesReader limit"),
            ),
            Broken::NoRoom => RpcError::new(Code::ResourceExhausted, self.reason()),
            Broken::NoProgress => RpcError::new(Code::DeadlineExceeded, self.reason()),
            Broken::Gone => RpcError::new(Code::Canceled, self.reason()),
        }
    }
}

/// A message is too long, and by how much is not known.
fn undetermined(max: usize, broken: &Broken) -> RpcError {
    let reason = broken.reason();
    let text = format!(
        "message is larger than configured max {max} - unable to determine message size: {reason}"
    );
    RpcError::new(Code::ResourceExhausted, text)
}

/// The last frame of a Connect stream is an object.
fn check_end(bytes: &[u8]) -> Result<(), RpcError> {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    let reason = match first {
        Some(b'{') => return Ok(()),
        None => "unexpected end of JSON input".to_owned(),
        Some(other) => {
            let shown = quoted(&char::from(*other).to_string());
            let shown = shown.trim_matches('"');
            format!("invalid character '{shown}' looking for beginning of value")
        }
    };
    Err(RpcError::new(Code::Internal, format!("unmarshal end stream message: {reason}")))
}

/// The last frame of gRPC-Web consists of headers.
fn check_trailers(bytes: &[u8]) -> Result<(), RpcError> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.split('\n').map(|line| line.trim_end_matches('\r'));
    match lines.find(|line| !line.is_empty() && !line.contains(':')) {
        None => Ok(()),
        Some(line) => {
            let text = format!(
                "gRPC-Web protocol error: trailers invalid: malformed MIME header: missing colon: {}",
                quoted(line)
            );
            Err(RpcError::new(Code::Internal, text))
        }
    }
}

/// Limit: time without a byte of a message that has begun, or of a request that has one message.
const PROGRESS_MAX: Duration = Duration::from_secs(30);
/// Limit: bytes that are read of a message that is too long, only to say how long it is.
const COUNTED_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Limit: bytes that are read behind the end of a stream, as in Go.
const EXTRA_BYTES_MAX: usize = 4 * 1024 * 1024;
