//! Trees to text, in the style of the Go server's status page.
//!
//! Two spaces of indentation, lists flush with their key, texts plain where they can be, long plain
//! ones folded after 80 columns, and texts of several lines as literal blocks.

mod order;
mod style;

use order::key_order;
use style::{Place, Style, push_escaped};

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

    /// A map whose own order means nothing.
    pub(crate) fn sorted_map(entries: impl Iterator<Item = (Tree, Tree)>) -> Tree {
        let mut sorted: Vec<(Tree, Tree)> = entries.collect();
        sorted.sort_by(|(left, _), (right, _)| key_order(left, right));
        Tree::Map(sorted)
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

/// After this column a long text goes on at its next space, on another line.
const WIDTH: usize = 80;

#[cfg(test)]
mod tests;
