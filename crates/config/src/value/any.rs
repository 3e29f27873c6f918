//! Values of any shape: see [`bellwether_integrations::AnyValue`].

use std::collections::BTreeSet;

use bellwether_integrations::AnyValue as Any;

use crate::block::{BlockReader, FieldValue};
use crate::yaml::{Kind, NodeId, Scalar, Tree};

impl FieldValue for Any {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
        *self = match &reader.node(node).kind {
            Kind::Sequence(_) => {
                let mut list: Vec<Any> = Vec::new();
                list.decode(reader, node);
                Any::List(list)
            }
            Kind::Mapping(_) => decode_map(reader, node),
            Kind::Scalar { .. } | Kind::Alias(_) => decode_scalar(reader, node),
        };
    }

    fn clear(&mut self) {
        *self = Any::Null;
    }

    fn is_empty(&mut self) -> bool {
        *self == Any::Null
    }

    fn tree(&mut self) -> Tree {
        match self {
            Any::Null => Tree::Null,
            Any::Bool(value) => Tree::Bool(*value),
            Any::Int(value) => Tree::Int(*value),
            Any::Uint(value) => Tree::Uint(*value),
            Any::Float(value) => Tree::Float(*value),
            Any::Text(text) => Tree::text(text),
            Any::List(items) => Tree::List(items.iter_mut().map(FieldValue::tree).collect()),
            Any::Map(entries) => {
                Tree::sorted_map(entries.iter_mut().map(|(key, value)| (key.tree(), value.tree())))
            }
        }
    }
}

fn decode_scalar(reader: &mut BlockReader<'_>, node: NodeId) -> Any {
    match reader.scalar(node, "a value") {
        None | Some((Scalar::Null, _)) => Any::Null,
        Some((Scalar::Bool(value), _)) => Any::Bool(value),
        Some((Scalar::Int(value), _)) => Any::Int(value),
        Some((Scalar::Uint(value), _)) => Any::Uint(value),
        Some((Scalar::Float(value), _)) => Any::Float(value),
        Some((Scalar::Decoded(text), _)) => Any::Text(text),
        Some((Scalar::Text, text)) => Any::Text(text.to_owned()),
    }
}

fn decode_map(reader: &mut BlockReader<'_>, node: NodeId) -> Any {
    let mut entries: Vec<(Any, Any)> = Vec::new();
    let mut seen = BTreeSet::new();
    for (key, item) in reader.entries(node).unwrap_or_default() {
        let mut name = Any::Null;
        reader.fill(&mut name, key);
        if matches!(name, Any::List(_) | Any::Map(_)) {
            reader.error(key, "invalid map key: only scalars can be keys");
            continue;
        }
        let mut value = Any::Null;
        let step = reader.scalar_text(key).unwrap_or_default();
        reader.within(step, |reader| reader.fill(&mut value, item));
        // The debug form distinguishes 1 from "1".
        if !seen.insert(format!("{name:?}")) {
            reader.error(item, &format!("key {step:?} already set in map"));
        }
        entries.push((name, value));
    }
    Any::Map(entries)
}
