//! The order in which a map's keys are printed.
//!
//! Numbers and booleans before texts; texts as people sort them: `a2` before `a10`.

use std::cmp::Ordering;

use super::Tree;

pub(super) fn key_order(left: &Tree, right: &Tree) -> Ordering {
    match (left, right) {
        (Tree::Text(left), Tree::Text(right)) => pieces(left).cmp(&pieces(right)),
        _ => kind(left).cmp(&kind(right)).then_with(|| number(left).total_cmp(&number(right))),
    }
}

/// Declared in the order in which they sort.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    Sign(char),
    /// The value, then the number of digits.
    Number(u128, usize),
    Letter(char),
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for c in text.chars() {
        match (c.to_digit(10), pieces.last_mut()) {
            (Some(digit), Some(Piece::Number(value, digits))) => {
                *value = value.saturating_mul(10).saturating_add(u128::from(digit));
                *digits += 1;
            }
            (Some(digit), _) => pieces.push(Piece::Number(u128::from(digit), 1)),
            (None, _) if c.is_alphabetic() => pieces.push(Piece::Letter(c)),
            (None, _) => pieces.push(Piece::Sign(c)),
        }
    }
    pieces
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
