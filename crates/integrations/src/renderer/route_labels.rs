//! The labels of the route, whose values may be templates.
//!
//! They are rendered once, before anything else, so that templates see what they say and not how
//! they were written. One may ask for another by `routeLabels "name"`: then the other is rendered
//! first, and the one that asked once more. A label that cannot be rendered is left out, and
//! remembered as a fault.

use std::collections::BTreeMap;

use super::Renderer;
use crate::templates::TemplateFault;

impl Renderer<'_> {
    pub(super) fn render_route_labels(&mut self) {
        let configured = &self.notification.route_labels;
        if configured.iter().all(|(_, value)| !value.contains("{{")) {
            self.host.route_labels = configured.clone().into();
            return;
        }
        let mut failed = BTreeMap::new();
        for (name, _) in configured.iter() {
            let mut path = vec![name.to_owned()];
            while let Some(name) = path.last().cloned() {
                match self.route_label(&name, &failed) {
                    Ok(rendered) => {
                        self.host.route_labels.insert(&name, rendered);
                        path.pop();
                    }
                    Err(Unrendered::Asks(other)) if path.contains(&other) => {
                        path.push(other);
                        let reason = format!("route label cycle detected: {}", path.join(" -> "));
                        path.pop();
                        failed.insert(name, reason);
                        path.pop();
                    }
                    Err(Unrendered::Asks(other)) => path.push(other),
                    Err(Unrendered::Failed(reason)) => {
                        failed.insert(name, reason);
                        path.pop();
                    }
                }
            }
        }
        for (name, reason) in failed {
            self.faults.push(TemplateFault { field: format!("route label {name}").into(), reason });
        }
        self.data.route_labels = self.host.route_labels.complete();
        self.value = None;
    }

    fn route_label(
        &mut self,
        name: &str,
        failed: &BTreeMap<String, String>,
    ) -> Result<String, Unrendered> {
        if let Some(reason) = failed.get(name) {
            return Err(Unrendered::Failed(reason.clone()));
        }
        let Some(value) = self.notification.route_labels.get(name) else {
            return Ok(String::new());
        };
        if !value.contains("{{") {
            return Ok(value.to_owned());
        }
        let rendered = match self.definitions.route_labels.get(value).cloned() {
            Some(prepared) => match &*prepared {
                Ok(prepared) => self.run(prepared),
                Err(error) => Err(error.clone()),
            },
            None => self.definitions.set.prepare(value).and_then(|ready| self.run(&ready)),
        };
        let missing = self.host.route_labels.take_missing();
        rendered.map_err(|error| match missing {
            Some(other) => match failed.get(&other) {
                Some(reason) => Unrendered::Failed(reason.clone()),
                None => Unrendered::Asks(other),
            },
            None => Unrendered::Failed(error.text),
        })
    }
}

enum Unrendered {
    /// It needs another label, which has not been rendered yet.
    Asks(String),
    Failed(String),
}
