//! The UTF-8 syntax: any name and any value, in Go's double quotes where they hold a character
//! that the syntax itself uses.
//!
//! Errors name columns, counted in characters from 0, as `start:end`.

mod lexer;

use super::{ParseError, push_limited};
use crate::matcher::{Compile, Matcher, Op};
use crate::quote::unquoted;
use lexer::{Kind, Lexer, Token};

pub use lexer::is_reserved;

/// Exactly one matcher.
pub(super) fn parse_one(text: &str, compile: Compile<'_>) -> Result<Matcher, ParseError> {
    let mut matchers = parse(text, compile)?;
    match (matchers.pop(), matchers.len()) {
        (Some(matcher), 0) => Ok(matcher),
        (None, _) => Err(ParseError::new("no matchers".into())),
        (Some(_), others) => {
            Err(ParseError::new(format!("expected 1 matcher, found {}", others + 1)))
        }
    }
}

/// Any number of matchers between commas, in braces or not.
pub(super) fn parse(text: &str, compile: Compile<'_>) -> Result<Vec<Matcher>, ParseError> {
    let mut reader = Reader { lexer: Lexer::new(text) };
    let mut matchers = Vec::new();
    let is_open = reader.accept(Kind::Open)?;
    let mut more = reader.any_matcher_follows()?;
    while more {
        push_limited(&mut matchers, reader.matcher(compile)?)?;
        more = reader.another_matcher_follows()?;
    }
    reader.close(is_open)?;
    Ok(matchers)
}

struct Reader<'a> {
    lexer: Lexer<'a>,
}

impl<'a> Reader<'a> {
    /// Takes the next token if it is of this kind; a broken one is an error already here.
    fn accept(&mut self, kind: Kind) -> Result<bool, ParseError> {
        let next = self.lexer.peek().map_err(ParseError::new)?;
        let is_wanted = next.is_some_and(|token| token.kind == kind);
        if is_wanted {
            self.lexer.advance();
        }
        Ok(is_wanted)
    }

    fn any_matcher_follows(&mut self) -> Result<bool, ParseError> {
        let next = self.lexer.peek().map_err(ParseError::new)?;
        Ok(next.is_some_and(|token| token.kind != Kind::Close))
    }

    fn another_matcher_follows(&mut self) -> Result<bool, ParseError> {
        let is_end = |kind| matches!(kind, Kind::Comma | Kind::Close);
        match self.peek_one_of(is_end, "expected a comma or close brace")? {
            Some(Token { kind: Kind::Comma, .. }) => self.lexer.advance(),
            _ => return Ok(false),
        }
        let may_follow = |kind| is_text(kind) || kind == Kind::Close;
        let expectation = "expected a matcher or close brace after comma";
        let next = self.peek_one_of(may_follow, expectation)?;
        Ok(next.is_some_and(|token| is_text(token.kind)))
    }

    fn matcher(&mut self, compile: Compile<'_>) -> Result<Matcher, ParseError> {
        let name = self.text("expected label name")?;
        let op = self.operator()?;
        let value = self.text("expected label value")?;
        Matcher::compiled_by(name, op, value, compile)
            .map_err(|error| ParseError::new(format!("failed to create matcher: {error}")))
    }

    fn operator(&mut self) -> Result<Op, ParseError> {
        let is_operator = |kind| matches!(kind, Kind::Operator(_));
        let expectation = "expected an operator such as '=', '!=', '=~' or '!~'";
        match self.peek_one_of(is_operator, expectation)? {
            Some(Token { kind: Kind::Operator(op), .. }) => {
                self.lexer.advance();
                Ok(op)
            }
            _ => Err(ParseError::new(format!("end of input: {expectation}"))),
        }
    }

    fn text(&mut self, expectation: &str) -> Result<String, ParseError> {
        let Some(token) = self.peek_one_of(is_text, expectation)? else {
            return Err(ParseError::new(format!("end of input: {expectation}")));
        };
        self.lexer.advance();
        if token.kind == Kind::Unquoted {
            return Ok(token.text.into());
        }
        unquoted(token.text).ok_or_else(|| {
            ParseError::new(format!("{}: {}: invalid input", token.columns, token.text))
        })
    }

    /// The next token, which must be of a wanted kind; `None` at the end of the input.
    fn peek_one_of(
        &self,
        wanted: impl Fn(Kind) -> bool,
        expectation: &str,
    ) -> Result<Option<Token<'a>>, ParseError> {
        let found = match self.lexer.peek() {
            Ok(next) if next.is_none_or(|token| wanted(token.kind)) => return Ok(next),
            Ok(next) => next.map(|token| format!("{}: unexpected {}", token.columns, token.text)),
            Err(broken) => Some(broken),
        };
        Err(ParseError::new(format!("{}: {expectation}", found.unwrap_or_default())))
    }

    /// Reads the closing brace, if there must be one, and makes sure that nothing follows.
    fn close(&mut self, is_open: bool) -> Result<(), ParseError> {
        let is_closed = self.accept(Kind::Close)?;
        let column = self.lexer.column();
        let message = match (is_open, is_closed) {
            (true, false) => format!("0:{column}: end of input: expected close brace"),
            (false, true) => format!("0:{column}: }}: expected opening brace"),
            (true, true) | (false, false) => match self.lexer.peek() {
                Ok(None) => return Ok(()),
                Ok(Some(token)) => {
                    format!("{}: {}: expected end of input", token.columns, token.text)
                }
                Err(broken) => format!("{broken}: expected end of input"),
            },
        };
        Err(ParseError::new(message))
    }
}

fn is_text(kind: Kind) -> bool {
    matches!(kind, Kind::Quoted | Kind::Unquoted)
}
