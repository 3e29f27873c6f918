//! Splits matchers into tokens. White space separates and is dropped.

use std::fmt;

use crate::matcher::Op;

pub(super) struct Lexer<'a> {
    input: &'a str,
    /// Behind the last token that was taken.
    offset: usize,
    column: usize,
}

#[derive(Clone, Copy)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    /// As it stands in the input, with its quotes.
    pub(super) text: &'a str,
    pub(super) columns: Columns,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Open,
    Close,
    Comma,
    Operator(Op),
    Quoted,
    Unquoted,
}

/// Where something starts and ends, in characters.
#[derive(Clone, Copy)]
pub(super) struct Columns {
    start: usize,
    end: usize,
}

/// Whether a name or value with this character needs quotes.
pub fn is_reserved(c: char) -> bool {
    c.is_whitespace() || "{}!=~,\\\"'`".contains(c)
}

impl<'a> Lexer<'a> {
    pub(super) fn new(input: &'a str) -> Self {
        Lexer { input, offset: 0, column: 0 }
    }

    /// How many characters were taken.
    pub(super) fn column(&self) -> usize {
        self.column
    }

    /// The next token, `None` at the end of the input, or why there is none.
    pub(super) fn peek(&self) -> Result<Option<Token<'a>>, String> {
        let rest = self.rest().trim_start();
        let Some(first) = rest.chars().next() else { return Ok(None) };
        let (kind, bytes) = match first {
            '{' => (Kind::Open, 1),
            '}' => (Kind::Close, 1),
            ',' => (Kind::Comma, 1),
            '=' if rest.starts_with("=~") => (Kind::Operator(Op::Matches), 2),
            '=' => (Kind::Operator(Op::Equal), 1),
            '!' if rest.starts_with("!=") => (Kind::Operator(Op::NotEqual), 2),
            '!' if rest.starts_with("!~") => (Kind::Operator(Op::NotMatches), 2),
            '!' => return Err(self.half_operator(rest)),
            '"' => match closing_quote(rest) {
                Some(at) => (Kind::Quoted, at + 1),
                None => {
                    let columns = self.columns(rest, rest.len());
                    return Err(format!("{columns}: {rest}: missing end \""));
                }
            },
            c if is_reserved(c) => {
                let columns = self.columns(rest, c.len_utf8());
                return Err(format!("{columns}: {c}: invalid input"));
            }
            _ => (Kind::Unquoted, rest.find(is_reserved).unwrap_or(rest.len())),
        };
        let columns = self.columns(rest, bytes);
        Ok(Some(Token { kind, text: rest.get(..bytes).unwrap_or(rest), columns }))
    }

    /// Takes the token that [`Lexer::peek`] shows.
    pub(super) fn advance(&mut self) {
        if let Ok(Some(token)) = self.peek() {
            let rest = self.rest();
            let space = rest.len() - rest.trim_start().len();
            self.offset += space + token.text.len();
            self.column = token.columns.end;
        }
    }

    fn rest(&self) -> &'a str {
        self.input.get(self.offset..).unwrap_or_default()
    }

    /// The columns of the first `bytes` bytes of `rest`, an end of the input.
    fn columns(&self, rest: &str, bytes: usize) -> Columns {
        let skipped = self.input.get(self.offset..self.input.len() - rest.len());
        let start = self.column + skipped.unwrap_or_default().chars().count();
        let end = start + rest.get(..bytes).unwrap_or(rest).chars().count();
        Columns { start, end }
    }

    fn half_operator(&self, rest: &str) -> String {
        let columns = self.columns(rest, 1);
        let found = if rest.len() > 1 { "!:" } else { "unexpected end of input," };
        format!("{columns}: {found} expected one of '=~'")
    }
}

/// Where the quote at the front of `text` is closed; a backslash takes the next character along.
fn closing_quote(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return Some(at),
            _ => {}
        }
    }
    None
}

impl fmt::Display for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.start, self.end)
    }
}
