//! The rendered labels of the route, as the template function `routeLabels` reads them.

use std::cell::RefCell;
use std::collections::BTreeMap;

use bellwether_model::LabelSet;

/// What `routeLabels` knows: the labels that are rendered, all of them once they are complete.
#[derive(Default)]
pub struct RouteLabels {
    rendered: BTreeMap<String, String>,
    is_complete: bool,
    /// The label that a template asked for although it has not been rendered yet.
    missing: RefCell<Option<String>>,
}

impl RouteLabels {
    /// The value of a label, empty if there is none.
    ///
    /// # Errors
    /// If it has not been rendered yet; the template that asked is then to be rendered again.
    pub fn value(&self, name: &str) -> Result<String, String> {
        match self.rendered.get(name) {
            Some(value) => Ok(value.clone()),
            None if self.is_complete => Ok(String::new()),
            None => {
                self.missing.replace(Some(name.to_owned()));
                Err(format!("route label {name} is not known yet"))
            }
        }
    }

    pub fn insert(&mut self, name: &str, value: String) {
        self.rendered.insert(name.to_owned(), value);
    }

    pub fn take_missing(&self) -> Option<String> {
        self.missing.take()
    }

    /// From now on, a label that is not here has no value.
    pub fn complete(&mut self) -> LabelSet {
        self.is_complete = true;
        // Labels that were only asked for do not exist.
        let pairs = self.rendered.iter().filter(|(_, value)| !value.is_empty());
        LabelSet::from_sorted(pairs.map(|(name, value)| (name.as_str(), value.as_str())))
    }
}

impl From<LabelSet> for RouteLabels {
    fn from(labels: LabelSet) -> Self {
        let rendered = labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        RouteLabels { rendered: rendered.collect(), is_complete: true, missing: None.into() }
    }
}
