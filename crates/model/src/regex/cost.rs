//! How much memory and time a pattern will take, known before anything is compiled.
//!
//! In: a tree. Out: bytes that the compiled program will take at most, roughly. The program knows bytes,
//! not characters: a class of Unicode is hundreds of byte sequences, and a counted repetition copies
//! what it repeats.

use super::node::{Class, Fold, Node};

impl Node {
    /// An estimate from above, in bytes.
    pub(super) fn cost(&self) -> u64 {
        match self {
            Node::Empty | Node::Look(_) => STATE_BYTES,
            Node::Literal { text, fold } => fold.cost(text.len() as u64 * STATE_BYTES),
            Node::Class { class, fold } => fold.cost(class.cost()),
            Node::AnyChar | Node::AnyButNewline => ANY_CHAR_BYTES,
            Node::Repeat { node, min, max, lazy: _ } => {
                let copies = max.unwrap_or(*min).max(1);
                node.cost().saturating_add(STATE_BYTES).saturating_mul(copies.into())
            }
            Node::Capture { node, name: _ } => node.cost().saturating_add(2 * STATE_BYTES),
            Node::Sequence(nodes) | Node::Branches(nodes) => {
                nodes.iter().fold(STATE_BYTES, |sum, node| sum.saturating_add(node.cost()))
            }
        }
    }

    /// Whether an empty text matches, with or without anchors.
    pub(super) fn matches_empty(&self) -> bool {
        match self {
            Node::Empty => true,
            Node::Literal { text, fold: _ } => text.is_empty(),
            Node::Class { .. } | Node::AnyChar | Node::AnyButNewline => false,
            Node::Look(look) => look.holds_in_empty_text(),
            Node::Repeat { node, min, .. } => *min == 0 || node.matches_empty(),
            Node::Capture { node, .. } => node.matches_empty(),
            Node::Sequence(nodes) => nodes.iter().all(Node::matches_empty),
            Node::Branches(nodes) => nodes.iter().any(Node::matches_empty),
        }
    }
}

impl Fold {
    /// Most letters have one other case, a few have two.
    fn cost(self, exact: u64) -> u64 {
        match self {
            Fold::Exact => exact,
            Fold::IgnoreCase => exact.saturating_mul(3),
        }
    }
}

impl Class {
    fn cost(&self) -> u64 {
        let items = self.items();
        let named = items.matches(r"\p").count() as u64;
        // Both ends of each range count.
        let ends = items.split(r"\x{").skip(1).filter_map(|end| end.split('}').next());
        let wide = ends.filter(|digits| !is_ascii(digits)).count() as u64;
        let negated = if self.negated { ANY_CHAR_BYTES } else { 0 };
        let ranges = STATE_BYTES + items.len() as u64 + wide * WIDE_RANGE_BYTES / 2;
        ranges.saturating_add(named * NAMED_CLASS_BYTES).saturating_add(negated)
    }
}

fn is_ascii(digits: &str) -> bool {
    u32::from_str_radix(digits, 16).is_ok_and(|code| code <= 0x7f)
}

/// One state with one transition.
const STATE_BYTES: u64 = 32;
/// All characters, or all but one: some twelve states.
const ANY_CHAR_BYTES: u64 = 640;
/// A range that reaches beyond ASCII: up to seven sequences of bytes.
const WIDE_RANGE_BYTES: u64 = 320;
/// The largest classes, such as `\pL`, have some 700 ranges, most of them short.
const NAMED_CLASS_BYTES: u64 = 48 * 1024;
