//! Trees to text, in the style of the Go server's status page.
//!
//! Two spaces of indentation, lists flush with their key, texts plain where they can be, long plain
//! ones folded after 80 columns, and texts of several lines as literal blocks.

use std::cmp::Ordering;

use super::scalar::{Scalar, resolve_plain};

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tree {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Text(String),
    List(Vec<Tree>),
    /// A list on one line.
    Flow(Vec<Tree>),
    Map(Vec<(Tree, Tree)>),
}

impl Tree {
    pub(crate) fn text(text: &str) -> Tree {
        Tree::Text(text.to_owned())
    }

    /// Entries in the order of people: `a2` before `a10`, words before nothing else.
    pub(crate) fn sorted_map(entries: impl Iterator<Item = (Tree, Tree)>) -> Tree {
        let mut entries: Vec<(Tree, Tree)> = entries.collect();
        entries.sort_by(|(left, _), (right, _)| key_order(left, right));
        Tree::Map(entries)
    }
}

pub(crate) fn emit(tree: &Tree) -> String {
    let mut emitter = Emitter { text: String::new() };
    match tree {
        Tree::Map(entries) if !entries.is_empty() => emitter.map(entries, 0, Start::Line),
        Tree::List(items) if !items.is_empty() => emitter.list(items, 0, Start::Line),
        _ => {
            emitter.inline(tree, 0);
            emitter.text.push('\n');
        }
    }
    emitter.text
}

/// Where the first line of a collection begins.
#[derive(Clone, Copy, PartialEq)]
enum Start {
    Line,
    /// Behind the dash of a list.
    Dash,
}

struct Emitter {
    text: String,
}

impl Emitter {
    fn map(&mut self, entries: &[(Tree, Tree)], indent: usize, mut start: Start) {
        for (key, value) in entries {
            self.begin(indent, start);
            start = Start::Line;
            self.key(key);
            self.text.push(':');
            match value {
                Tree::Map(entries) if !entries.is_empty() => {
                    self.text.push('\n');
                    self.map(entries, indent + 2, Start::Line);
                }
                Tree::List(items) if !items.is_empty() => {
                    self.text.push('\n');
                    self.list(items, indent, Start::Line);
                }
                _ => {
                    self.text.push(' ');
                    self.inline(value, indent + 2);
                    self.text.push('\n');
                }
            }
        }
    }

    fn list(&mut self, items: &[Tree], indent: usize, mut start: Start) {
        for item in items {
            self.begin(indent, start);
            start = Start::Line;
            self.text.push_str("- ");
            match item {
                Tree::Map(entries) if !entries.is_empty() => {
                    self.map(entries, indent + 2, Start::Dash);
                }
                Tree::List(items) if !items.is_empty() => {
                    self.list(items, indent + 2, Start::Dash);
                }
                _ => {
                    self.inline(item, indent + 2);
                    self.text.push('\n');
                }
            }
        }
    }

    fn begin(&mut self, indent: usize, start: Start) {
        if start == Start::Line {
            self.indent(indent);
        }
    }

    fn indent(&mut self, indent: usize) {
        self.text.extend(std::iter::repeat_n(' ', indent));
    }

    fn key(&mut self, key: &Tree) {
        match key {
            Tree::Text(text) => match Style::of(text, Place::Key) {
                Style::Plain => self.text.push_str(text),
                Style::Single => self.single_quoted(text, None),
                Style::Double | Style::Literal => self.double_quoted(text, None),
            },
            _ => self.inline(key, 0),
        }
    }

    /// What stands behind a colon or dash; further lines of it are indented.
    fn inline(&mut self, tree: &Tree, indent: usize) {
        match tree {
            Tree::Null => self.text.push_str("null"),
            Tree::Bool(value) => self.text.push_str(if *value { "true" } else { "false" }),
            Tree::Int(value) => self.text.push_str(&value.to_string()),
            Tree::Uint(value) => self.text.push_str(&value.to_string()),
            Tree::Float(value) => self.text.push_str(&float_text(*value)),
            Tree::Text(text) => match Style::of(text, Place::Block) {
                Style::Plain => self.plain(text, indent),
                Style::Single => self.single_quoted(text, Some(indent)),
                Style::Double => self.double_quoted(text, Some(indent)),
                Style::Literal => self.literal(text, indent),
            },
            // Only short lists of words and numbers are shown like this.
            Tree::Flow(items) => {
                self.text.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        self.text.push_str(", ");
                    }
                    self.flow_item(item);
                }
                self.text.push(']');
            }
            Tree::List(_) => self.text.push_str("[]"),
            Tree::Map(_) => self.text.push_str("{}"),
        }
    }

    fn flow_item(&mut self, item: &Tree) {
        match item {
            Tree::Text(text) => match Style::of(text, Place::Flow) {
                Style::Plain => self.text.push_str(text),
                Style::Single => self.single_quoted(text, None),
                Style::Double | Style::Literal => self.double_quoted(text, None),
            },
            _ => self.inline(item, 0),
        }
    }

    fn column(&self) -> usize {
        let line = self.text.rfind('\n').map_or(0, |at| at + 1);
        self.text[line..].chars().count()
    }

    fn plain(&mut self, text: &str, indent: usize) {
        let mut column = self.column();
        let mut after_space = false;
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            if c == ' ' && !after_space && column > WIDTH && rest.peek() != Some(&' ') {
                self.fold(indent, &mut column);
            } else {
                self.text.push(c);
                column += 1;
            }
            after_space = c == ' ';
        }
    }

    fn fold(&mut self, indent: usize, column: &mut usize) {
        self.text.push('\n');
        self.indent(indent);
        *column = indent;
    }

    /// Folded if an indentation is given.
    fn single_quoted(&mut self, text: &str, fold: Option<usize>) {
        self.text.push('\'');
        let mut column = self.column();
        let mut after_space = false;
        for (at, c) in text.char_indices() {
            let next = text[at + c.len_utf8()..].chars().next();
            let inner = at > 0 && next.is_some() && next != Some(' ');
            match fold {
                Some(indent) if c == ' ' && !after_space && column > WIDTH && inner => {
                    self.fold(indent, &mut column);
                }
                _ => {
                    self.text.push_str(if c == '\'' { "''" } else { "" });
                    if c != '\'' {
                        self.text.push(c);
                    }
                    column += 1 + usize::from(c == '\'');
                }
            }
            after_space = c == ' ';
        }
        self.text.push('\'');
    }

    fn double_quoted(&mut self, text: &str, fold: Option<usize>) {
        self.text.push('"');
        let mut column = self.column();
        let mut after_space = false;
        for (at, c) in text.char_indices() {
            let next = text[at + c.len_utf8()..].chars().next();
            match fold {
                Some(indent)
                    if c == ' ' && !after_space && column > WIDTH && at > 0 && next.is_some() =>
                {
                    self.fold(indent, &mut column);
                    if next == Some(' ') {
                        self.text.push('\\');
                        column += 1;
                    }
                }
                _ => {
                    let before = self.text.len();
                    push_escaped(&mut self.text, c);
                    column += self.text[before..].chars().count();
                }
            }
            after_space = c == ' ';
        }
        self.text.push('"');
    }

    fn literal(&mut self, text: &str, indent: usize) {
        self.text.push('|');
        if text.starts_with([' ', '\n']) {
            self.text.push('2');
        }
        let body = text.trim_end_matches('\n');
        match text.len() - body.len() {
            0 => self.text.push('-'),
            1 if !body.is_empty() => {}
            _ => self.text.push('+'),
        }
        for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
            self.text.push('\n');
            if !line.is_empty() {
                self.indent(indent);
                self.text.push_str(line);
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Block,
    Key,
    Flow,
}

enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

impl Style {
    fn of(text: &str, place: Place) -> Style {
        let spaces_at_breaks = text.contains(" \n") || text.contains("\n ");
        let special = text.chars().any(|c| c != '\n' && !is_printable(c)) || text.contains(" \n");
        if text.contains('\n') {
            let block_allowed = place == Place::Block && !special && !text.ends_with(' ');
            return if block_allowed { Style::Literal } else { Style::Double };
        }
        let means_something = resolve_plain(text) != Scalar::Text
            || text == "<<"
            || looks_like_date(text)
            || looks_like_base_60(text);
        if means_something || special || spaces_at_breaks {
            return Style::Double;
        }
        let outer_space = text.starts_with(' ') || text.ends_with(' ');
        if outer_space || has_indicator(text, place) { Style::Single } else { Style::Plain }
    }
}

/// Whether some character would be read as syntax.
fn has_indicator(text: &str, place: Place) -> bool {
    if text.starts_with("---") || text.starts_with("...") {
        return true;
    }
    let flow = place == Place::Flow;
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    let mut first = true;
    while let Some(c) = chars.next() {
        let before_space = chars.peek().is_none_or(|next| *next == ' ');
        let found = match c {
            '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%'
            | '@' | '`'
                if first =>
            {
                true
            }
            '-' if first => before_space,
            '?' if first => flow || before_space,
            ':' => flow || before_space,
            '#' => before == ' ',
            ',' | '?' | '[' | ']' | '{' | '}' => flow,
            _ => false,
        };
        if found {
            return true;
        }
        first = false;
        before = c;
    }
    false
}

fn is_printable(c: char) -> bool {
    match c {
        ' '..='~' => true,
        '\u{feff}' | '\u{fffe}' | '\u{ffff}' | '\u{2028}' | '\u{2029}' => false,
        _ => c >= '\u{a0}',
    }
}

fn push_escaped(text: &mut String, c: char) {
    let short = match c {
        '\0' => '0',
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{b}' => 'v',
        '\u{c}' => 'f',
        '\r' => 'r',
        '\u{1b}' => 'e',
        '"' => '"',
        '\\' => '\\',
        '\u{85}' => 'N',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        _ if is_printable(c) => {
            text.push(c);
            return;
        }
        _ => {
            let code = u32::from(c);
            text.push_str(&match code {
                0..=0xff => format!("\\x{code:02X}"),
                0x100..=0xffff => format!("\\u{code:04X}"),
                _ => format!("\\U{code:08X}"),
            });
            return;
        }
    };
    text.push('\\');
    text.push(short);
}

/// The shortest digits that read back as the same number.
fn float_text(value: f64) -> String {
    if value.is_nan() {
        return ".nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{mantissa}e{sign}{:02}", exponent.abs())
        }
        _ => format!("{value}"),
    }
}

/// `2024-01-31`, alone or with a time behind it.
fn looks_like_date(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let digits = |part: Option<&str>, lengths: std::ops::RangeInclusive<usize>| {
        part.is_some_and(|part| {
            lengths.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    digits(parts.next(), 4..=4)
        && digits(parts.next(), 1..=2)
        && parts.next().is_some_and(|rest| {
            let day = rest.split(['T', 't', ' ']).next();
            digits(day, 1..=2)
        })
}

/// `1:30` was once ninety.
fn looks_like_base_60(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let whole = unsigned.split_once('.').map_or(unsigned, |(whole, _)| whole);
    let mut parts = whole.split(':');
    let first = parts.next().unwrap_or_default();
    let head_fits = first.starts_with(|c: char| c.is_ascii_digit())
        && first.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let mut rest = parts.peekable();
    head_fits
        && rest.peek().is_some()
        && rest.all(|part| part.len() <= 2 && part.parse::<u8>().is_ok_and(|number| number < 60))
}

fn key_order(left: &Tree, right: &Tree) -> Ordering {
    let (Tree::Text(left), Tree::Text(right)) = (left, right) else {
        return kind(left).cmp(&kind(right)).then_with(|| number(left).total_cmp(&number(right)));
    };
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let Some(at) = left.iter().zip(&right).position(|(a, b)| a != b) else {
        return left.len().cmp(&right.len());
    };
    let (a, b) = (left[at], right[at]);
    match (a.is_alphabetic(), b.is_alphabetic()) {
        (true, true) => a.cmp(&b),
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => {
            let (a_run, b_run) = (digits_at(&left, at), digits_at(&right, at));
            // A zero inside a number does not make it shorter.
            let inside = (a == '0' || b == '0')
                && left[..at].iter().rev().take_while(|c| c.is_ascii_digit()).any(|c| *c != '0');
            let value = |run: &[char]| {
                let lead = u128::from(inside);
                run.iter()
                    .take(30)
                    .fold(lead, |sum, c| sum * 10 + u128::from(c.to_digit(10).unwrap_or(0)))
            };
            value(a_run).cmp(&value(b_run)).then(a_run.len().cmp(&b_run.len())).then(a.cmp(&b))
        }
    }
}

fn digits_at(text: &[char], at: usize) -> &[char] {
    let length = text[at..].iter().take_while(|c| c.is_ascii_digit()).count();
    &text[at..at + length]
}

/// Numbers and booleans before texts.
fn kind(tree: &Tree) -> u8 {
    match tree {
        Tree::Null => 0,
        Tree::Bool(_) | Tree::Int(_) | Tree::Uint(_) | Tree::Float(_) => 1,
        Tree::Text(_) => 2,
        Tree::List(_) | Tree::Flow(_) | Tree::Map(_) => 3,
    }
}

fn number(tree: &Tree) -> f64 {
    match tree {
        Tree::Bool(value) => f64::from(u8::from(*value)),
        Tree::Int(value) => *value as f64,
        Tree::Uint(value) => *value as f64,
        Tree::Float(value) => *value,
        Tree::Null | Tree::Text(_) | Tree::List(_) | Tree::Flow(_) | Tree::Map(_) => 0.0,
    }
}

/// After this column a long text goes on at its next space, on another line.
const WIDTH: usize = 80;
