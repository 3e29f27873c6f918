//! Classes in brackets: `[a-z]`, `[^[:alpha:]\d]`.

use super::super::error::{Fault, PatternError};
use super::super::node::Class;
use super::Parser;

impl<'a> Parser<'a> {
    /// Reads a class from its opening to its closing bracket.
    pub(super) fn class(&mut self) -> Result<Class, PatternError> {
        let here = self.rest;
        self.skip(1);
        let negated = self.rest.starts_with('^');
        if negated {
            self.skip(1);
        }
        let mut class = Class::of("", negated);
        let mut is_first = true;
        // A bracket that comes first stands for itself.
        while is_first || !self.rest.starts_with(']') {
            is_first = false;
            if let Some(item) = self.posix_class()? {
                class.push_item(&item);
            } else if let Some(inner) = self.class_escape()? {
                class.push_class(&inner);
            } else {
                let (first, last) = self.range(here)?;
                class.push_range(first, last);
            }
        }
        self.skip(1);
        Ok(class)
    }

    /// `[:alpha:]` or `[:^alpha:]`, which the engine knows by the same names.
    fn posix_class(&mut self) -> Result<Option<String>, PatternError> {
        let here = self.rest;
        let end = here.strip_prefix("[:").and_then(|rest| rest.find(":]"));
        let Some(end) = end else { return Ok(None) };
        self.skip("[:".len() + end + ":]".len());
        let name = self.since(here);
        let bare = name.trim_start_matches("[:").trim_end_matches(":]");
        if !POSIX_NAMES.contains(&bare.strip_prefix('^').unwrap_or(bare)) {
            return Err(PatternError::new(Fault::ClassRange, name));
        }
        Ok(Some(name.into()))
    }

    /// One character, or two with a dash between them.
    fn range(&mut self, class_start: &'a str) -> Result<(u32, u32), PatternError> {
        let here = self.rest;
        let first = self.class_code(class_start)?;
        let mut after = self.rest.chars();
        if after.next() != Some('-') || matches!(after.next(), None | Some(']')) {
            return Ok((first, first));
        }
        self.skip(1);
        let last = self.class_code(class_start)?;
        if last < first {
            return Err(PatternError::new(Fault::ClassRange, self.since(here)));
        }
        Ok((first, last))
    }

    fn class_code(&mut self, class_start: &'a str) -> Result<u32, PatternError> {
        if self.rest.starts_with('\\') {
            return self.escaped_code();
        }
        let c = self.next_char();
        c.map(u32::from).ok_or_else(|| PatternError::new(Fault::MissingBracket, class_start))
    }
}

const POSIX_NAMES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];
