//! `receivers`: a name, and its integrations.

use std::collections::BTreeMap;

use bellwether_integrations::{IntegrationConfig, Kind};

use crate::block::{Block, BlockReader, FieldValue, Problem, Visitor, refuse_if};
use crate::receivers::{PRINTED, settings};
use crate::yaml::{NodeId, Tree};

/// A named list of integrations; one without any drops its notifications.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Receiver {
    pub name: String,
    /// Always with `name`.
    pub labels: BTreeMap<String, String>,
    /// In the order in which they are notified: by kind, then as in the file.
    pub integrations: Vec<IntegrationConfig>,
}

impl Receiver {
    /// All integrations, each with its index within the list of its kind. Kind and index are part of
    /// the integration's identity between peers.
    pub fn indexed(&self) -> impl Iterator<Item = (u32, &IntegrationConfig)> {
        Kind::ALL.into_iter().flat_map(|kind| {
            (0..).zip(self.integrations.iter().filter(move |config| config.kind() == kind))
        })
    }
}

impl Block for Receiver {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.shown("name", &mut self.name);
        v.field("labels", &mut self.labels);
        for kind in PRINTED {
            v.field(kind.config_key(), &mut OfKind { kind, all: &mut self.integrations });
        }
    }

    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        refuse_if(self.name.is_empty(), "", "missing name in receiver")?;
        let name = self.name.clone();
        if let Some(label) = self.labels.insert("name".to_owned(), name).filter(|l| *l != self.name)
        {
            let message = format!(
                "receiver label \"name\" must match receiver name {:?}, got {label:?}",
                self.name
            );
            return Err(Problem::at("labels", message));
        }
        Ok(())
    }
}

/// The integrations of one kind, which are one list of the file.
struct OfKind<'a> {
    kind: Kind,
    /// Invariant: sorted by kind.
    all: &'a mut Vec<IntegrationConfig>,
}

impl FieldValue for OfKind<'_> {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
        self.clear();
        let first = self.all.partition_point(|config| config.kind() < self.kind);
        for (index, item) in reader.items(node).unwrap_or_default().iter().enumerate() {
            let mut config = self.kind.default_config();
            reader.within(&format!("[{index}]"), |reader| {
                let missing = format!("missing {} config", self.kind.name());
                reader.fill_required(settings(&mut config), *item, &missing);
            });
            self.all.insert(first + index, config);
        }
    }

    fn clear(&mut self) {
        self.all.retain(|config| config.kind() != self.kind);
    }

    fn is_empty(&mut self) -> bool {
        self.all.iter().all(|config| config.kind() != self.kind)
    }

    fn tree(&mut self) -> Tree {
        let of_kind = self.all.iter_mut().filter(|config| config.kind() == self.kind);
        Tree::List(of_kind.map(|config| settings(config).tree()).collect())
    }
}
