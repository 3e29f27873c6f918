//! Frames: a byte of flags, the length, the message.

use bytes::{BufMut as _, Bytes, BytesMut};

use crate::error::{Code, RpcError};
use crate::gzip;
use crate::protocol::FLAG_COMPRESSED;

/// The frame of a message, compressed if the client has asked for it.
///
/// # Errors
/// If it is longer than `bytes_max`.
pub(crate) fn frame(
    flags: u8,
    message: Vec<u8>,
    compress: bool,
    bytes_max: Option<usize>,
) -> Result<Bytes, RpcError> {
    let (flags, message) = if compress {
        (flags | FLAG_COMPRESSED, gzip::compress(&message))
    } else {
        (flags, message)
    };
    check_length(&message, compress, bytes_max)?;
    let mut frame = BytesMut::with_capacity(HEAD_BYTES + message.len());
    frame.put_u8(flags);
    // Nothing that this server sends comes near 4 GiB.
    frame.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    frame.put_slice(&message);
    Ok(frame.freeze())
}

pub(crate) fn check_length(
    message: &[u8],
    is_compressed: bool,
    bytes_max: Option<usize>,
) -> Result<(), RpcError> {
    let Some(max) = bytes_max.filter(|max| message.len() > *max) else { return Ok(()) };
    let what = if is_compressed { "compressed message" } else { "message" };
    let text = format!("{what} size {} exceeds sendMaxBytes {max}", message.len());
    Err(RpcError::new(Code::ResourceExhausted, text))
}

/// Bytes before the message.
pub(crate) const HEAD_BYTES: usize = 5;
