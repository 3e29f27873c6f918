//! Where does one word of a template end and the next begin?
//!
//! Outside of actions everything is one text token; inside, words, numbers, quoted strings and
//! signs. Trim markers and comments vanish here. A space is a token too, since `.a .b` is two
//! words and `.a.b` is one.

/// A word of a template, and the offset of its first byte.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token<'a> {
    pub kind: Kind,
    pub at: usize,
    pub text: &'a str,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// The rest cannot be read, for this reason.
    Broken(String),
    End,
    Text,
    Open,
    Close,
    Space,
    Bool,
    Char,
    /// One of the signs that mean nothing by themselves, such as a comma.
    Sign,
    Assign,
    Declare,
    Field,
    Identifier,
    LeftParen,
    RightParen,
    Number,
    Complex,
    Pipe,
    RawString,
    String,
    Variable,
    Dot,
    Nil,
    Keyword(Keyword),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keyword {
    Block,
    Break,
    Continue,
    Define,
    Else,
    End,
    If,
    Range,
    Template,
    With,
}

/// Reads tokens one after the other; after [`Kind::Broken`] there is only [`Kind::End`].
pub(crate) struct Lexer<'a> {
    input: &'a str,
    at: usize,
    in_action: bool,
    parens: usize,
    broken: bool,
}

impl<'a> Lexer<'a> {
    pub fn new(input: &'a str) -> Self {
        Self { input, at: 0, in_action: false, parens: 0, broken: false }
    }

    pub fn next_token(&mut self) -> Token<'a> {
        if self.broken {
            return Token { kind: Kind::End, at: 0, text: "" };
        }
        if self.in_action { self.in_action() } else { self.outside() }
    }

    /// Text up to the next action; comments are skipped.
    fn outside(&mut self) -> Token<'a> {
        loop {
            let start = self.at;
            let Some(length) = self.rest().find(OPEN) else {
                self.at = self.input.len();
                let kind = if start == self.at { Kind::End } else { Kind::Text };
                return self.token(kind, start);
            };
            let open = start + length;
            let after = open + OPEN.len();
            let trim = starts_with_left_trim(self.from(after));
            let text = self.input.get(start..open).unwrap_or_default();
            let kept = if trim { text.trim_end_matches(is_space) } else { text };
            if !kept.is_empty() {
                self.at = open;
                return Token { kind: Kind::Text, at: start, text: kept };
            }
            self.at = if trim { after + TRIM_BYTES } else { after };
            if !self.rest().starts_with("/*") {
                self.in_action = true;
                self.parens = 0;
                return Token { kind: Kind::Open, at: open, text: OPEN };
            }
            if let Err(reason) = self.skip_comment() {
                return self.broken(open, reason);
            }
        }
    }

    fn skip_comment(&mut self) -> Result<(), &'static str> {
        let end = self.from(self.at + 2).find("*/").ok_or("unclosed comment")?;
        self.at += 2 + end + 2;
        if !self.skip_close() {
            return Err("comment ends before closing delimiter");
        }
        Ok(())
    }

    /// Steps over `}}` or ` -}}`, and over the spaces that the latter trims.
    fn skip_close(&mut self) -> bool {
        if starts_with_trimming_close(self.rest()) {
            self.at += TRIM_BYTES + CLOSE.len();
            let rest = self.rest();
            self.at += rest.len() - rest.trim_start_matches(is_space).len();
            return true;
        }
        let closes = self.rest().starts_with(CLOSE);
        if closes {
            self.at += CLOSE.len();
        }
        closes
    }

    fn in_action(&mut self) -> Token<'a> {
        let start = self.at;
        if self.rest().starts_with(CLOSE) || starts_with_trimming_close(self.rest()) {
            if self.parens > 0 {
                return self.broken(start, "unclosed left paren");
            }
            let trims = !self.rest().starts_with(CLOSE);
            self.skip_close();
            self.in_action = false;
            let at = if trims { start + TRIM_BYTES } else { start };
            return Token { kind: Kind::Close, at, text: CLOSE };
        }
        let Some(first) = self.bump() else { return self.broken(start, "unclosed action") };
        match first {
            _ if is_space(first) => self.spaces(start),
            '=' => self.token(Kind::Assign, start),
            ':' if self.bump() == Some('=') => self.token(Kind::Declare, start),
            ':' => self.broken(start, "expected :="),
            '|' => self.token(Kind::Pipe, start),
            '"' => self.quoted(start, '"', Kind::String, "unterminated quoted string"),
            '\'' => self.quoted(start, '\'', Kind::Char, "unterminated character constant"),
            '`' => match self.rest().find('`') {
                Some(length) => {
                    self.at += length + 1;
                    self.token(Kind::RawString, start)
                }
                None => self.broken(start, "unterminated raw quoted string"),
            },
            '$' => self.name(start, Kind::Variable),
            '.' if !self.peek().is_some_and(|next| next.is_ascii_digit()) => {
                self.name(start, Kind::Field)
            }
            '.' | '+' | '-' | '0'..='9' => self.number(start),
            '(' => {
                self.parens += 1;
                self.token(Kind::LeftParen, start)
            }
            ')' if self.parens == 0 => self.broken(start, "unexpected right paren"),
            ')' => {
                self.parens -= 1;
                self.token(Kind::RightParen, start)
            }
            _ if is_word(first) => self.word(start),
            ' '..='~' => self.token(Kind::Sign, start),
            _ => {
                let reason = format!("unrecognized character in action: {}", unicode(first));
                self.broken(start, reason)
            }
        }
    }

    fn spaces(&mut self, start: usize) -> Token<'a> {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
        // The last space may belong to a trim marker.
        if starts_with_trimming_close(self.from(self.at - 1)) {
            self.at -= 1;
            if self.at == start {
                return self.in_action();
            }
        }
        self.token(Kind::Space, start)
    }

    fn quoted(&mut self, start: usize, quote: char, kind: Kind, reason: &str) -> Token<'a> {
        loop {
            match self.bump() {
                Some(char) if char == quote => return self.token(kind, start),
                Some('\\') => {
                    if matches!(self.bump(), None | Some('\n')) {
                        return self.broken(start, reason);
                    }
                }
                None | Some('\n') => return self.broken(start, reason),
                Some(_) => {}
            }
        }
    }

    /// A field or a variable whose first sign has been read; a lone `.` is the dot.
    fn name(&mut self, start: usize, kind: Kind) -> Token<'a> {
        if self.at_end_of_word() {
            let lone = if kind == Kind::Field { Kind::Dot } else { kind };
            return self.token(lone, start);
        }
        self.skip_word();
        if !self.at_end_of_word() {
            return self.bad_character(start);
        }
        self.token(kind, start)
    }

    fn word(&mut self, start: usize) -> Token<'a> {
        self.skip_word();
        if !self.at_end_of_word() {
            return self.bad_character(start);
        }
        let kind = match self.input.get(start..self.at).unwrap_or_default() {
            "block" => Kind::Keyword(Keyword::Block),
            "break" => Kind::Keyword(Keyword::Break),
            "continue" => Kind::Keyword(Keyword::Continue),
            "define" => Kind::Keyword(Keyword::Define),
            "else" => Kind::Keyword(Keyword::Else),
            "end" => Kind::Keyword(Keyword::End),
            "if" => Kind::Keyword(Keyword::If),
            "range" => Kind::Keyword(Keyword::Range),
            "template" => Kind::Keyword(Keyword::Template),
            "with" => Kind::Keyword(Keyword::With),
            "nil" => Kind::Nil,
            "true" | "false" => Kind::Bool,
            _ => Kind::Identifier,
        };
        self.token(kind, start)
    }

    fn number(&mut self, start: usize) -> Token<'a> {
        self.at = start;
        let mut good = self.skip_number();
        let mut kind = Kind::Number;
        if good && matches!(self.peek(), Some('+' | '-')) {
            kind = Kind::Complex;
            good = self.skip_number()
                && self.input.get(start..self.at).is_some_and(|text| text.ends_with('i'));
        }
        if good {
            return self.token(kind, start);
        }
        let text = self.input.get(start..self.at).unwrap_or_default();
        let reason = format!("bad number syntax: {}", super::quote::quote(text.as_bytes()));
        self.broken(start, reason)
    }

    /// Whether what looks like a number ends like one; its value is read later.
    fn skip_number(&mut self) -> bool {
        self.skip_one_of("+-");
        let mut digits = "0123456789_";
        if self.skip_one_of("0") {
            for (signs, of_base) in
                [("xX", "0123456789abcdefABCDEF_"), ("oO", "01234567_"), ("bB", "01_")]
            {
                if self.skip_one_of(signs) {
                    digits = of_base;
                    break;
                }
            }
        }
        while self.skip_one_of(digits) {}
        if self.skip_one_of(".") {
            while self.skip_one_of(digits) {}
        }
        let exponent = match digits.len() {
            11 => "eE",
            23 => "pP",
            _ => "",
        };
        if self.skip_one_of(exponent) {
            self.skip_one_of("+-");
            while self.skip_one_of("0123456789_") {}
        }
        self.skip_one_of("i");
        if self.peek().is_some_and(is_word) {
            self.bump();
            return false;
        }
        true
    }

    fn skip_one_of(&mut self, chars: &str) -> bool {
        let found = self.peek().is_some_and(|char| chars.contains(char));
        if found {
            self.bump();
        }
        found
    }

    fn skip_word(&mut self) {
        while self.peek().is_some_and(is_word) {
            self.bump();
        }
    }

    fn at_end_of_word(&self) -> bool {
        match self.peek() {
            None | Some('.' | ',' | '|' | ':' | ')' | '(') => true,
            Some(char) => is_space(char) || self.rest().starts_with(CLOSE),
        }
    }

    fn bad_character(&mut self, start: usize) -> Token<'a> {
        let reason = match self.peek() {
            Some(char) => format!("bad character {}", unicode(char)),
            None => "bad character".to_owned(),
        };
        self.broken(start, reason)
    }

    fn broken(&mut self, start: usize, reason: impl Into<String>) -> Token<'a> {
        self.broken = true;
        Token { kind: Kind::Broken(reason.into()), at: start, text: "" }
    }

    fn token(&self, kind: Kind, start: usize) -> Token<'a> {
        Token { kind, at: start, text: self.input.get(start..self.at).unwrap_or_default() }
    }

    fn rest(&self) -> &'a str {
        self.from(self.at)
    }

    fn from(&self, at: usize) -> &'a str {
        self.input.get(at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let char = self.peek()?;
        self.at += char.len_utf8();
        Some(char)
    }
}

/// `U+00E9 'é'`, as Go's `%#U` has it.
fn unicode(char: char) -> String {
    let code = u32::from(char);
    if super::quote::is_printable(char) {
        format!("U+{code:04X} '{char}'")
    } else {
        format!("U+{code:04X}")
    }
}

fn starts_with_left_trim(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next() == Some('-') && chars.next().is_some_and(is_space)
}

fn starts_with_trimming_close(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(is_space)
        && chars.next() == Some('-')
        && chars.as_str().starts_with(CLOSE)
}

fn is_space(char: char) -> bool {
    matches!(char, ' ' | '\t' | '\r' | '\n')
}

fn is_word(char: char) -> bool {
    char == '_' || char.is_alphanumeric()
}

const OPEN: &str = "{{";
const CLOSE: &str = "}}";
/// A trim marker is a minus and a space.
const TRIM_BYTES: usize = 2;
