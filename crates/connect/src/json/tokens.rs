//! The tokens of JSON, each in a place where it may stand.

use bellwether_model::quote::quoted;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    End,
    Null,
    Bool,
    Number,
    String,
    /// A string before a colon, which is a part of it.
    Name,
    ObjectOpen,
    ObjectClose,
    ArrayOpen,
    ArrayClose,
    Comma,
}

#[derive(Clone, Debug)]
pub(super) struct Token {
    pub kind: Kind,
    /// Where it begins and ends, in bytes.
    pub at: usize,
    end: usize,
    /// A string or name, without quotes and escapes.
    pub text: String,
}

pub(super) struct Tokens<'a> {
    all: &'a [u8],
    /// The next byte.
    at: usize,
    /// The kind of the last token, if there was one.
    last: Option<Kind>,
    peeked: Option<Result<Token, String>>,
    /// The objects and lists that are not closed.
    open: Vec<Kind>,
}

impl<'a> Tokens<'a> {
    pub fn new(all: &'a [u8]) -> Self {
        Tokens { all, at: 0, last: None, peeked: None, open: Vec::new() }
    }

    /// The next token but for commas.
    pub fn read(&mut self) -> Result<Token, String> {
        if let Some(peeked) = self.peeked.take() {
            return peeked;
        }
        loop {
            let token = self.checked()?;
            self.last = Some(token.kind);
            if token.kind != Kind::Comma {
                return Ok(token);
            }
        }
    }

    pub fn next_is_null(&mut self) -> bool {
        let next = self.read();
        let is_null = next.as_ref().is_ok_and(|token| token.kind == Kind::Null);
        self.peeked = Some(next);
        is_null
    }

    pub fn raw(&self, token: &Token) -> String {
        String::from_utf8_lossy(self.all.get(token.at..token.end).unwrap_or_default()).into_owned()
    }

    pub fn unexpected(&self, token: &Token) -> String {
        self.syntax_error(token.at, &format!("unexpected token {}", self.raw(token)))
    }

    pub fn error(&self, at: usize, what: &str) -> String {
        format!("(line {}): {what}", self.position(at))
    }

    fn syntax_error(&self, at: usize, what: &str) -> String {
        format!("syntax error (line {}): {what}", self.position(at))
    }

    /// Line and column; the column counts characters.
    fn position(&self, at: usize) -> String {
        let before = self.all.get(..at).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let last = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        format!("{line}:{}", String::from_utf8_lossy(last).chars().count() + 1)
    }

    /// The next token, if it may stand here.
    fn checked(&mut self) -> Result<Token, String> {
        let mut token = self.next()?;
        let (last, open) = (self.last, self.open.last().copied());
        let is_right = match token.kind {
            Kind::End if !self.open.is_empty() => return Err(UNEXPECTED_END.into()),
            Kind::End => true,
            Kind::Null | Kind::Bool | Kind::Number => self.value_is_next(),
            Kind::String if self.value_is_next() => true,
            Kind::String | Kind::Name => {
                if !matches!(last, Some(Kind::ObjectOpen | Kind::Comma)) {
                    return Err(self.unexpected(&token));
                }
                match self.rest().first() {
                    None => return Err(UNEXPECTED_END.into()),
                    Some(b':') => self.consume(1),
                    Some(other) => {
                        let other = char::from(*other);
                        let what =
                            format!("unexpected character {other}, missing \":\" after field name");
                        return Err(self.syntax_error(self.at, &what));
                    }
                }
                token.kind = Kind::Name;
                true
            }
            Kind::ObjectOpen | Kind::ArrayOpen => {
                let is_right = self.value_is_next();
                if is_right {
                    self.open.push(token.kind);
                }
                is_right
            }
            Kind::ObjectClose => {
                let is_right = open == Some(Kind::ObjectOpen)
                    && !matches!(last, Some(Kind::Name | Kind::Comma));
                self.open.pop();
                is_right
            }
            Kind::ArrayClose => {
                let is_right = open == Some(Kind::ArrayOpen) && last != Some(Kind::Comma);
                self.open.pop();
                is_right
            }
            Kind::Comma => {
                use Kind::{ArrayClose, Bool, Null, Number, ObjectClose, String};
                let ends_value =
                    matches!(last, Some(Null | Bool | Number | String | ObjectClose | ArrayClose));
                open.is_some() && ends_value
            }
        };
        if is_right { Ok(token) } else { Err(self.unexpected(&token)) }
    }

    fn value_is_next(&self) -> bool {
        match self.open.last() {
            None => self.last.is_none(),
            Some(Kind::ObjectOpen) => self.last == Some(Kind::Name),
            Some(_) => matches!(self.last, Some(Kind::ArrayOpen | Kind::Comma)),
        }
    }

    fn next(&mut self) -> Result<Token, String> {
        self.consume(0);
        let rest = self.rest();
        let Some(first) = rest.first() else { return Ok(self.token(Kind::End, 0)) };
        let word = |word: &str| {
            let is_word = rest.starts_with(word.as_bytes())
                && !rest.get(word.len()).is_some_and(|byte| is_word_byte(*byte));
            is_word.then_some(word.len())
        };
        let found = match first {
            b'n' => word("null").map(|length| (Kind::Null, length)),
            b't' => word("true").map(|length| (Kind::Bool, length)),
            b'f' => word("false").map(|length| (Kind::Bool, length)),
            b'-' | b'0'..=b'9' => super::number::length(rest)
                .filter(|length| !rest.get(*length).is_some_and(|byte| is_word_byte(*byte)))
                .map(|length| (Kind::Number, length)),
            b'"' => {
                let (text, length) = self.string()?;
                return Ok(Token { text, ..self.token(Kind::String, length) });
            }
            b'{' => Some((Kind::ObjectOpen, 1)),
            b'}' => Some((Kind::ObjectClose, 1)),
            b'[' => Some((Kind::ArrayOpen, 1)),
            b']' => Some((Kind::ArrayClose, 1)),
            b',' => Some((Kind::Comma, 1)),
            _ => None,
        };
        match found {
            Some((kind, length)) => Ok(self.token(kind, length)),
            None => {
                let word = rest.iter().take(32).take_while(|byte| is_word_byte(**byte)).count();
                let shown = match word {
                    0 => String::from_utf8_lossy(rest).chars().next().map(String::from),
                    length => rest.get(..length).map(|it| String::from_utf8_lossy(it).into_owned()),
                };
                let what = format!("invalid value {}", shown.unwrap_or_default());
                Err(self.syntax_error(self.at, &what))
            }
        }
    }

    /// The string that begins here, and its length with quotes and escapes.
    fn string(&self) -> Result<(String, usize), String> {
        let all = self.rest();
        let error = |what: String| Err(self.syntax_error(self.at, &what));
        let mut text = Vec::new();
        let mut at = 1;
        loop {
            let rest = all.get(at..).unwrap_or_default();
            let escaped = |length| {
                let escape = String::from_utf8_lossy(rest.get(..length).unwrap_or(rest));
                error(format!("invalid escape code {} in string", quoted(&escape)))
            };
            match rest.first() {
                None => return Err(UNEXPECTED_END.into()),
                Some(b'"') => break,
                Some(b'\\') => {}
                Some(byte) if *byte < b' ' => {
                    let shown = quoted(&char::from(*byte).to_string());
                    let shown = shown.trim_matches('"').to_owned();
                    return error(format!("invalid character '{shown}' in string"));
                }
                Some(byte) => {
                    text.push(*byte);
                    at += 1;
                    continue;
                }
            }
            let plain = match rest.get(1) {
                None => return Err(UNEXPECTED_END.into()),
                Some(byte @ (b'"' | b'\\' | b'/')) => *byte,
                Some(b'b') => 8,
                Some(b'f') => 12,
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b't') => b'\t',
                Some(b'u') => {
                    if rest.len() < 6 {
                        return Err(UNEXPECTED_END.into());
                    }
                    let Some(first) = hex(rest) else { return escaped(6) };
                    at += 6;
                    let mut units = vec![first];
                    if (0xd800..0xe000).contains(&first) {
                        let second = all.get(at..).unwrap_or_default();
                        if second.len() < 6 {
                            return Err(UNEXPECTED_END.into());
                        }
                        units.extend(hex(second).filter(|_| second.starts_with(b"\\u")));
                        at += 6;
                    }
                    match String::from_utf16(&units) {
                        Ok(decoded) => text.extend(decoded.bytes()),
                        Err(_) => {
                            let escape = all.get(at - 6..at).unwrap_or_default();
                            let escape = quoted(&String::from_utf8_lossy(escape));
                            return error(format!("invalid escape code {escape} in string"));
                        }
                    }
                    continue;
                }
                Some(_) => return escaped(2),
            };
            text.push(plain);
            at += 2;
        }
        match String::from_utf8(text) {
            Ok(text) => Ok((text, at + 1)),
            Err(_) => error("invalid UTF-8 in string".into()),
        }
    }

    fn token(&mut self, kind: Kind, length: usize) -> Token {
        let at = self.at;
        self.consume(length);
        Token { kind, at, end: at + length, text: String::new() }
    }

    /// Goes on by so many bytes, and over blanks.
    fn consume(&mut self, count: usize) {
        self.at += count;
        let blank = |byte: &&u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
        self.at += self.rest().iter().take_while(blank).count();
    }

    fn rest(&self) -> &'a [u8] {
        self.all.get(self.at..).unwrap_or_default()
    }
}

/// The four digits behind `\u`.
fn hex(escape: &[u8]) -> Option<u16> {
    let digits = std::str::from_utf8(escape.get(2..6)?).ok()?;
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    u16::from_str_radix(digits, 16).ok()
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-+._".contains(&byte)
}

const UNEXPECTED_END: &str = "unexpected EOF";
