//! Mail addresses as people write them: `Ann <ann@example.org>, "Night, shift" <night@x.example>`.
//!
//! In: the text of `to` or `from`, a list by RFC 5322 with names, comments, quoted parts and groups.
//! Out: the bare addresses, as an envelope carries them.
//!
//! It is as lenient as it can be without guessing: white space and line ends may stand between all
//! parts, empty entries are skipped, letters of any script are letters. What is not an address is an
//! error, because a mail that goes astray is worse than one that visibly fails.

use std::fmt;
use std::iter::Peekable;
use std::str::Chars;

/// Why a text is not a list of addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressError(&'static str);

/// The addresses of a list; at least one.
///
/// # Errors
/// At the first entry that is not an address.
pub fn parse_list(text: &str) -> Result<Vec<String>, AddressError> {
    let mut parser = Parser { tokens: tokens(text)?.into_iter().peekable() };
    let addresses = parser.list(false)?;
    if addresses.is_empty() { Err(AddressError("no address")) } else { Ok(addresses) }
}

/// What a list consists of, once white space and comments are gone.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// Letters, digits, dots and the like.
    Atom(String),
    /// What stood between quotes.
    Quoted(String),
    /// A network address with its brackets.
    Literal(String),
    /// One of `<>@,:;`.
    Sign(char),
}

fn tokens(text: &str) -> Result<Vec<Token>, AddressError> {
    let mut chars = text.chars().peekable();
    let mut tokens = Vec::new();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => {}
            '(' => skip_comment(&mut chars)?,
            '"' => tokens.push(Token::Quoted(quoted(&mut chars)?)),
            '[' => tokens.push(Token::Literal(literal(&mut chars)?)),
            '<' | '>' | '@' | ',' | ':' | ';' => tokens.push(Token::Sign(c)),
            c if is_atom(c) => {
                let mut atom = String::from(c);
                while let Some(c) = chars.next_if(|&c| is_atom(c)) {
                    atom.push(c);
                }
                tokens.push(Token::Atom(atom));
            }
            _ => return Err(AddressError("a character that no address has")),
        }
    }
    Ok(tokens)
}

fn is_atom(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || "!#$%&'*+-/=?^_`{|}~.".contains(c)
        || (!c.is_ascii() && !c.is_control())
}

/// Comments may contain comments.
fn skip_comment(chars: &mut Peekable<Chars<'_>>) -> Result<(), AddressError> {
    let mut depth = 1;
    while depth > 0 {
        match chars.next() {
            Some('\\') => drop(chars.next()),
            Some('(') => depth += 1,
            Some(')') => depth -= 1,
            Some(_) => {}
            None => return Err(AddressError("a comment without its end")),
        }
    }
    Ok(())
}

fn quoted(chars: &mut Peekable<Chars<'_>>) -> Result<String, AddressError> {
    let mut text = String::new();
    loop {
        let c = match chars.next() {
            Some('"') => return Ok(text),
            Some('\\') => chars.next(),
            c => c,
        };
        match c {
            Some(c) if !c.is_control() || c == '\t' => text.push(c),
            Some(_) => return Err(AddressError("a control character between quotes")),
            None => return Err(AddressError("a quote without its end")),
        }
    }
}

fn literal(chars: &mut Peekable<Chars<'_>>) -> Result<String, AddressError> {
    let mut text = String::from('[');
    loop {
        match chars.next() {
            Some(']') => break,
            Some(c) if c.is_ascii_alphanumeric() || c == '.' || c == ':' => text.push(c),
            Some(_) => return Err(AddressError("a bad network address")),
            None => return Err(AddressError("a bracket without its end")),
        }
    }
    text.push(']');
    Ok(text)
}

struct Parser {
    tokens: Peekable<std::vec::IntoIter<Token>>,
}

impl Parser {
    /// Entries up to the end, or up to a semicolon if they are of a group.
    fn list(&mut self, in_group: bool) -> Result<Vec<String>, AddressError> {
        let mut addresses = Vec::new();
        loop {
            while self.takes(',') {}
            match self.tokens.peek() {
                None if in_group => return Err(AddressError("a group without its end")),
                None => return Ok(addresses),
                Some(Token::Sign(';')) if in_group => return Ok(addresses),
                Some(_) => self.entry(in_group, &mut addresses)?,
            }
            match self.tokens.peek() {
                None | Some(Token::Sign(',')) => {}
                Some(Token::Sign(';')) if in_group => {}
                Some(_) => return Err(AddressError("no comma between two entries")),
            }
        }
    }

    /// An address, a name with an address, or a group of them.
    fn entry(&mut self, in_group: bool, out: &mut Vec<String>) -> Result<(), AddressError> {
        let mut words = Vec::new();
        while let Some(word) =
            self.tokens.next_if(|token| matches!(token, Token::Atom(_) | Token::Quoted(_)))
        {
            words.push(word);
        }
        match self.tokens.next() {
            Some(Token::Sign('@')) => out.push(self.address(words)?),
            Some(Token::Sign('<')) => {
                let local = self.tokens.next();
                if !self.takes('@') {
                    return Err(AddressError("no @ in an address"));
                }
                out.push(self.address(local.into_iter().collect())?);
                if !self.takes('>') {
                    return Err(AddressError("an angle bracket without its end"));
                }
            }
            Some(Token::Sign(':')) if !in_group && !words.is_empty() => {
                out.extend(self.list(true)?);
                // The list ends at the semicolon.
                self.tokens.next();
            }
            _ => return Err(AddressError("no @ in an address")),
        }
        Ok(())
    }

    /// What stands before an `@` that has been read, and what follows it.
    fn address(&mut self, before: Vec<Token>) -> Result<String, AddressError> {
        let local = match <[Token; 1]>::try_from(before) {
            Ok([Token::Atom(atom)]) if is_dotted(&atom) => atom,
            Ok([Token::Quoted(text)]) if !text.is_empty() => requoted(&text),
            _ => return Err(AddressError("nothing usable before an @")),
        };
        match self.tokens.next() {
            Some(Token::Atom(domain)) if is_dotted(&domain) => Ok(format!("{local}@{domain}")),
            Some(Token::Literal(address)) => Ok(format!("{local}@{address}")),
            _ => Err(AddressError("no domain after an @")),
        }
    }

    fn takes(&mut self, sign: char) -> bool {
        self.tokens.next_if_eq(&Token::Sign(sign)).is_some()
    }
}

/// Whether there is something before, between and after all dots.
fn is_dotted(atom: &str) -> bool {
    atom.split('.').all(|part| !part.is_empty())
}

/// The part before the `@` as an envelope needs it: with quotes only where they are needed.
fn requoted(text: &str) -> String {
    if text.chars().all(is_atom) && is_dotted(text) {
        return text.to_owned();
    }
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

#[cfg(test)]
mod tests;
