//! Lists, and maps with texts as keys.
//!
//! Both know the type of their elements, since that decides what a missing key gives and how the
//! type is called in an error.

use super::Value;
use super::text::Text;
use super::types::Type;

/// A slice.
pub struct List {
    /// The type of the elements.
    pub of: Type,
    pub items: Vec<Value>,
    nesting: usize,
}

/// A map whose keys are texts.
pub struct Map {
    /// The type of the elements.
    pub of: Type,
    /// Invariant: sorted by key, each key once.
    entries: Vec<(Text, Value)>,
    nesting: usize,
}

// === impl List ===

impl List {
    pub fn new(of: Type, items: Vec<Value>) -> Self {
        let nesting = 1 + items.iter().map(Value::nesting).max().unwrap_or(0);
        Self { of, items, nesting }
    }

    pub(crate) fn nesting(&self) -> usize {
        self.nesting
    }
}

// === impl Map ===

impl Map {
    /// A map of these entries; of equal keys the last one counts.
    pub fn new<K: Into<Text>>(of: Type, entries: impl IntoIterator<Item = (K, Value)>) -> Self {
        let mut entries: Vec<(Text, Value)> =
            entries.into_iter().map(|(key, value)| (key.into(), value)).collect();
        if !entries.is_sorted_by(|(a, _), (b, _)| a < b) {
            // The sort is stable: of equal keys, the last one given is the last one here.
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            entries.dedup_by(|later, earlier| {
                let same = later.0 == earlier.0;
                if same {
                    std::mem::swap(later, earlier);
                }
                same
            });
        }
        let nesting = 1 + entries.iter().map(|(_, value)| value.nesting()).max().unwrap_or(0);
        Self { of, entries, nesting }
    }

    pub fn lookup(&self, key: &[u8]) -> Option<&Value> {
        let position =
            self.entries.binary_search_by(|(candidate, _)| candidate.as_bytes().cmp(key)).ok()?;
        self.entries.get(position).map(|(_, value)| value)
    }

    /// In the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&Text, &Value)> {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry at a position in the order of the keys.
    pub(crate) fn entry(&self, position: usize) -> Option<&(Text, Value)> {
        self.entries.get(position)
    }

    pub(crate) fn nesting(&self) -> usize {
        self.nesting
    }
}
