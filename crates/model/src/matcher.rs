//! Conditions on labels: `name="value"`, `!=`, `=~`, `!~`, alone and in sets that all must hold.
//!
//! In: text in the UTF-8 or the classic syntax, or name, operator and value. Out: compiled
//! conditions that are evaluated without allocation, and their canonical text, which is part of
//! route keys. A label that is missing counts as the empty string.

mod parse;

use std::fmt;

use crate::labels::LabelSet;
use crate::quote::push_quoted;
use crate::regex::{Pattern, PatternError};

pub use parse::{
    ParseError, Parsed, parse_matcher, parse_matcher_by, parse_matchers, valid_classic_label_name,
    valid_label_name,
};

/// One condition on one label.
#[derive(Clone)]
pub struct Matcher {
    pub name: String,
    pub op: Op,
    /// The text compared with, or the pattern as written.
    pub value: String,
    /// Invariant: present exactly if `op` is `Matches` or `NotMatches`, compiled from `value`.
    pattern: Option<Pattern>,
}

/// Declared in the order in which canonical texts sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Matches,
    /// `!~`
    NotMatches,
}

/// Makes the anchored pattern of a text.
pub type Compile<'a> = &'a mut dyn FnMut(&str) -> Result<Pattern, PatternError>;

/// Conditions that all must hold; none at all always holds.
#[derive(Clone, Default, PartialEq)]
pub struct Matchers(pub Vec<Matcher>);

/// Which syntax matchers and label names are read in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MatcherMode {
    /// Both are tried; where they differ the classic reading wins, with a warning.
    #[default]
    Fallback,
    Utf8,
    Classic,
}

impl Op {
    pub fn text(self) -> &'static str {
        match self {
            Op::Equal => "=",
            Op::NotEqual => "!=",
            Op::Matches => "=~",
            Op::NotMatches => "!~",
        }
    }

    /// Whether the value is a pattern.
    pub fn is_regex(self) -> bool {
        matches!(self, Op::Matches | Op::NotMatches)
    }

    /// Whether the condition asks for what the value says, rather than for anything else.
    pub fn is_positive(self) -> bool {
        matches!(self, Op::Equal | Op::Matches)
    }
}

impl Matcher {
    /// The name is taken as it is; the value of `=~` and `!~` is compiled as an anchored pattern.
    pub fn new(
        name: impl Into<String>,
        op: Op,
        value: impl Into<String>,
    ) -> Result<Matcher, PatternError> {
        Self::compiled_by(name, op, value, &mut Pattern::anchored)
    }

    /// As [`Matcher::new`], with a pattern made by `compile`, which may know it already or refuse it.
    pub fn compiled_by(
        name: impl Into<String>,
        op: Op,
        value: impl Into<String>,
        compile: Compile<'_>,
    ) -> Result<Matcher, PatternError> {
        let value = value.into();
        let pattern = if op.is_regex() { Some(compile(&value)?) } else { None };
        Ok(Matcher { name: name.into(), op, value, pattern })
    }

    /// The same condition, uncompiled again.
    #[must_use]
    pub fn without_program(&self) -> Matcher {
        let pattern = self.pattern.as_ref().map(Pattern::without_program);
        Matcher { name: self.name.clone(), op: self.op, value: self.value.clone(), pattern }
    }

    pub fn matches_value(&self, value: &str) -> bool {
        let is_meant = match &self.pattern {
            Some(pattern) => pattern.is_match(value),
            None => self.value == value,
        };
        is_meant == self.op.is_positive()
    }

    /// Whether the condition holds for these labels; a missing one counts as empty.
    pub fn matches(&self, labels: &LabelSet) -> bool {
        self.matches_value(labels.value(&self.name))
    }

    /// Whether this asks for a value that a missing label has: `=""`, `=~".*"`, …
    ///
    /// A silence needs a matcher that does not. Compat: `!=` and `!~` count as matchers that do
    /// not, whatever their value.
    pub fn matches_empty(&self) -> bool {
        self.op.is_positive() && self.matches_value("")
    }

    /// The compiled value, if it is a pattern.
    pub fn pattern(&self) -> Option<&Pattern> {
        self.pattern.as_ref()
    }
}

impl Matchers {
    /// The set of these, sorted by name, then value, then operator.
    pub fn new(mut matchers: Vec<Matcher>) -> Self {
        matchers.sort_by(|a, b| (&a.name, &a.value, a.op).cmp(&(&b.name, &b.value, b.op)));
        Matchers(matchers)
    }

    /// Whether all of them hold for these labels.
    pub fn matches(&self, labels: &LabelSet) -> bool {
        self.0.iter().all(|matcher| matcher.matches(labels))
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Matcher> {
        self.0.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> IntoIterator for &'a Matchers {
    type Item = &'a Matcher;
    type IntoIter = std::slice::Iter<'a, Matcher>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.op, &self.value) == (&other.name, other.op, &other.value)
    }
}

impl Eq for Matcher {}

/// The canonical text: `name="value"`, or both in Go's quotes if the name needs them.
impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::with_capacity(self.name.len() + self.value.len() + 4);
        let name_needs_quotes = self.name.contains(parse::is_reserved);
        if name_needs_quotes {
            push_quoted(&mut out, &self.name);
            out.push_str(self.op.text());
            push_quoted(&mut out, &self.value);
        } else {
            out.push_str(&self.name);
            out.push_str(self.op.text());
            out.push('"');
            for c in self.value.chars() {
                match c {
                    '\\' => out.push_str(r"\\"),
                    '\n' => out.push_str(r"\n"),
                    '"' => out.push_str("\\\""),
                    c => out.push(c),
                }
            }
            out.push('"');
        }
        f.write_str(&out)
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `{a="b",c=~"d"}`: the form inside route keys.
impl fmt::Display for Matchers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (index, matcher) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            fmt::Display::fmt(matcher, f)?;
        }
        f.write_str("}")
    }
}

impl fmt::Debug for Matchers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
