//! A promise not to page about some alerts for some time.

use std::collections::BTreeMap;

use crate::labels::LabelSet;
use crate::matcher::Matchers;
use crate::time::Timestamp;

#[derive(Clone, Debug, PartialEq)]
pub struct Silence {
    /// A UUID in its lower-case text form.
    pub id: String,
    /// Alternatives: the silence holds where all matchers of any one set do.
    pub matcher_sets: Vec<Matchers>,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    pub updated_at: Timestamp,
    pub created_by: String,
    pub comment: String,
    pub annotations: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SilenceState {
    Active,
    Pending,
    Expired,
}

impl Silence {
    pub fn state(&self, now: Timestamp) -> SilenceState {
        if now < self.starts_at {
            SilenceState::Pending
        } else if now < self.ends_at {
            SilenceState::Active
        } else {
            SilenceState::Expired
        }
    }

    pub fn matches(&self, labels: &LabelSet) -> bool {
        self.matcher_sets.iter().any(|set| set.matches(labels))
    }
}

impl SilenceState {
    pub fn text(self) -> &'static str {
        match self {
            SilenceState::Active => "active",
            SilenceState::Pending => "pending",
            SilenceState::Expired => "expired",
        }
    }
}
