//! What an alert is called: a set of name and value pairs, and the hashes that identify it.
//!
//! In: pairs of strings, in any order. Out: a sorted, immutable, cheaply cloned set with its text
//! form, its fingerprint and its notification-log hash, each byte-equal with the Go Alertmanager's.
//!
//! A server holds millions of label strings, so a set is one allocation: a text in which every
//! name and value follows its own length. The lengths are written in characters below 0x80, which
//! keeps the whole a valid `str` that can be sliced without unsafe code.

use std::cmp::Ordering;
use std::fmt;
use std::hash::Hasher;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use crate::hex::hex;
use crate::quote::push_quoted;

/// A set of label names and their values, sorted by name; also used for annotations.
///
/// Invariant: names are unique and in ascending byte order.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct LabelSet {
    packed: Arc<str>,
}

/// The identity of an alert: FNV-1a of its labels, printed as 16 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub u64);

/// The pairs of a [`LabelSet`], in order of their names.
#[derive(Clone)]
pub struct Pairs<'a> {
    packed: &'a str,
    /// Where the next pair begins.
    at: usize,
}

impl LabelSet {
    /// The set of these pairs; of two with one name the later one wins.
    pub fn new<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut pairs: Vec<(&str, &str)> = pairs.into_iter().collect();
        sort_last_wins(&mut pairs);
        Self::from_sorted(pairs)
    }

    /// The set of pairs that are already in ascending order of unique names.
    ///
    /// Meant for hot paths; the order is checked in debug builds only.
    pub fn from_sorted<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self::from_sorted_in(&mut String::with_capacity(256), pairs)
    }

    /// [`LabelSet::from_sorted`] for one who builds many sets: `scratch` is any text, overwritten.
    pub fn from_sorted_in<'a>(
        scratch: &mut String,
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        scratch.clear();
        let mut previous: Option<&str> = None;
        for (name, value) in pairs {
            debug_assert!(previous.is_none_or(|before| before < name), "labels out of order");
            previous = Some(name);
            push_sized(scratch, name);
            push_sized(scratch, value);
        }
        if scratch.is_empty() {
            Self::default()
        } else {
            LabelSet { packed: scratch.as_str().into() }
        }
    }

    /// Reads the text that [`LabelSet::packed`] gave; `None` if it is not one.
    pub fn from_packed(text: &str) -> Option<Self> {
        let mut pairs = Pairs { packed: text, at: 0 };
        let mut previous: Option<&str> = None;
        while pairs.at < text.len() {
            let (name, _) = pairs.next()?;
            if previous.is_some_and(|before| before >= name) {
                return None;
            }
            previous = Some(name);
        }
        Some(if text.is_empty() { Self::default() } else { LabelSet { packed: text.into() } })
    }

    /// The set as one text: each name and value behind its length; see docs/disk.md.
    pub fn packed(&self) -> &str {
        &self.packed
    }

    pub fn iter(&self) -> Pairs<'_> {
        Pairs { packed: &self.packed, at: 0 }
    }

    pub fn is_empty(&self) -> bool {
        self.packed.is_empty()
    }

    /// The value of the label `name`, if the set has it.
    pub fn get(&self, name: &str) -> Option<&str> {
        let bytes = self.packed.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            let candidate = sized_at(bytes, at)?;
            let value = sized_at(bytes, candidate.end)?;
            // Most names differ in length already, which is cheaper to see.
            if candidate.len() == name.len() && bytes[candidate] == *name.as_bytes() {
                return self.packed.get(value);
            }
            at = value.end;
        }
        None
    }

    /// The value of the label `name`, empty if the set lacks it: what matchers compare with.
    pub fn value(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// The pairs whose names satisfy `keep`.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(&str) -> bool) -> Self {
        Self::from_sorted(self.iter().filter(|(name, _)| keep(name)))
    }

    /// Appends `{a="b", c="d"}`, values quoted as Go quotes, names bare: the form inside group keys.
    pub fn push_text(&self, out: &mut String) {
        out.push('{');
        for (index, (name, value)) in self.iter().enumerate() {
            if index > 0 {
                out.push_str(", ");
            }
            out.push_str(name);
            out.push('=');
            push_quoted(out, value);
        }
        out.push('}');
    }

    /// FNV-1a (64 bits) over `name 0xff value 0xff` of every pair.
    pub fn fingerprint(&self) -> Fingerprint {
        fingerprint_of(self.iter())
    }

    /// xxHash64 with seed 0 over the same bytes: how the notification log names an alert.
    pub fn log_hash(&self) -> u64 {
        let mut hasher = twox_hash::XxHash64::with_seed(0);
        for (name, value) in self.iter() {
            for part in [name, value] {
                hasher.write(part.as_bytes());
                hasher.write(&[0xff]);
            }
        }
        hasher.finish()
    }

    /// The Go order of label sets: fewer labels first; then, at the first name that only one of the
    /// two has, the one that lacks it; else by the first value that differs.
    pub fn order(&self, other: &LabelSet) -> Ordering {
        let (mut pairs, mut others) = (self.iter(), other.iter());
        let mut by_pairs = Ordering::Equal;
        loop {
            match (pairs.next(), others.next()) {
                (Some((name, value)), Some((other_name, other_value))) => {
                    let order = || other_name.cmp(name).then_with(|| value.cmp(other_value));
                    by_pairs = by_pairs.then_with(order);
                }
                (None, None) => return by_pairs,
                (one, another) => return one.is_some().cmp(&another.is_some()),
            }
        }
    }
}

/// Sorts by name and keeps the last of the pairs that share one.
pub fn sort_last_wins<V>(pairs: &mut Vec<(&str, V)>) {
    // A stable sort leaves equal names in their order of arrival.
    pairs.sort_by(|a, b| a.0.cmp(b.0));
    pairs.reverse();
    pairs.dedup_by(|later, kept| later.0 == kept.0);
    pairs.reverse();
}

/// The fingerprint of pairs that are already in ascending order of unique names.
pub fn fingerprint_of<'a>(sorted: impl IntoIterator<Item = (&'a str, &'a str)>) -> Fingerprint {
    let mut hash = FNV_OFFSET;
    for (name, value) in sorted {
        hash = fnv(fnv(hash, name.as_bytes()), &[0xff]);
        hash = fnv(fnv(hash, value.as_bytes()), &[0xff]);
    }
    Fingerprint(hash)
}

fn fnv(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME))
}

// http://www.isthe.com/chongo/tech/comp/fnv/
const FNV_OFFSET: u64 = 14_695_981_039_346_656_037;
const FNV_PRIME: u64 = 1_099_511_628_211;

/// Appends the length of `text` in bytes, six bits a character, low bits first, 0x40 marking that
/// more follow; then `text` itself.
fn push_sized(out: &mut String, text: &str) {
    let mut rest = text.len();
    while rest >= 0x40 {
        out.push(char::from(0x40 | (rest & 0x3f) as u8));
        rest >>= 6;
    }
    out.push(char::from(rest as u8));
    out.push_str(text);
}

/// Where the text lies whose length stands at `at`; within `packed`.
#[inline]
fn sized_at(packed: &[u8], at: usize) -> Option<Range<usize>> {
    let first = *packed.get(at)?;
    let text = if first < 0x40 {
        // Nearly all texts are this short.
        at + 1..at + 1 + usize::from(first)
    } else {
        long_sized_at(packed, at)?
    };
    (text.end <= packed.len()).then_some(text)
}

fn long_sized_at(packed: &[u8], at: usize) -> Option<Range<usize>> {
    let mut length = 0usize;
    for (index, byte) in packed[at..].iter().copied().enumerate().take(6) {
        length |= usize::from(byte & 0x3f) << (6 * index);
        if byte < 0x40 {
            let start = at + index + 1;
            return Some(start..start.checked_add(length)?);
        }
        if byte >= 0x80 {
            return None;
        }
    }
    None
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a str, &'a str);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.packed.as_bytes();
        let name = sized_at(bytes, self.at)?;
        let value = sized_at(bytes, name.end)?;
        self.at = value.end;
        Some((self.packed.get(name)?, self.packed.get(value)?))
    }
}

impl Default for LabelSet {
    fn default() -> Self {
        static EMPTY: LazyLock<Arc<str>> = LazyLock::new(|| Arc::from(""));
        LabelSet { packed: EMPTY.clone() }
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for LabelSet {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Self {
        LabelSet::new(pairs)
    }
}

impl fmt::Display for LabelSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.push_text(&mut text);
        f.write_str(&text)
    }
}

impl fmt::Debug for LabelSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests;
