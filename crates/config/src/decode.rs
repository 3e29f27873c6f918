//! The text of a configuration file: UTF-8, or UTF-16 with a byte order mark, as YAML has it.

use std::borrow::Cow;

/// Why a file has no text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("not valid UTF-8: {0}")]
    Utf8(#[from] std::str::Utf8Error),
    /// The line is counted from 1.
    #[error("not valid UTF-16, as its byte order mark promises, in line {0}")]
    Utf16(usize),
}

/// The text of a file's bytes.
///
/// # Errors
/// If they are not what the byte order mark says, or not UTF-8 without one.
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, DecodeError> {
    match bytes {
        [0xff, 0xfe, rest @ ..] => decode_utf16(rest, u16::from_le_bytes).map(Cow::Owned),
        [0xfe, 0xff, rest @ ..] => decode_utf16(rest, u16::from_be_bytes).map(Cow::Owned),
        _ => Ok(Cow::Borrowed(std::str::from_utf8(bytes)?)),
    }
}

fn decode_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, DecodeError> {
    let (pairs, odd) = bytes.as_chunks();
    let mut text = String::with_capacity(bytes.len());
    for c in char::decode_utf16(pairs.iter().copied().map(unit)) {
        match c {
            Ok(c) => text.push(c),
            Err(_) => return Err(utf16_error(&text)),
        }
    }
    if odd.is_empty() { Ok(text) } else { Err(utf16_error(&text)) }
}

fn utf16_error(before: &str) -> DecodeError {
    DecodeError::Utf16(before.matches('\n').count() + 1)
}

#[cfg(test)]
mod tests {
    use super::{DecodeError, decode};

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(bytes).collect()
    }

    #[test]
    fn utf16_is_read_in_both_orders() {
        let text = "a: ü 🐑\nb: 2\n";
        for bytes in [utf16(text, u16::to_le_bytes), utf16(text, u16::to_be_bytes)] {
            assert_eq!(decode(&bytes).as_deref(), Ok(text));
        }
        assert_eq!(decode(text.as_bytes()).as_deref(), Ok(text));
        assert_eq!(decode(b"").as_deref(), Ok(""));
    }

    #[test]
    fn half_a_character_is_an_error_with_its_line() {
        let mut bytes = utf16("a: 1\nb: 🐑", u16::to_le_bytes);
        bytes.truncate(bytes.len() - 2);
        assert_eq!(decode(&bytes), Err(DecodeError::Utf16(2)));
        bytes.truncate(bytes.len() - 1);
        assert_eq!(decode(&bytes), Err(DecodeError::Utf16(2)));
        let error = decode(b"a: \xfc").expect_err("Latin-1").to_string();
        assert!(error.starts_with("not valid UTF-8: invalid utf-8 sequence"), "{error}");
    }
}
