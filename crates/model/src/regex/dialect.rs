//! The syntax of Go's `regexp` package (RE2), read into [`Node`]s.
//!
//! It differs from the engine's own syntax in what it accepts and, silently, in what it means:
//! `\d`, `\w`, `\s` and `\b` know ASCII only, `[a&&b]` is a class of three characters, `a**` is an
//! error. Errors carry Go's wording, because users see them.

mod class;
mod escape;

use super::error::{Fault, PatternError};
use super::node::{Fold, Look, Node};

/// Limit: how deep groups may nest. Go allows about 1000.
pub(super) const NESTING_MAX: u32 = 250;

/// Limit: how often one piece may be repeated, nested repetitions multiplied; Go's own.
const REPEAT_MAX: u32 = 1000;

/// Reads a whole pattern of which only matter which texts it matches.
pub(super) fn parse(text: &str) -> Result<Node, PatternError> {
    parse_keeping(text, Keep::Meaning)
}

/// Reads a whole pattern of which also matters what its groups match.
pub(super) fn parse_with_captures(text: &str) -> Result<Node, PatternError> {
    parse_keeping(text, Keep::Captures)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Keep {
    Meaning,
    Captures,
}

fn parse_keeping(text: &str, keep: Keep) -> Result<Node, PatternError> {
    let mut parser = Parser {
        keep,
        whole: text,
        rest: text,
        flags: Flags::default(),
        levels: vec![Level::default()],
        stacked_repeats: 0,
    };
    let mut last_repeat = None;
    while let Some(first) = parser.rest.chars().next() {
        last_repeat = parser.step(first, last_repeat)?;
    }
    match parser.levels.pop() {
        Some(level) if parser.levels.is_empty() => Ok(level.finish()),
        _ => Err(PatternError::new(Fault::MissingParen, text)),
    }
}

struct Parser<'a> {
    keep: Keep,
    whole: &'a str,
    rest: &'a str,
    flags: Flags,
    /// The whole pattern, and inside it every group that is open; never empty.
    levels: Vec<Level>,
    /// How many repetitions directly repeat a repetition, which only a group of flags between the
    /// two operators allows.
    stacked_repeats: u32,
}

#[derive(Clone, Copy, Default)]
struct Flags {
    ignore_case: bool,
    multi_line: bool,
    dot_is_any: bool,
    /// Repetitions take as little as they can, unless a `?` says otherwise.
    lazy: bool,
}

/// A group that is open.
#[derive(Default)]
struct Level {
    flags_outside: Flags,
    /// For a group that can be referred to: its name, if it has one.
    capture: Option<Option<String>>,
    branches: Vec<Node>,
    sequence: Vec<Node>,
}

impl Level {
    fn end_branch(&mut self) {
        self.branches.push(Node::sequence(std::mem::take(&mut self.sequence)));
    }

    fn finish(mut self) -> Node {
        self.end_branch();
        let node = Node::branches(self.branches);
        match self.capture {
            Some(name) => Node::Capture { node: Box::new(node), name },
            None => node,
        }
    }
}

impl<'a> Parser<'a> {
    /// Reads one piece. `last_repeat` is the text from the repetition operator on that ended the
    /// piece before; the same is returned for this piece.
    fn step(
        &mut self,
        first: char,
        last_repeat: Option<&'a str>,
    ) -> Result<Option<&'a str>, PatternError> {
        let here = self.rest;
        match first {
            '(' if here.starts_with("(?") => self.open_with_flags()?,
            '(' => {
                self.skip(1);
                self.open_capture(None)?;
            }
            ')' => self.close()?,
            '|' => {
                self.skip(1);
                self.level().end_branch();
            }
            '[' => {
                let class = self.class()?;
                let fold = self.fold();
                self.push(Node::Class { class, fold });
            }
            '*' | '+' | '?' => {
                self.skip(1);
                let (min, max) = match first {
                    '*' => (0, None),
                    '+' => (1, None),
                    _ => (0, Some(1)),
                };
                self.repeat(here, min, max, last_repeat)?;
                return Ok(Some(here));
            }
            '{' => {
                if let Some((count, rest)) = counts(here) {
                    self.rest = rest;
                    let (min, max) = count
                        .ok_or_else(|| PatternError::new(Fault::RepeatCount, self.since(here)))?;
                    self.repeat(here, min, max, last_repeat)?;
                    return Ok(Some(here));
                }
                self.push_char('{');
            }
            '\\' => self.escape()?,
            '^' | '$' | '.' => self.push_symbol(first),
            c => self.push_char(c),
        }
        Ok(None)
    }

    /// Passes over `bytes` bytes, which must end at a character's boundary.
    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    fn next_char(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.skip(c.len_utf8());
        Some(c)
    }

    /// What was read since `start`, an earlier rest.
    fn since(&self, start: &'a str) -> &'a str {
        start.get(..start.len() - self.rest.len()).unwrap_or_default()
    }

    fn level(&mut self) -> &mut Level {
        self.levels.last_mut().expect("closing the last level is an error")
    }

    fn fold(&self) -> Fold {
        if self.flags.ignore_case { Fold::IgnoreCase } else { Fold::Exact }
    }

    fn push(&mut self, node: Node) {
        self.level().sequence.push(node);
    }

    /// Takes the character `c`, which stands at the front, for itself.
    fn push_char(&mut self, c: char) {
        self.skip(c.len_utf8());
        let fold = self.fold();
        self.push(Node::literal(c, fold));
    }

    fn push_symbol(&mut self, symbol: char) {
        self.skip(1);
        let node = match (symbol, self.flags) {
            ('^', Flags { multi_line: true, .. }) => Node::Look(Look::LineStart),
            ('^', _) => Node::Look(Look::TextStart),
            ('$', Flags { multi_line: true, .. }) => Node::Look(Look::LineEnd),
            ('$', _) => Node::Look(Look::TextEnd),
            (_, Flags { dot_is_any: true, .. }) => Node::AnyChar,
            _ => Node::AnyButNewline,
        };
        self.push(node);
    }

    fn open_capture(&mut self, name: Option<&str>) -> Result<(), PatternError> {
        self.open(self.flags)?;
        if self.keep == Keep::Captures {
            self.level().capture = Some(name.map(str::to_owned));
        }
        Ok(())
    }

    fn open(&mut self, flags_inside: Flags) -> Result<(), PatternError> {
        if self.levels.len() > NESTING_MAX as usize {
            return Err(PatternError::new(Fault::NestsTooDeep, self.whole));
        }
        self.levels.push(Level { flags_outside: self.flags, ..Level::default() });
        self.flags = flags_inside;
        Ok(())
    }

    fn close(&mut self) -> Result<(), PatternError> {
        if self.levels.len() < 2 {
            return Err(PatternError::new(Fault::UnexpectedParen, self.whole));
        }
        self.skip(1);
        if let Some(level) = self.levels.pop() {
            self.flags = level.flags_outside;
            self.push(level.finish());
        }
        Ok(())
    }

    /// `(?P<name>`, `(?<name>`, `(?flags)`, `(?flags:`.
    fn open_with_flags(&mut self) -> Result<(), PatternError> {
        let here = self.rest;
        let name_start = if here.len() > 4 && here.starts_with("(?P<") {
            Some(4)
        } else if here.len() > 3 && here.starts_with("(?<") {
            Some(3)
        } else {
            None
        };
        match name_start {
            Some(name_start) => {
                let fault = |part| PatternError::new(Fault::NamedCapture, part);
                let end = here.find('>').ok_or_else(|| fault(here))?;
                let name = here.get(name_start..end).unwrap_or_default();
                self.skip(end + 1);
                let is_valid = |c: char| c == '_' || c.is_ascii_alphanumeric();
                if name.is_empty() || !name.chars().all(is_valid) {
                    return Err(fault(self.since(here)));
                }
                self.open_capture(Some(name))
            }
            None => {
                self.skip(2);
                self.change_flags()
                    .unwrap_or_else(|| Err(PatternError::new(Fault::GroupSyntax, self.since(here))))
            }
        }
    }

    /// Reads from behind the `?`; `None` if it is nothing that Go knows.
    fn change_flags(&mut self) -> Option<Result<(), PatternError>> {
        let mut flags = self.flags;
        let mut turn_on = true;
        let mut any_since_minus = true;
        loop {
            match self.next_char()? {
                'i' => flags.ignore_case = turn_on,
                'm' => flags.multi_line = turn_on,
                's' => flags.dot_is_any = turn_on,
                'U' => flags.lazy = turn_on,
                '-' if turn_on => {
                    turn_on = false;
                    any_since_minus = false;
                    continue;
                }
                ':' if any_since_minus => return Some(self.open(flags)),
                ')' if any_since_minus => {
                    self.flags = flags;
                    return Some(Ok(()));
                }
                _ => return None,
            }
            any_since_minus = true;
        }
    }

    /// Repeats the last piece; the operator that starts at `here` is read except for a `?`.
    fn repeat(
        &mut self,
        here: &'a str,
        min: u32,
        max: Option<u32>,
        last_repeat: Option<&'a str>,
    ) -> Result<(), PatternError> {
        let mut lazy = self.flags.lazy;
        if self.rest.starts_with('?') {
            self.skip(1);
            lazy = !lazy;
        }
        // Greediness does not change whether a text matches.
        lazy &= self.keep == Keep::Captures;
        if let Some(last_repeat) = last_repeat {
            return Err(PatternError::new(Fault::NestedRepeat, self.since(last_repeat)));
        }
        let Some(node) = self.level().sequence.pop() else {
            return Err(PatternError::new(Fault::NothingToRepeat, self.since(here)));
        };
        if matches!(node, Node::Repeat { .. }) {
            self.stacked_repeats += 1;
            if self.stacked_repeats > NESTING_MAX {
                return Err(PatternError::new(Fault::NestsTooDeep, self.whole));
            }
        }
        let node = Node::Repeat { node: Box::new(node), min, max, lazy };
        let counts_up = min >= 2 || max.is_some_and(|max| max >= 2);
        if counts_up && node.copies() > u64::from(REPEAT_MAX) {
            return Err(PatternError::new(Fault::RepeatCount, self.since(here)));
        }
        self.push(node);
        Ok(())
    }
}

type Counts = (u32, Option<u32>);

/// `{2}`, `{2,}` or `{2,5}` at the front of `text`, and what follows it.
///
/// `None` if there is no such thing, so that the brace stands for itself; the counts are `None` if
/// they are too large or the wrong way round.
fn counts(text: &str) -> Option<(Option<Counts>, &str)> {
    let (inside, rest) = text.strip_prefix('{')?.split_once('}')?;
    let (min, max) = match inside.split_once(',') {
        None => (inside, Some(inside)),
        Some((min, "")) => (min, None),
        Some((min, max)) => (min, Some(max)),
    };
    let is_number = |digits: &str| {
        !digits.is_empty()
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && (digits.len() == 1 || !digits.starts_with('0'))
    };
    if !is_number(min) || !max.is_none_or(is_number) {
        return None;
    }
    let value = |digits: &str| digits.parse().ok().filter(|count| *count <= REPEAT_MAX);
    let counts = match (value(min), max.map(value)) {
        (Some(min), None) => Some((min, None)),
        (Some(min), Some(Some(max))) if min <= max => Some((min, Some(max))),
        _ => None,
    };
    Some((counts, rest))
}
