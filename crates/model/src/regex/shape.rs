//! Patterns that are plain text in disguise, matched without an engine.

use super::node::{Fold, Look, Node};

/// What an anchored pattern asks of a whole text.
#[derive(Debug, PartialEq)]
pub(super) enum Shape {
    /// `a|b|c`: in ascending order.
    OneOf(Box<[Box<str>]>),
    /// `text.*`, `.*text`, `.+text.*`, `.*`, …
    ///
    /// Invariant: `text` holds no line feed.
    Around { before: Option<Run>, text: Box<str>, after: Option<Run>, newline: Newline },
}

/// `.*` or `.+`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Run {
    MaybeEmpty,
    NotEmpty,
}

/// Whether `.` stands for a line feed too.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Newline {
    Included,
    Excluded,
}

impl Shape {
    /// The shape of `^(?:…)$`, if it has one.
    pub(super) fn of_anchored(tree: &Node) -> Option<Shape> {
        let Node::Sequence(nodes) = tree else { return None };
        let [Node::Look(Look::TextStart), inner @ .., Node::Look(Look::TextEnd)] = nodes.as_slice()
        else {
            return None;
        };
        match inner {
            [Node::Branches(branches)] => one_of(branches),
            [Node::Sequence(nodes)] => around(nodes),
            [node] => {
                one_of(std::slice::from_ref(node)).or_else(|| around(std::slice::from_ref(node)))
            }
            _ => None,
        }
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        match self {
            Shape::OneOf(texts) => {
                texts.binary_search_by(|candidate| (**candidate).cmp(text)).is_ok()
            }
            Shape::Around { before, text: wanted, after, newline } => {
                let newline_fits = *newline == Newline::Included || !text.contains('\n');
                newline_fits && is_around(text, *before, wanted, *after)
            }
        }
    }
}

fn is_around(text: &str, before: Option<Run>, wanted: &str, after: Option<Run>) -> bool {
    let mut rest = text.chars();
    if before == Some(Run::NotEmpty) && rest.next().is_none() {
        return false;
    }
    if after == Some(Run::NotEmpty) && rest.next_back().is_none() {
        return false;
    }
    let rest = rest.as_str();
    match (before, after) {
        (None, None) => rest == wanted,
        (None, Some(_)) => rest.starts_with(wanted),
        (Some(_), None) => rest.ends_with(wanted),
        (Some(_), Some(_)) => rest.contains(wanted),
    }
}

fn one_of(branches: &[Node]) -> Option<Shape> {
    let mut texts: Vec<Box<str>> = Vec::with_capacity(branches.len());
    for branch in branches {
        texts.push(plain(branch)?.into());
    }
    texts.sort();
    texts.dedup();
    Some(Shape::OneOf(texts.into()))
}

fn around(nodes: &[Node]) -> Option<Shape> {
    let (before, nodes) = match nodes.split_first() {
        Some((first, rest)) if run(first).is_some() => (run(first), rest),
        _ => (None, nodes),
    };
    let (after, nodes) = match nodes.split_last() {
        Some((last, rest)) if run(last).is_some() => (run(last), rest),
        _ => (None, nodes),
    };
    let text = match nodes {
        [] => "",
        [node] => plain(node)?,
        _ => return None,
    };
    let newlines = [before, after].map(|run| run.map(|(_, newline)| newline));
    let newline = match newlines {
        [Some(one), Some(other)] if one != other => return None,
        [one, other] => one.or(other)?,
    };
    let [before, after] = [before, after].map(|run| run.map(|(run, _)| run));
    let fits = !text.contains('\n');
    fits.then(|| Shape::Around { before, text: text.into(), after, newline })
}

fn plain(node: &Node) -> Option<&str> {
    match node {
        Node::Empty => Some(""),
        Node::Literal { text, fold: Fold::Exact } => Some(text),
        _ => None,
    }
}

fn run(node: &Node) -> Option<(Run, Newline)> {
    let Node::Repeat { node, min, max: None, .. } = node else { return None };
    let run = match min {
        0 => Run::MaybeEmpty,
        1 => Run::NotEmpty,
        _ => return None,
    };
    match **node {
        Node::AnyChar => Some((run, Newline::Included)),
        Node::AnyButNewline => Some((run, Newline::Excluded)),
        _ => None,
    }
}
