//! What texts, numbers, switches, lists and maps look like in the file.
//!
//! A text takes any scalar as it was written; a switch only a boolean; a number also a float, which
//! is cut. A map's keys are texts, each at most once, also across merges.

mod any;
mod duration;
mod required;
mod url;

use std::collections::BTreeMap;

use bellwether_model::Secret;

use crate::block::{BlockReader, FieldValue};
use crate::yaml::{NodeId, Scalar, Tree};

pub(crate) use duration::GoDuration;
pub(crate) use required::Required;
pub(crate) use url::{HttpUrl, LaxUrl, SecretUrl, TemplateUrl, check_template};

impl FieldValue for String {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
        if let Some((scalar, text)) = reader.scalar(node, "string") {
            *self = match scalar {
                Scalar::Decoded(decoded) => decoded,
                _ => text.to_owned(),
            };
        }
    }

    fn clear(&mut self) {
        String::clear(self);
    }

    fn is_empty(&mut self) -> bool {
        String::is_empty(self)
    }

    fn tree(&mut self) -> Tree {
        Tree::text(self)
    }
}

impl FieldValue for Secret {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
        let mut text = String::new();
        text.decode(reader, node);
        *self = Secret::new(text);
    }

    fn clear(&mut self) {
        *self = Secret::default();
    }

    fn is_empty(&mut self) -> bool {
        Secret::is_empty(self)
    }

    fn tree(&mut self) -> Tree {
        if Secret::is_empty(self) { Tree::Null } else { Tree::text(SECRET_SHOWN) }
    }
}

impl FieldValue for bool {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
        match reader.scalar(node, "bool") {
            Some((Scalar::Bool(value), _)) => *self = value,
            Some(_) => reader.wrong_type(node, "bool"),
            None => {}
        }
    }

    fn clear(&mut self) {
        *self = false;
    }

    fn is_empty(&mut self) -> bool {
        !*self
    }

    fn tree(&mut self) -> Tree {
        Tree::Bool(*self)
    }
}

impl FieldValue for i64 {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
        decode_int(self, "int", reader, node);
    }

    fn clear(&mut self) {
        *self = 0;
    }

    fn is_empty(&mut self) -> bool {
        *self == 0
    }

    fn tree(&mut self) -> Tree {
        Tree::Int(*self)
    }
}

/// The same, which Go's messages call by another name.
pub(crate) struct Int64<'a>(pub &'a mut i64);

impl FieldValue for Int64<'_> {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
        decode_int(self.0, "int64", reader, node);
    }

    fn clear(&mut self) {
        self.0.clear();
    }

    fn is_empty(&mut self) -> bool {
        self.0.is_empty()
    }

    fn tree(&mut self) -> Tree {
        self.0.tree()
    }
}

fn decode_int(place: &mut i64, name: &str, reader: &mut BlockReader<'_>, node: NodeId) {
    let Some((scalar, _)) = reader.scalar(node, name) else { return };
    match scalar {
        Scalar::Int(value) => *place = value,
        Scalar::Float(value) if value.abs() < TWO_TO_63 => *place = value as i64,
        _ => reader.wrong_type(node, name),
    }
}

impl FieldValue for u64 {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
        let Some((scalar, _)) = reader.scalar(node, "uint64") else { return };
        match scalar {
            Scalar::Int(value) if value >= 0 => *self = value.unsigned_abs(),
            Scalar::Uint(value) => *self = value,
            Scalar::Float(value) if value > -1.0 && value < 2.0 * TWO_TO_63 => {
                *self = value as u64;
            }
            _ => reader.wrong_type(node, "uint64"),
        }
    }

    fn clear(&mut self) {
        *self = 0;
    }

    fn is_empty(&mut self) -> bool {
        *self == 0
    }

    fn tree(&mut self) -> Tree {
        Tree::Uint(*self)
    }
}

impl FieldValue for f64 {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
        let Some((scalar, _)) = reader.scalar(node, "float64") else { return };
        match scalar {
            Scalar::Int(value) => *self = value as f64,
            Scalar::Uint(value) => *self = value as f64,
            Scalar::Float(value) => *self = value,
            _ => reader.wrong_type(node, "float64"),
        }
    }

    fn clear(&mut self) {
        *self = 0.0;
    }

    fn is_empty(&mut self) -> bool {
        *self == 0.0
    }

    fn tree(&mut self) -> Tree {
        Tree::Float(*self)
    }
}

/// A block or scalar of which it matters whether it is there.
impl<T: FieldValue + Default> FieldValue for Option<T> {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
        self.insert(T::default()).decode(reader, node);
    }

    fn clear(&mut self) {
        *self = None;
    }

    fn is_empty(&mut self) -> bool {
        self.is_none()
    }

    fn tree(&mut self) -> Tree {
        self.as_mut().map_or(Tree::Null, FieldValue::tree)
    }
}

/// A null in the list is an empty element.
impl<T: FieldValue + Default> FieldValue for Vec<T> {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
        Vec::clear(self);
        for (index, item) in reader.items(node).unwrap_or_default().iter().enumerate() {
            let mut value = T::default();
            reader.within(&format!("[{index}]"), |reader| reader.fill(&mut value, *item));
            self.push(value);
        }
    }

    fn clear(&mut self) {
        Vec::clear(self);
    }

    fn is_empty(&mut self) -> bool {
        Vec::is_empty(self)
    }

    fn tree(&mut self) -> Tree {
        Tree::List(self.iter_mut().map(FieldValue::tree).collect())
    }
}

impl<T: FieldValue + Default> FieldValue for BTreeMap<String, T> {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
        BTreeMap::clear(self);
        for (key, item) in reader.entries(node).unwrap_or_default() {
            let mut name = String::new();
            let errors_before = reader.errors_len();
            reader.fill(&mut name, key);
            let mut value = T::default();
            reader.within(&name, |reader| reader.fill(&mut value, item));
            if reader.errors_len() > errors_before {
                continue;
            }
            if self.contains_key(&name) {
                reader.error(item, &format!("key {name:?} already set in map"));
            }
            self.insert(name, value);
        }
    }

    fn clear(&mut self) {
        BTreeMap::clear(self);
    }

    fn is_empty(&mut self) -> bool {
        BTreeMap::is_empty(self)
    }

    fn tree(&mut self) -> Tree {
        Tree::sorted_map(self.iter_mut().map(|(key, value)| (Tree::text(key), value.tree())))
    }
}

/// What is printed instead of a secret, and taken for one when a printed file is read again.
pub(crate) const SECRET_SHOWN: &str = "<secret>";
/// The first number beyond `i64`.
const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;
