//! A cursor over one JSON text.
//!
//! In: a text that may be anything. Out: values one after the other, strings borrowed where they
//! carry no escapes, or the first [`SyntaxError`] in the words of Go's `encoding/json`.
//!
//! The caller knows which kind a value should have: it asks for the [`Kind`] that comes next, and
//! reads or skips it. Nothing after the first complete value is read.

use std::borrow::Cow;

use bellwether_model::quote::quoted;

use bellwether_encoding::word;

/// A position in one JSON text.
pub struct JsonReader<'a> {
    text: &'a str,
    at: usize,
    /// Arrays and objects that are open.
    depth: usize,
}

/// What the next value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Null,
    Boolean,
    Number,
    String,
    Array,
    Object,
}

/// The text is not JSON; prints what Go prints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError(pub String);

type Read<T> = Result<T, SyntaxError>;

impl<'a> JsonReader<'a> {
    pub fn new(text: &'a str) -> Self {
        JsonReader { text, at: 0, depth: 0 }
    }

    /// Whether only whitespace is left.
    pub fn is_at_end(&mut self) -> bool {
        self.space();
        self.at >= self.text.len()
    }

    /// What the next value is; it is not consumed.
    pub fn kind(&mut self) -> Read<Kind> {
        self.space();
        match self.byte() {
            Some(b'"') => Ok(Kind::String),
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'n') => Ok(Kind::Null),
            Some(b't' | b'f') => Ok(Kind::Boolean),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            _ => Err(self.unexpected("looking for beginning of value")),
        }
    }

    /// Reads `null`, to be called where [`JsonReader::kind`] announced it.
    pub fn null(&mut self) -> Read<()> {
        self.literal("null")
    }

    /// Reads `true` or `false`, to be called where [`JsonReader::kind`] announced it.
    pub fn boolean(&mut self) -> Read<bool> {
        let value = self.byte() == Some(b't');
        self.literal(if value { "true" } else { "false" })?;
        Ok(value)
    }

    /// Reads a string, to be called where [`JsonReader::kind`] announced it.
    pub fn string(&mut self) -> Read<Cow<'a, str>> {
        let start = self.at + 1;
        self.at = self.end_of_plain(start);
        match self.byte() {
            Some(b'"') => {
                let plain = self.between(start, self.at);
                self.at += 1;
                Ok(Cow::Borrowed(plain))
            }
            _ => self.escaped_string(start).map(Cow::Owned),
        }
    }

    /// Steps into an array, to be called where [`JsonReader::kind`] announced it.
    pub fn open_array(&mut self) -> Read<()> {
        self.open()
    }

    /// Moves on to the next element; `false` if the array is over. `first` starts out true.
    pub fn next_element(&mut self, first: &mut bool) -> Read<bool> {
        self.space();
        match (self.byte(), *first) {
            (Some(b']'), _) => {
                self.close();
                return Ok(false);
            }
            (Some(b','), false) => self.at += 1,
            (_, true) => {}
            (_, false) => return Err(self.unexpected("after array element")),
        }
        *first = false;
        Ok(true)
    }

    /// Steps into an object, to be called where [`JsonReader::kind`] announced it.
    pub fn open_object(&mut self) -> Read<()> {
        self.open()
    }

    /// The next key; `None` if the object is over. `first` starts out true.
    pub fn next_key(&mut self, first: &mut bool) -> Read<Option<Cow<'a, str>>> {
        self.space();
        match (self.byte(), *first) {
            (Some(b'}'), _) => {
                self.close();
                return Ok(None);
            }
            (Some(b','), false) => {
                self.at += 1;
                self.space();
            }
            (_, true) => {}
            (_, false) => return Err(self.unexpected("after object key:value pair")),
        }
        *first = false;
        if self.byte() != Some(b'"') {
            return Err(self.unexpected("looking for beginning of object key string"));
        }
        let key = self.string()?;
        self.space();
        if self.byte() != Some(b':') {
            return Err(self.unexpected("after object key"));
        }
        self.at += 1;
        Ok(Some(key))
    }

    /// Reads over one value of any kind and depth.
    pub fn skip(&mut self) -> Read<()> {
        // The state of each open container: whether it is an array, and whether it is still empty.
        let mut open: Vec<(bool, bool)> = Vec::new();
        loop {
            match self.kind()? {
                Kind::Null => self.null()?,
                Kind::Boolean => drop(self.boolean()?),
                Kind::Number => self.number()?,
                Kind::String => drop(self.string()?),
                kind @ (Kind::Array | Kind::Object) => {
                    self.open()?;
                    open.push((kind == Kind::Array, true));
                }
            }
            loop {
                let Some((is_array, first)) = open.last_mut() else { return Ok(()) };
                let more = if *is_array {
                    self.next_element(first)?
                } else {
                    self.next_key(first)?.is_some()
                };
                if more {
                    break;
                }
                open.pop();
            }
        }
    }

    fn open(&mut self) -> Read<()> {
        if self.depth >= DEPTH_MAX {
            return Err(self.unexpected("exceeded max depth"));
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    fn close(&mut self) {
        self.depth -= 1;
        self.at += 1;
    }

    fn number(&mut self) -> Read<()> {
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        match self.byte() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(self.unexpected("in numeric literal")),
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.needs_digit("after decimal point in numeric literal")?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.byte(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.needs_digit("in exponent of numeric literal")?;
        }
        Ok(())
    }

    fn needs_digit(&mut self, place: &str) -> Read<()> {
        if !self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(self.unexpected(place));
        }
        self.digits();
        Ok(())
    }

    fn digits(&mut self) {
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
    }

    fn literal(&mut self, word: &str) -> Read<()> {
        for expected in word.bytes() {
            if self.byte() != Some(expected) {
                let place = format!("in literal {word} (expecting '{}')", char::from(expected));
                return Err(self.unexpected(&place));
            }
            self.at += 1;
        }
        Ok(())
    }

    /// The rest of a string from the first character that is not plain.
    #[cold]
    fn escaped_string(&mut self, start: usize) -> Read<String> {
        let mut out = String::from(self.between(start, self.at));
        loop {
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    self.at += 1;
                    out.push(self.escape()?);
                }
                _ => return Err(self.unexpected("in string literal")),
            }
            let plain = self.at;
            self.at = self.end_of_plain(plain);
            out.push_str(self.between(plain, self.at));
        }
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Read<char> {
        let character = match self.byte() {
            Some(plain @ (b'"' | b'\\' | b'/')) => char::from(plain),
            Some(b'b') => '\u{08}',
            Some(b'f') => '\u{0c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode_escape();
            }
            _ => return Err(self.unexpected("in string escape code")),
        };
        self.at += 1;
        Ok(character)
    }

    /// Compat: half a surrogate pair reads as U+FFFD instead of being an error.
    fn unicode_escape(&mut self) -> Read<char> {
        let unit = self.hex4()?;
        if (0xd800..0xdc00).contains(&unit) && self.between(self.at, self.at + 2) == "\\u" {
            let before = self.at;
            self.at += 2;
            let low = self.hex4()?;
            if (0xdc00..0xe000).contains(&low) {
                let code = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            // The second one is a character of its own and is read again.
            self.at = before;
        }
        Ok(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex4(&mut self) -> Read<u32> {
        let mut value = 0;
        for _ in 0..4 {
            let digit = self.byte().and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else {
                return Err(self.unexpected("in \\u hexadecimal character escape"));
            };
            value = value * 16 + digit;
            self.at += 1;
        }
        Ok(value)
    }

    /// The first position from `from` on that ends a string or needs care within one.
    fn end_of_plain(&self, from: usize) -> usize {
        let rest = self.text.as_bytes().get(from..).unwrap_or_default();
        let mut at = 0;
        for eight in rest.chunks_exact(8) {
            let word = u64::from_le_bytes(eight.try_into().expect("a chunk of eight"));
            let marks = marks(word);
            if marks != 0 {
                return from + at + (marks.trailing_zeros() / 8) as usize;
            }
            at += 8;
        }
        let tail = rest.get(at..).unwrap_or_default();
        let plain = tail.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
        from + at + plain.unwrap_or(tail.len())
    }

    /// Positions are those of ASCII characters, so they never cut one in half.
    fn between(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    fn space(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\n' | b'\t' | b'\r')) {
            self.at += 1;
        }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[cold]
    fn unexpected(&self, place: &str) -> SyntaxError {
        let Some(found) = self.text.get(self.at..).and_then(|rest| rest.chars().next()) else {
            return SyntaxError("unexpected EOF".into());
        };
        let shown = match found {
            '\'' => r"'\''".to_string(),
            '"' => "'\"'".to_string(),
            other => {
                let quoted = quoted(&other.to_string());
                format!("'{}'", quoted.trim_matches('"'))
            }
        };
        SyntaxError(format!("invalid character {shown} {place}"))
    }
}

/// Marks the first of eight bytes that is a quote, a backslash or a control character.
fn marks(word: u64) -> u64 {
    word::equal(word, b'"') | word::equal(word, b'\\') | word::below(word, b' ')
}

/// The bytes as text: each byte that is not part of a character becomes U+FFFD.
pub fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        for _ in chunk.invalid() {
            out.push(char::REPLACEMENT_CHARACTER);
        }
    }
    Cow::Owned(out)
}

/// Limit: nesting of arrays and objects; the same as in Go.
pub const DEPTH_MAX: usize = 10_000;

#[cfg(test)]
mod tests;
