//! How are messages compressed, and how is that undone without being blown up?
//!
//! LZW as GIF has it: least significant bit first, literals of eight bits. Go sends everything
//! over streams so, and in datagrams what becomes shorter. Twelve bits can stand for four thousand
//! bytes, so that a small frame can claim a thousand times its size: [`Inflater`] works on pieces
//! and stops at a limit, before it has put more than that aside.

use weezl::{BitOrder, LzwStatus, decode, encode};

use crate::wire::WireError;

/// Decompresses bytes as they come.
pub(super) struct Inflater {
    decoder: decode::Decoder,
    /// How many bytes may still come out.
    left: usize,
    limit: usize,
    malformed: bool,
}

impl Inflater {
    pub(super) fn new(limit: usize) -> Self {
        let decoder = decode::Decoder::new(BitOrder::Lsb, LITERAL_BITS);
        Self { decoder, left: limit, limit, malformed: false }
    }

    /// Takes bytes off the front of `bytes` until `piece` is full, and answers with what they stand
    /// for; nothing if more bytes are needed. Bytes after the end of the data mean nothing.
    pub(super) fn read<'p>(
        &mut self,
        bytes: &mut &[u8],
        piece: &'p mut [u8],
    ) -> Result<&'p [u8], WireError> {
        let mut filled = 0;
        while !self.malformed && !self.decoder.has_ended() && filled < piece.len() {
            let step =
                self.decoder.decode_bytes(bytes, piece.get_mut(filled..).unwrap_or_default());
            *bytes = bytes.get(step.consumed_in..).unwrap_or_default();
            filled += step.consumed_out;
            match step.status {
                // Also if nothing was consumed: a cleared table, and codes that were read before.
                Ok(LzwStatus::Ok) => {}
                Ok(LzwStatus::NoProgress | LzwStatus::Done) => break,
                Err(_) => self.malformed = true,
            }
        }
        // What came before it is handed on first, however the bytes were cut.
        if self.malformed && filled == 0 {
            return Err(WireError::Malformed { what: "compressed data" });
        }
        self.left = self
            .left
            .checked_sub(filled)
            .ok_or(WireError::TooLarge { what: "decompressed data", limit: self.limit })?;
        Ok(piece.get(..filled).unwrap_or_default())
    }

    /// Whether the end of the data was among what was pushed.
    pub(super) fn has_ended(&self) -> bool {
        self.decoder.has_ended()
    }
}

impl std::fmt::Debug for Inflater {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inflater").field("left", &self.left).finish_non_exhaustive()
    }
}

/// Decompresses all of it, to at most `limit` bytes.
pub(super) fn decompress(mut bytes: &[u8], limit: usize) -> Result<Vec<u8>, WireError> {
    let mut out = Vec::new();
    let mut inflater = Inflater::new(limit);
    let mut piece = [0; PIECE_BYTES];
    loop {
        let piece = inflater.read(&mut bytes, &mut piece)?;
        if piece.is_empty() {
            break;
        }
        out.extend_from_slice(piece);
    }
    if !inflater.has_ended() {
        return Err(WireError::Truncated { what: "compressed data" });
    }
    Ok(out)
}

pub(super) fn compress(bytes: &[u8]) -> Vec<u8> {
    encode::Encoder::new(BitOrder::Lsb, LITERAL_BITS)
        .encode(bytes)
        .expect("every byte is a literal of eight bits")
}

const LITERAL_BITS: u8 = 8;
/// A good size for what is decompressed at a time.
pub(super) const PIECE_BYTES: usize = 8 << 10;

#[cfg(test)]
mod tests;
