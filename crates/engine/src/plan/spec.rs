//! The routing tree as it is configured: what `route` compiles.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bellwether_model::{LabelSet, Matchers};

/// One node of the routing tree, with what it inherits already filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteSpec {
    pub receiver: Arc<str>,
    pub group_by: GroupBy,
    pub matchers: Matchers,
    pub continues: bool,
    pub timing: Timing,
    pub mute_intervals: Vec<Arc<str>>,
    pub active_intervals: Vec<Arc<str>>,
    pub labels: LabelSet,
    pub routes: Vec<RouteSpec>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum GroupBy {
    /// `['...']`
    AllLabels,
    Labels(BTreeSet<String>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    pub group_wait: Duration,
    pub group_interval: Duration,
    pub repeat_interval: Duration,
}
