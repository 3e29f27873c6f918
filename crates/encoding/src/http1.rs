//! Heads of HTTP/1 messages, read as Go's `net/http` and `net/textproto` read them.
//!
//! In: the bytes of a connection. Out: the same bytes with each head written anew, in the one way
//! that every HTTP library accepts. Go reads folded fields, spaces before colons, any number of
//! fields, and versions that do not exist; other libraries refuse the whole message.
//!
//! [`fields`] reads the fields of one head. [`Rewriter`] follows a connection from head to head;
//! what a head becomes is decided by its [`Rules`].

mod chunks;
mod rewriter;

pub use rewriter::{Next, Rewriter, Rewritten, Rules};

use std::borrow::Cow;

/// One header field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// May end with spaces, or contain some; then it is no field that anyone knows.
    pub name: &'a [u8],
    /// Unfolded, without spaces around it.
    pub value: Cow<'a, [u8]>,
}

impl Field<'_> {
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }
}

/// Why a head is not one, in Go's words.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("malformed MIME header initial line: {0:?}")]
    InitialLine(String),
    #[error("malformed MIME header: missing colon: {0:?}")]
    MissingColon(String),
    #[error("malformed MIME header line: {0:?}")]
    Line(String),
}

/// The fields of a head: what follows its first line.
pub fn fields(block: &[u8]) -> Result<Vec<Field<'_>>, Malformed> {
    let mut lines = block.split(|byte| *byte == b'\n').map(without_return).peekable();
    if let Some(first) = lines.peek().filter(|line| line.first().is_some_and(is_blank)) {
        return Err(Malformed::InitialLine(excerpt(first)));
    }
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        if line.is_empty() {
            break;
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            return Err(Malformed::MissingColon(excerpt(line)));
        };
        let (name, value) = line.split_at(colon);
        let mut value = Cow::Borrowed(trimmed(value.get(1..).unwrap_or_default()));
        while let Some(more) = lines.next_if(|line| line.first().is_some_and(is_blank)) {
            let value = value.to_mut();
            value.push(b' ');
            value.extend_from_slice(trimmed(more));
        }
        let value = match value {
            Cow::Borrowed(value) => Cow::Borrowed(value),
            Cow::Owned(value) => Cow::Owned(trimmed(&value).to_vec()),
        };
        let is_name = !name.is_empty() && name.iter().all(|byte| *byte == b' ' || is_token(*byte));
        if !is_name || !value.iter().all(|byte| is_in_value(*byte)) {
            return Err(Malformed::Line(excerpt(line)));
        }
        found.push(Field { name, value });
    }
    Ok(found)
}

/// The two numbers of `HTTP/1.1`.
pub fn version(text: &[u8]) -> Option<(u8, u8)> {
    match text.strip_prefix(b"HTTP/")? {
        [major @ b'0'..=b'9', b'.', minor @ b'0'..=b'9'] => Some((major - b'0', minor - b'0')),
        _ => None,
    }
}

/// The first line of a head without its end, and what follows it.
pub fn first_line(head: &[u8]) -> (&[u8], &[u8]) {
    let end = head.iter().position(|byte| *byte == b'\n').unwrap_or(head.len());
    let (line, rest) = head.split_at(end);
    (without_return(line), rest.get(1..).unwrap_or_default())
}

/// The bytes as they are shown in a failure, which ends in a log line.
pub fn excerpt(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.get(..EXCERPT_BYTES_MAX).unwrap_or(bytes)).into_owned()
}

/// Whether it may be in the name of a field, or in a method.
pub fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Whether it may be in the value of a field.
pub fn is_in_value(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn trimmed(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|byte| !is_blank(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !is_blank(byte)).map_or(start, |last| last + 1);
    bytes.get(start..end).unwrap_or_default()
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

const EXCERPT_BYTES_MAX: usize = 80;

#[cfg(test)]
mod tests;
