//! `route`: which receiver is notified, how alerts are grouped, and when.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bellwether_model::matcher::{Matcher, Matchers, valid_label_name};

use super::matchers::{MatcherList, RegexMap, check_names, combined};
use crate::block::{Block, BlockReader, FieldValue, Problem, Visitor, refuse_if};
use crate::value::Required;
use crate::yaml::{NodeId, Tree};

/// A node of the tree. What is `None` or empty is inherited from the parent, except where noted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Route {
    pub receiver: String,
    pub group_by: Option<GroupBy>,
    /// Not inherited; the older spelling of some `matchers`.
    pub match_equal: BTreeMap<String, String>,
    /// Not inherited. Each value is the pattern between `^(?:` and `)$`.
    pub match_re: BTreeMap<String, Matcher>,
    /// Not inherited.
    pub matchers: Matchers,
    /// Names of intervals; not inherited.
    pub mute_time_intervals: Vec<String>,
    /// Names of intervals; not inherited.
    pub active_time_intervals: Vec<String>,
    /// Whether later siblings are asked too if this route takes an alert.
    pub continue_matching: bool,
    pub routes: Vec<Route>,
    /// May be zero.
    pub group_wait: Option<Duration>,
    /// Not zero.
    pub group_interval: Option<Duration>,
    /// Not zero.
    pub repeat_interval: Option<Duration>,
    /// Templates; merged with the parent's, of which they win.
    pub labels: BTreeMap<String, String>,
}

/// Which alerts belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// Each label set is a group of its own.
    All,
    /// Those that agree on these labels; none at all: everything is one group.
    Labels(Vec<String>),
}

impl Route {
    /// The conditions of all three spellings together, in canonical order.
    pub fn matchers_combined(&self) -> Matchers {
        combined(&self.match_equal, &self.match_re, &self.matchers)
    }

    /// The names of the receivers that this route or one below it uses.
    pub fn receivers(&self) -> BTreeSet<String> {
        let mut names: BTreeSet<String> = self.routes.iter().flat_map(Route::receivers).collect();
        if !self.receiver.is_empty() {
            names.insert(self.receiver.clone());
        }
        names
    }
}

impl Block for Route {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.field("receiver", &mut self.receiver);
        v.field("group_by", &mut GroupByList(&mut self.group_by));
        v.field("match", &mut self.match_equal);
        v.field("match_re", &mut RegexMap(&mut self.match_re));
        v.field("matchers", &mut MatcherList(&mut self.matchers));
        v.field("mute_time_intervals", &mut self.mute_time_intervals);
        v.field("active_time_intervals", &mut self.active_time_intervals);
        v.shown("continue", &mut self.continue_matching);
        v.field("routes", &mut Required { list: &mut self.routes, message: "missing route" });
        v.field("group_wait", &mut self.group_wait);
        v.field("group_interval", &mut self.group_interval);
        v.field("repeat_interval", &mut self.repeat_interval);
        v.field("labels", &mut self.labels);
    }

    fn check(&mut self, reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        check_names("match", &self.match_equal)?;
        if let Some(name) = self.labels.keys().find(|name| !valid_label_name(name, reader.mode())) {
            let message = format!("invalid label name {name:?} in route labels");
            return Err(Problem::at("labels", message));
        }
        let zero = |duration: Option<Duration>| duration == Some(Duration::ZERO);
        refuse_if(zero(self.group_interval), "group_interval", "group_interval cannot be zero")?;
        refuse_if(zero(self.repeat_interval), "repeat_interval", "repeat_interval cannot be zero")
    }
}

struct GroupByList<'a>(&'a mut Option<GroupBy>);

impl FieldValue for GroupByList<'_> {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
        let mut names: Vec<String> = Vec::new();
        let errors_before = reader.errors_len();
        names.decode(reader, node);
        if reader.errors_len() == errors_before {
            match group_by(names, reader) {
                Ok(group_by) => *self.0 = Some(group_by),
                Err(message) => reader.error(node, &message),
            }
        }
    }

    fn clear(&mut self) {
        *self.0 = None;
    }

    fn is_empty(&mut self) -> bool {
        matches!(self.0.as_ref(), None | Some(GroupBy::Labels(_)) if self.names().is_empty())
    }

    fn tree(&mut self) -> Tree {
        Tree::List(self.names().iter().map(|name| Tree::text(name)).collect())
    }
}

impl GroupByList<'_> {
    fn names(&self) -> Vec<String> {
        match self.0.as_ref() {
            None => Vec::new(),
            Some(GroupBy::All) => vec![ALL.to_owned()],
            Some(GroupBy::Labels(names)) => names.clone(),
        }
    }
}

fn group_by(names: Vec<String>, reader: &BlockReader<'_>) -> Result<GroupBy, String> {
    let wildcards = names.iter().filter(|name| *name == ALL).count();
    let labels: Vec<String> = names.into_iter().filter(|name| name != ALL).collect();
    if let Some(name) = labels.iter().find(|name| !valid_label_name(name, reader.mode())) {
        return Err(format!("invalid label name {name:?} in group_by list"));
    }
    if wildcards > 0 && !labels.is_empty() {
        let message = "cannot have wildcard group_by (`...`) and other labels at the same time";
        return Err(message.to_owned());
    }
    for (index, name) in labels.iter().enumerate() {
        if labels[..index].contains(name) {
            return Err(format!("duplicated label {name:?} in group_by"));
        }
    }
    Ok(if wildcards > 0 { GroupBy::All } else { GroupBy::Labels(labels) })
}

const ALL: &str = "...";
