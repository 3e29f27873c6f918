//! What a backslash means, outside of classes and inside.

use super::super::error::{Fault, PatternError};
use super::super::node::{Class, Look, Node};
use super::super::unicode;
use super::Parser;

impl<'a> Parser<'a> {
    /// Reads a backslash and what belongs to it, outside of a class.
    pub(super) fn escape(&mut self) -> Result<(), PatternError> {
        let here = self.rest;
        let look = match here.chars().nth(1) {
            Some('A') => Look::TextStart,
            Some('z') => Look::TextEnd,
            Some('b') => Look::WordBoundary,
            Some('B') => Look::NoWordBoundary,
            Some('C') => {
                self.skip(2);
                return Err(PatternError::new(Fault::Escape, self.since(here)));
            }
            Some('Q') => {
                self.verbatim();
                return Ok(());
            }
            _ => return self.escaped_character(),
        };
        self.skip(2);
        self.push(Node::Look(look));
        Ok(())
    }

    fn escaped_character(&mut self) -> Result<(), PatternError> {
        let fold = self.fold();
        if let Some(class) = self.class_escape()? {
            self.push(Node::Class { class, fold });
            return Ok(());
        }
        let code = self.escaped_code()?;
        self.push(match char::from_u32(code) {
            Some(c) => Node::literal(c, fold),
            // A surrogate: valid to write, but no text has it.
            None => Node::Class { class: Class::default(), fold },
        });
        Ok(())
    }

    /// `\Q…\E`, or to the end of the pattern.
    fn verbatim(&mut self) {
        self.skip(2);
        let (text, rest) = self.rest.split_once(r"\E").unwrap_or((self.rest, ""));
        let fold = self.fold();
        for c in text.chars() {
            self.push(Node::literal(c, fold));
        }
        self.rest = rest;
    }

    /// `\d`, `\W`, `\pL`, `\p{Greek}`, …, if one of them stands at the front.
    pub(super) fn class_escape(&mut self) -> Result<Option<Class>, PatternError> {
        let Some(letter) = self.rest.strip_prefix('\\').and_then(|rest| rest.chars().next()) else {
            return Ok(None);
        };
        let items = match letter {
            'd' | 'D' => "0-9",
            's' | 'S' => r"\t\n\x0c\r\x20",
            'w' | 'W' => "0-9A-Za-z_",
            'p' | 'P' => return self.unicode_class().map(Some),
            _ => return Ok(None),
        };
        self.skip(2);
        Ok(Some(Class::of(items, letter.is_ascii_uppercase())))
    }

    /// `\pN`, `\p{Greek}`, `\P{^Lu}`.
    fn unicode_class(&mut self) -> Result<Class, PatternError> {
        let here = self.rest;
        let mut negated = here.starts_with(r"\P");
        self.skip(2);
        let name = if self.rest.starts_with('{') {
            let end = self.rest.find('}');
            self.skip(end.map_or(self.rest.len(), |end| end + 1));
            if end.is_none() {
                return Err(PatternError::new(Fault::ClassRange, here));
            }
            let inside = here.get(3..here.len() - self.rest.len() - 1);
            inside.unwrap_or_default()
        } else {
            self.next_char();
            here.get(2..here.len() - self.rest.len()).unwrap_or_default()
        };
        let name = match name.strip_prefix('^') {
            Some(name) => {
                negated = !negated;
                name
            }
            None => name,
        };
        let items = unicode::class_items(name)
            .ok_or_else(|| PatternError::new(Fault::ClassRange, self.since(here)))?;
        Ok(Class::of(&items, negated))
    }

    /// An escape that stands for one code point, which may be a surrogate.
    pub(super) fn escaped_code(&mut self) -> Result<u32, PatternError> {
        let here = self.rest;
        self.skip(1);
        let Some(c) = self.next_char() else {
            return Err(PatternError::new(Fault::TrailingBackslash, ""));
        };
        let code = match c {
            '0' => Some(self.octal(0)),
            '1'..='7' if self.rest.starts_with(is_octal) => Some(self.octal(c as u32 - '0' as u32)),
            'x' => self.hexadecimal(),
            'a' => Some(0x07),
            'f' => Some(0x0c),
            'n' => Some(0x0a),
            'r' => Some(0x0d),
            't' => Some(0x09),
            'v' => Some(0x0b),
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => Some(c as u32),
            _ => None,
        };
        code.ok_or_else(|| PatternError::new(Fault::Escape, self.since(here)))
    }

    /// Up to two more octal digits behind a first one.
    fn octal(&mut self, first: u32) -> u32 {
        let mut code = first;
        for _ in 0..2 {
            let Some(digit) = self.rest.chars().next().and_then(|c| c.to_digit(8)) else { break };
            code = code * 8 + digit;
            self.skip(1);
        }
        code
    }

    /// `\x41` or `\x{41}`, from behind the `x`; `None` if it is neither.
    fn hexadecimal(&mut self) -> Option<u32> {
        let first = self.next_char()?;
        if first != '{' {
            let second = self.next_char()?;
            return Some(first.to_digit(16)? * 16 + second.to_digit(16)?);
        }
        let mut code = None;
        loop {
            match self.next_char()? {
                '}' => return code,
                c => {
                    let value = code.unwrap_or(0) * 16 + c.to_digit(16)?;
                    code = Some(value).filter(|value| *value <= char::MAX as u32);
                    code?;
                }
            }
        }
    }
}

fn is_octal(c: char) -> bool {
    c.is_digit(8)
}
