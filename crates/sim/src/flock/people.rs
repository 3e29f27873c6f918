//! Senders and operators of a cluster: what they do, and what each node has promised to them.
//!
//! Only an answer is a promise. A request whose answer was lost may have been carried out or not.

use std::time::Duration;

use bellwether_engine::PostedSilence;
use bellwether_model::{Fingerprint, LabelSet, NewAlert, Timestamp};

use super::host::true_wall;
use crate::plans::{self, RESOLVE_TIMEOUT, equal};

/// One alert, as its sender sees it.
#[derive(Debug)]
pub struct Sent {
    pub labels: LabelSet,
    pub fingerprint: Fingerprint,
    pub state: SentState,
    pub starts_at: Timestamp,
    /// When it last began to fire, or ended.
    pub changed_at: Duration,
    /// The nodes that it is reported to.
    pub targets: Vec<usize>,
    /// What each node knows of it.
    pub at: Vec<Known>,
    ends_at: Timestamp,
    resends_left: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SentState {
    Idle,
    Firing,
    Resolved,
    /// The sender fell silent while the alert was firing.
    Stopped,
}

/// One node's promise about an alert.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The last report that was answered.
    pub acknowledged: Option<Report>,
    /// A report may have been taken though it was not answered.
    pub uncertain: bool,
    pub in_flight: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Report {
    pub resolved: bool,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
}

/// A silence, as its operator sees it.
#[derive(Debug)]
pub struct Promised {
    /// Unknown until the first answer.
    pub id: Option<String>,
    /// Whose alerts it is about.
    pub host: String,
    pub starts_at: Timestamp,
    /// As last answered.
    pub ends_at: Timestamp,
    /// The latest end that it ever may have had.
    pub longest: Timestamp,
    pub expired: bool,
    /// The node that answered last, unless it has lost its disk since; and when it did.
    pub node: Option<usize>,
    pub answered_at: Duration,
    /// A request about it was not answered.
    pub uncertain: bool,
    /// It was refused, or is gone with the only disk that it was on.
    pub void: bool,
}

impl Sent {
    pub fn new(labels: LabelSet, nodes: usize) -> Self {
        Sent {
            fingerprint: labels.fingerprint(),
            labels,
            state: SentState::Idle,
            starts_at: Timestamp::ZERO,
            changed_at: Duration::ZERO,
            targets: Vec::new(),
            at: vec![Known::default(); nodes],
            ends_at: Timestamp::ZERO,
            resends_left: 0,
        }
    }

    pub fn fire(&mut self, at: Duration, targets: Vec<usize>) {
        self.state = SentState::Firing;
        self.starts_at = true_wall(at);
        self.changed_at = at;
        self.targets = targets;
    }

    pub fn resolve(&mut self, at: Duration) {
        self.state = SentState::Resolved;
        self.ends_at = true_wall(at);
        self.changed_at = at;
        self.resends_left = 4;
    }

    pub fn stop(&mut self, at: Duration) {
        self.state = SentState::Stopped;
        self.changed_at = at;
    }

    /// What the sender reports now, if anything, and to whom; what is resolved some times, and
    /// until everybody has answered.
    pub fn report(&mut self, at: Duration) -> Option<(Report, Vec<usize>)> {
        let resolved = self.state == SentState::Resolved;
        let mut targets = self.targets.clone();
        let ends_at = match self.state {
            SentState::Idle | SentState::Stopped => return None,
            SentState::Firing => true_wall(at + RESOLVE_TIMEOUT),
            SentState::Resolved => {
                if self.resends_left == 0 {
                    targets.retain(|node| !self.at[*node].is_surely_resolved());
                }
                self.resends_left = self.resends_left.saturating_sub(1);
                self.ends_at
            }
        };
        let report = Report { resolved, starts_at: self.starts_at, ends_at };
        (!targets.is_empty()).then_some((report, targets))
    }

    pub fn new_alert(&self, report: Report) -> NewAlert {
        NewAlert {
            fingerprint: self.fingerprint,
            labels: self.labels.clone(),
            annotations: LabelSet::default(),
            generator_url: "".into(),
            starts_at: Some(report.starts_at),
            ends_at: Some(report.ends_at),
        }
    }

    /// Whether this node surely knows that the alert fires as it does now.
    pub fn is_surely_firing(&self, node: usize) -> bool {
        let current = |r: Report| !r.resolved && r.starts_at == self.starts_at;
        self.state == SentState::Firing && self.at[node].acknowledged.is_some_and(current)
    }
}

impl Known {
    pub fn is_surely_resolved(&self) -> bool {
        let is_certain = !self.uncertain && self.in_flight == 0;
        is_certain && self.acknowledged.is_some_and(|report| report.resolved)
    }
}

impl Promised {
    pub fn covers(&self, labels: &LabelSet) -> bool {
        labels.value("host") == self.host
    }

    pub fn posted(&self, ends_at: Timestamp) -> PostedSilence {
        PostedSilence {
            id: self.id.clone(),
            matchers: equal("host", &self.host).0,
            starts_at: self.starts_at,
            ends_at,
            created_by: "operator".to_owned(),
            comment: String::new(),
            annotations: Default::default(),
        }
    }

    /// Whether an answer still stands for something.
    pub fn is_sure(&self) -> bool {
        !self.uncertain && !self.void && self.id.is_some()
    }
}

pub fn all_alerts(nodes: usize) -> Vec<Sent> {
    plans::all_labels().into_iter().map(|labels| Sent::new(labels, nodes)).collect()
}
