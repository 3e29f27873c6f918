//! URLs: schemes that may be followed, and bytes that need not be encoded.

use super::FAILSAFE;
use crate::print::Sink;
use crate::value::Trust;

/// Which bytes stay as they are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// Those that have a meaning in a URL, and what is encoded already.
    Normal,
    /// Only those that have none.
    Part,
}

/// Lets a URL through whose scheme runs no code.
pub(super) fn filter(sink: &mut Sink, bytes: &[u8], trust: Option<Trust>) {
    if trust == Some(Trust::Url) || is_safe(bytes) {
        sink.push(bytes);
    } else {
        sink.push_str("#");
        sink.push_str(FAILSAFE);
    }
}

pub(super) fn encode(sink: &mut Sink, bytes: &[u8], keep: Keep) {
    let mut start = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let kept = match byte {
            b'-' | b'.' | b'_' | b'~' => true,
            b'%' => {
                let digits = bytes.get(at + 1..at + 3).unwrap_or_default();
                keep == Keep::Normal
                    && digits.len() == 2
                    && digits.iter().all(u8::is_ascii_hexdigit)
            }
            _ if byte.is_ascii_alphanumeric() => true,
            _ => keep == Keep::Normal && b"!#$&*+,/:;=?@[]".contains(byte),
        };
        if kept {
            continue;
        }
        sink.push(bytes.get(start..at).unwrap_or_default());
        sink.push_str(&format!("%{byte:02x}"));
        start = at + 1;
    }
    sink.push(bytes.get(start..).unwrap_or_default());
}

/// A list of URLs, each with a description behind it.
pub(super) fn srcset(sink: &mut Sink, bytes: &[u8], trust: Option<Trust>) {
    match trust {
        Some(Trust::Srcset) => sink.push(bytes),
        Some(Trust::Url) => {
            let mut inner = sink.sibling();
            encode(&mut inner, bytes, Keep::Normal);
            sink.inherit(&inner);
            // A comma would begin the next URL.
            for (position, part) in inner.bytes.split(|byte| *byte == b',').enumerate() {
                if position > 0 {
                    sink.push_str("%2c");
                }
                sink.push(part);
            }
        }
        _ => {
            for (position, part) in bytes.split(|byte| *byte == b',').enumerate() {
                if position > 0 {
                    sink.push_str(",");
                }
                candidate(sink, part);
            }
        }
    }
}

fn candidate(sink: &mut Sink, bytes: &[u8]) {
    let spaces = bytes.iter().take_while(|byte| is_space(**byte)).count();
    let (lead, rest) = bytes.split_at(spaces);
    let length = rest.iter().take_while(|byte| !is_space(**byte)).count();
    let (address, description) = rest.split_at(length);
    let plain = description.iter().all(|byte| is_space(*byte) || byte.is_ascii_alphanumeric());
    if is_safe(address) && plain {
        sink.push(lead);
        encode(sink, address, Keep::Normal);
        sink.push(description);
    } else {
        sink.push_str("#");
        sink.push_str(FAILSAFE);
    }
}

fn is_safe(bytes: &[u8]) -> bool {
    let Some(colon) = bytes.iter().position(|byte| *byte == b':') else { return true };
    let scheme = bytes.get(..colon).unwrap_or_default();
    scheme.contains(&b'/')
        || [b"http".as_slice(), b"https", b"mailto"]
            .iter()
            .any(|known| scheme.eq_ignore_ascii_case(known))
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\x0c' | b'\r' | b' ')
}
