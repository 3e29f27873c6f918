//! Go's double-quoted string literals, read.

/// What a literal such as `"a\tb\u00e9"` stands for; `text` includes the quotes.
///
/// `None` if Go refuses it, or if its bytes (`"\xff"`) are not UTF-8.
pub fn unquoted(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut bytes = Vec::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' | '\n' => return None,
            '\\' => push_escaped(&mut bytes, &mut chars)?,
            c => push_char(&mut bytes, c),
        }
    }
    String::from_utf8(bytes).ok()
}

/// Reads behind a backslash.
fn push_escaped(bytes: &mut Vec<u8>, chars: &mut std::str::Chars<'_>) -> Option<()> {
    let letter = chars.next()?;
    match letter {
        'a' => bytes.push(0x07),
        'b' => bytes.push(0x08),
        'f' => bytes.push(0x0c),
        'n' => bytes.push(b'\n'),
        'r' => bytes.push(b'\r'),
        't' => bytes.push(b'\t'),
        'v' => bytes.push(0x0b),
        '\\' | '"' => push_char(bytes, letter),
        // One byte, not one character.
        'x' => bytes.push(u8::try_from(number(chars, 2, 16, 0)?).ok()?),
        'u' => push_char(bytes, char::from_u32(number(chars, 4, 16, 0)?)?),
        'U' => push_char(bytes, char::from_u32(number(chars, 8, 16, 0)?)?),
        '0'..='7' => {
            let first = letter.to_digit(8)?;
            bytes.push(u8::try_from(number(chars, 2, 8, first)?).ok()?);
        }
        _ => return None,
    }
    Some(())
}

/// The digits in `first`, followed by exactly `count` more.
fn number(chars: &mut std::str::Chars<'_>, count: u32, radix: u32, first: u32) -> Option<u32> {
    let mut value = first;
    for _ in 0..count {
        value = value.checked_mul(radix)?.checked_add(chars.next()?.to_digit(radix)?)?;
    }
    Some(value)
}

fn push_char(bytes: &mut Vec<u8>, c: char) {
    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}
