//! What a pattern means, free of any syntax, and how it is written for the engine.
//!
//! Where only whether a text matches is asked, captures and greediness are not kept; where matches
//! are replaced, they are.

/// One piece of a pattern. Flags are resolved: every piece knows whether it ignores case.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Empty,
    Literal {
        text: String,
        fold: Fold,
    },
    Class {
        class: Class,
        fold: Fold,
    },
    AnyChar,
    AnyButNewline,
    Look(Look),
    Repeat {
        node: Box<Node>,
        min: u32,
        max: Option<u32>,
        lazy: bool,
    },
    /// A group that can be referred to, by its number and perhaps a name.
    Capture {
        node: Box<Node>,
        name: Option<String>,
    },
    Sequence(Vec<Node>),
    Branches(Vec<Node>),
}

/// Whether letters that differ in case only are one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fold {
    Exact,
    IgnoreCase,
}

/// Conditions on a place between two characters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Look {
    TextStart,
    TextEnd,
    LineStart,
    LineEnd,
    WordBoundary,
    NoWordBoundary,
}

/// A set of characters: what stands between the engine's brackets.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Class {
    items: String,
    pub(super) negated: bool,
}

impl Node {
    pub(super) fn literal(c: char, fold: Fold) -> Node {
        Node::Literal { text: c.into(), fold }
    }

    /// The pieces one after the other; neighbouring literals become one.
    pub(super) fn sequence(nodes: Vec<Node>) -> Node {
        let mut flat: Vec<Node> = Vec::with_capacity(nodes.len());
        for node in nodes {
            match (flat.last_mut(), node) {
                (
                    Some(Node::Literal { text, fold }),
                    Node::Literal { text: next, fold: next_fold },
                ) if *fold == next_fold => text.push_str(&next),
                (_, node) => flat.push(node),
            }
        }
        match flat.len() {
            0 => Node::Empty,
            1 => flat.remove(0),
            _ => Node::Sequence(flat),
        }
    }

    pub(super) fn branches(mut nodes: Vec<Node>) -> Node {
        if nodes.len() == 1 { nodes.remove(0) } else { Node::Branches(nodes) }
    }

    /// How often the innermost piece would stand in the pattern if counted repetitions were
    /// written out, along the worst path.
    pub(super) fn copies(&self) -> u64 {
        match self {
            Node::Repeat { max: Some(0), .. } => 0,
            Node::Capture { node, .. } => node.copies(),
            Node::Repeat { node, min, max, .. } => {
                node.copies() * u64::from(max.unwrap_or(*min).max(1))
            }
            Node::Sequence(nodes) | Node::Branches(nodes) => {
                nodes.iter().map(Node::copies).max().unwrap_or(1)
            }
            Node::Empty
            | Node::Literal { .. }
            | Node::Class { .. }
            | Node::AnyChar
            | Node::AnyButNewline
            | Node::Look(_) => 1,
        }
    }

    pub(super) fn to_engine_syntax(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        match self {
            Node::Empty => out.push_str("(?:)"),
            Node::Literal { text, fold } => fold.write(out, &::regex::escape(text)),
            Node::Class { class, fold } => fold.write(out, &class.to_engine_syntax()),
            Node::AnyChar => out.push_str(ANY),
            Node::AnyButNewline => out.push_str(r"[^\n]"),
            Node::Look(look) => out.push_str(look.engine_syntax()),
            Node::Capture { node, name } => {
                out.push_str(&name.as_ref().map_or("(".into(), |name| format!("(?P<{name}>")));
                node.write(out);
                out.push(')');
            }
            Node::Repeat { node, min, max, lazy } => {
                out.push_str("(?:");
                node.write(out);
                out.push(')');
                out.push_str(&match max {
                    Some(max) => format!("{{{min},{max}}}"),
                    None => format!("{{{min},}}"),
                });
                if *lazy {
                    out.push('?');
                }
            }
            Node::Sequence(nodes) => nodes.iter().for_each(|node| node.write(out)),
            Node::Branches(nodes) => {
                for (index, node) in nodes.iter().enumerate() {
                    out.push_str(if index == 0 { "(?:" } else { "|" });
                    node.write(out);
                }
                out.push(')');
            }
        }
    }
}

impl Fold {
    fn write(self, out: &mut String, text: &str) {
        match self {
            Fold::Exact => out.push_str(text),
            Fold::IgnoreCase => {
                out.push_str("(?i:");
                out.push_str(text);
                out.push(')');
            }
        }
    }
}

impl Look {
    pub(super) fn holds_in_empty_text(self) -> bool {
        match self {
            Look::TextStart | Look::TextEnd | Look::LineStart | Look::LineEnd => true,
            Look::WordBoundary => false,
            Look::NoWordBoundary => true,
        }
    }

    fn engine_syntax(self) -> &'static str {
        match self {
            Look::TextStart => r"\A",
            Look::TextEnd => r"\z",
            Look::LineStart => "(?m:^)",
            Look::LineEnd => "(?m:$)",
            Look::WordBoundary => r"(?-u:\b)",
            Look::NoWordBoundary => r"(?-u:\B)",
        }
    }
}

impl Class {
    /// The class of what `items`, in the engine's syntax, stands for.
    pub(super) fn of(items: &str, negated: bool) -> Class {
        Class { items: items.into(), negated }
    }

    /// Adds what the engine's syntax `item` stands for, which may be a bracketed class.
    pub(super) fn push_item(&mut self, item: &str) {
        self.items.push_str(item);
    }

    pub(super) fn push_class(&mut self, inner: &Class) {
        if !inner.items.is_empty() || inner.negated {
            self.items.push_str(&inner.to_engine_syntax());
        }
    }

    /// Adds the code points `first..=last`; surrogates are left out, for no text has them.
    pub(super) fn push_range(&mut self, first: u32, last: u32) {
        let first = if SURROGATES.contains(&first) { SURROGATES.end() + 1 } else { first };
        let last = if SURROGATES.contains(&last) { SURROGATES.start() - 1 } else { last };
        if first <= last {
            self.items.push_str(&format!(r"\x{{{first:x}}}-\x{{{last:x}}}"));
        }
    }

    pub(super) fn items(&self) -> &str {
        &self.items
    }

    fn to_engine_syntax(&self) -> String {
        match (self.items.is_empty(), self.negated) {
            (true, true) => r"[\x{0}-\x{10ffff}]".into(),
            (true, false) => r"[^\x{0}-\x{10ffff}]".into(),
            (false, true) => format!("[^{}]", self.items),
            (false, false) => format!("[{}]", self.items),
        }
    }
}

const ANY: &str = "(?s:.)";

const SURROGATES: std::ops::RangeInclusive<u32> = 0xd800..=0xdfff;
