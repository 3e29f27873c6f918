//! Go's quoted strings, read and written.

use crate::value::to_utf8_char;

/// A Go string with quotes and escapes, as `%q` prints it.
pub(crate) fn quote(bytes: &[u8]) -> String {
    quote_with(bytes, '"', false)
}

/// Quotes with the given quote sign; everything that is not ASCII is escaped if asked for.
pub(crate) fn quote_with(bytes: &[u8], sign: char, ascii_only: bool) -> String {
    let mut quoted = String::with_capacity(bytes.len() + 2);
    quoted.push(sign);
    let mut rest = bytes;
    while let Some((char, length)) = to_utf8_char(rest) {
        match char {
            Some(char) => push_escaped(&mut quoted, char, sign, ascii_only),
            None => quoted.push_str(&format!("\\x{:02x}", rest.first().copied().unwrap_or(0))),
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    quoted.push(sign);
    quoted
}

/// One character as it stands between quotes.
pub(crate) fn push_escaped(quoted: &mut String, char: char, sign: char, ascii_only: bool) {
    match char {
        _ if char == sign || char == '\\' => {
            quoted.push('\\');
            quoted.push(char);
        }
        '\u{7}' => quoted.push_str("\\a"),
        '\u{8}' => quoted.push_str("\\b"),
        '\u{c}' => quoted.push_str("\\f"),
        '\n' => quoted.push_str("\\n"),
        '\r' => quoted.push_str("\\r"),
        '\t' => quoted.push_str("\\t"),
        '\u{b}' => quoted.push_str("\\v"),
        _ if (char.is_ascii() || !ascii_only) && is_printable(char) => quoted.push(char),
        _ => {
            let code = u32::from(char);
            quoted.push_str(&match code {
                0..0x20 | 0x7f => format!("\\x{code:02x}"),
                0x20..0x10000 => format!("\\u{code:04x}"),
                _ => format!("\\U{code:08x}"),
            });
        }
    }
}

/// Whether Go shows the character as it is.
///
/// The standard library knows it only by way of how it escapes characters for debugging, which
/// also escapes marks that combine with the character before.
pub(crate) fn is_printable(char: char) -> bool {
    if char.is_ascii() {
        return (' '..='~').contains(&char);
    }
    char.is_alphanumeric()
        || matches!(char, '\u{300}'..='\u{36f}' | '\u{fe00}'..='\u{fe0f}')
        || char.escape_debug().len() == 1
}

/// The content of a quoted or raw string; `None` if it is none.
pub(crate) fn unquote(quoted: &str) -> Option<Vec<u8>> {
    if let Some(raw) = quoted.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) {
        return Some(raw.replace('\r', "").into_bytes());
    }
    let mut rest = quoted.strip_prefix('"')?.strip_suffix('"')?;
    let mut content = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        let (unit, tail) = unescape(rest, '"')?;
        match unit {
            Unit::Byte(byte) => content.push(byte),
            Unit::Char(char) => content.extend(char.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        rest = tail;
    }
    Some(content)
}

/// What one escape stands for.
pub(crate) enum Unit {
    Byte(u8),
    Char(char),
}

/// The first character of what stands between quotes, and what follows it.
pub(crate) fn unescape(text: &str, sign: char) -> Option<(Unit, &str)> {
    let mut chars = text.chars();
    let first = chars.next()?;
    if first == sign || first == '\n' {
        return None;
    }
    if first != '\\' {
        return Some((Unit::Char(first), chars.as_str()));
    }
    let escape = chars.next()?;
    let simple = match escape {
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        '\\' => '\\',
        '\'' | '"' if escape == sign => sign,
        'x' => return digits(chars.as_str(), 2, 16).and_then(as_byte),
        'u' => return digits(chars.as_str(), 4, 16).and_then(as_char),
        'U' => return digits(chars.as_str(), 8, 16).and_then(as_char),
        '0'..='7' => return digits(text.get(1..)?, 3, 8).and_then(as_byte),
        _ => return None,
    };
    Some((Unit::Char(simple), chars.as_str()))
}

fn digits(text: &str, count: usize, base: u32) -> Option<(u32, &str)> {
    let number = text.get(..count)?;
    if !number.chars().all(|char| char.is_digit(base)) {
        return None;
    }
    Some((u32::from_str_radix(number, base).ok()?, text.get(count..)?))
}

fn as_byte((number, rest): (u32, &str)) -> Option<(Unit, &str)> {
    Some((Unit::Byte(u8::try_from(number).ok()?), rest))
}

fn as_char((number, rest): (u32, &str)) -> Option<(Unit, &str)> {
    Some((Unit::Char(char::from_u32(number)?), rest))
}
