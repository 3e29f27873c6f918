//! How are two clusters kept apart that share a network?
//!
//! By a label that every datagram begins with, and every stream on the side of its initiator;
//! answers have none. Ours and theirs must be equal, also in that both have none.

use crate::message::Label;
use crate::wire::{WireError, type_byte};

/// What a datagram or the stream of an initiator begins with; empty if the label is.
pub(super) fn header(label: &Label) -> Vec<u8> {
    match u8::try_from(label.as_bytes().len()) {
        Ok(length @ 1..) => [&[type_byte::LABEL, length], label.as_bytes()].concat(),
        _ => Vec::new(),
    }
}

/// What follows the label. `Truncated` if more bytes could still make it ours.
pub(super) fn strip<'a>(label: &Label, bytes: &'a [u8]) -> Result<&'a [u8], WireError> {
    let truncated = || WireError::Truncated { what: "a label" };
    let found = match bytes.split_first() {
        Some((&type_byte::LABEL, rest)) => rest,
        None if !label.is_empty() => return Err(truncated()),
        _ => return if label.is_empty() { Ok(bytes) } else { Err(WireError::Label) },
    };
    let (&length, rest) = found.split_first().ok_or_else(truncated)?;
    let (found, rest) = rest.split_at_checked(usize::from(length)).ok_or_else(truncated)?;
    // An empty label is never written, so it is not ours either.
    if found.is_empty() || found != label.as_bytes() { Err(WireError::Label) } else { Ok(rest) }
}
