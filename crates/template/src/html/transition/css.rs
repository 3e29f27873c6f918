//! Styles: strings, URLs and comments.

use super::super::context::{Context, State};
use super::{skip_spaces, url};
use crate::parse::quote::quote;
use crate::value::{first_char, to_utf8};

pub(super) fn style(mut context: Context, bytes: &[u8]) -> (Context, usize) {
    for (at, byte) in bytes.iter().enumerate() {
        let next = bytes.get(at + 1);
        match (byte, next) {
            (b'(', _) if ends_with_url(bytes.get(..at).unwrap_or_default()) => {
                let start = skip_spaces(bytes, at + 1);
                let (state, end) = match bytes.get(start) {
                    Some(b'"') => (State::CSSDqURL, start + 1),
                    Some(b'\'') => (State::CSSSqURL, start + 1),
                    _ => (State::CSSURL, start),
                };
                context.state = state;
                return (context, end);
            }
            (b'/', Some(b'/')) => {
                context.state = State::CSSLineCmt;
                return (context, at + 2);
            }
            (b'/', Some(b'*')) => {
                context.state = State::CSSBlockCmt;
                return (context, at + 2);
            }
            (b'"', _) => {
                context.state = State::CSSDqStr;
                return (context, at + 1);
            }
            (b'\'', _) => {
                context.state = State::CSSSqStr;
                return (context, at + 1);
            }
            _ => {}
        }
    }
    (context, bytes.len())
}

/// A string, or a URL with or without quotes.
pub(super) fn string(mut context: Context, bytes: &[u8]) -> (Context, usize) {
    let ends: &[u8] = match context.state {
        State::CSSDqStr | State::CSSDqURL => b"\"",
        State::CSSSqStr | State::CSSSqURL => b"'",
        _ => b"\t\n\x0c\r )",
    };
    let mut from = 0;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if *byte == b'\\' {
            at += 1;
            if at == bytes.len() {
                let reason = format!("unfinished escape sequence in CSS string: {}", quote(bytes));
                return (Context::failed(reason), bytes.len());
            }
            context = url(context, &decode(bytes.get(..=at).unwrap_or_default()));
            from = at + 1;
        } else if ends.contains(byte) {
            context.state = State::CSS;
            return (context, at + 1);
        }
        at += 1;
    }
    let context = url(context, &decode(bytes.get(from..).unwrap_or_default()));
    (context, bytes.len())
}

/// Escapes of CSS taken away.
pub(in super::super) fn decode(bytes: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        let (plain, escape) = rest.split_at(at);
        decoded.extend_from_slice(plain);
        let Some(behind) = escape.get(1..).filter(|behind| !behind.is_empty()) else {
            return decoded;
        };
        let digits = behind.iter().take(6).take_while(|byte| byte.is_ascii_hexdigit()).count();
        if digits == 0 {
            let length = first_char(behind).map_or(1, |(_, length)| length);
            let (char, tail) = behind.split_at(length);
            decoded.extend_from_slice(char);
            rest = tail;
            continue;
        }
        let (code, digits) = code_point(behind, digits);
        let char = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
        decoded.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
        rest = skip_space(behind.get(digits..).unwrap_or_default());
    }
    decoded.extend_from_slice(rest);
    decoded
}

/// Six digits may be one too many for a character.
fn code_point(bytes: &[u8], digits: usize) -> (u32, usize) {
    let text = to_utf8(bytes.get(..digits).unwrap_or_default());
    let code = u32::from_str_radix(&text, 16).unwrap_or(0);
    if code > u32::from(char::MAX) { (code / 16, digits - 1) } else { (code, digits) }
}

fn skip_space(bytes: &[u8]) -> &[u8] {
    match bytes {
        [b'\r', b'\n', rest @ ..] => rest,
        [b'\t' | b'\n' | b'\x0c' | b' ' | b'\r', rest @ ..] => rest,
        _ => bytes,
    }
}

pub(in super::super) fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\x0c' | b'\r' | b' ')
}

fn ends_with_url(bytes: &[u8]) -> bool {
    let spaces = bytes.iter().rev().take_while(|byte| is_space(**byte)).count();
    let Some(start) = bytes.len().checked_sub(spaces + 3) else { return false };
    let word = bytes.get(start..start + 3).unwrap_or_default();
    let before = bytes.get(..start).unwrap_or_default();
    let joined = before
        .last()
        .is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | 0x80..));
    word.eq_ignore_ascii_case(b"url") && !joined
}
