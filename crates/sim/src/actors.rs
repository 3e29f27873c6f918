//! Senders and operators: what they do, and what each node has promised to them.
//!
//! Only an answer is a promise. A request whose answer was lost may have been carried out or not,
//! and until the next answer either is right.

use std::time::Duration;

use bellwether_engine::PostedSilence;
use bellwether_model::{Fingerprint, LabelSet, NewAlert, Timestamp};

use crate::node::true_wall;
use crate::plans::{self, RESOLVE_TIMEOUT, equal};

/// One alert, as its sender sees it.
#[derive(Debug)]
pub struct SentAlert {
    pub labels: LabelSet,
    pub fingerprint: Fingerprint,
    pub state: AlertState,
    pub starts_at: Timestamp,
    /// When it last began to fire, or ended.
    pub changed_at: Duration,
    /// The nodes that it is reported to.
    pub targets: Vec<usize>,
    /// What each node has promised about it.
    pub promises: Vec<Promise>,
    ends_at: Timestamp,
    resends_left: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertState {
    Idle,
    Firing,
    Resolved,
    /// The sender stopped reporting while the alert was firing.
    Stopped,
}

/// One node's promise about an alert.
#[derive(Clone, Debug, Default)]
pub struct Promise {
    /// The last report that was answered, unless the disk was lost since.
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
    /// Whether the end lies ahead by the clock of the node that gets it: then it is none yet, and its
    /// sender repeats it.
    pub is_ahead: bool,
}

/// A silence, as its operator sees it.
#[derive(Debug)]
pub struct PromisedSilence {
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

impl SentAlert {
    pub fn new(labels: LabelSet, nodes: usize) -> Self {
        SentAlert {
            fingerprint: labels.fingerprint(),
            labels,
            state: AlertState::Idle,
            starts_at: Timestamp::ZERO,
            changed_at: Duration::ZERO,
            targets: Vec::new(),
            promises: vec![Promise::default(); nodes],
            ends_at: Timestamp::ZERO,
            resends_left: 0,
        }
    }

    pub fn fire(&mut self, at: Duration, targets: Vec<usize>) {
        self.state = AlertState::Firing;
        self.starts_at = true_wall(at);
        self.changed_at = at;
        self.targets = targets;
    }

    pub fn resolve(&mut self, at: Duration) {
        self.state = AlertState::Resolved;
        self.ends_at = true_wall(at);
        self.changed_at = at;
        self.resends_left = 4;
    }

    pub fn stop(&mut self, at: Duration) {
        self.state = AlertState::Stopped;
        self.changed_at = at;
    }

    /// What the sender reports now, if anything, and to which nodes. What is resolved is reported
    /// some times, and until every node has answered.
    pub fn report(&mut self, at: Duration) -> Option<(Report, Vec<usize>)> {
        let resolved = self.state == AlertState::Resolved;
        let mut targets = self.targets.clone();
        let ends_at = match self.state {
            AlertState::Idle | AlertState::Stopped => return None,
            AlertState::Firing => true_wall(at + RESOLVE_TIMEOUT),
            AlertState::Resolved => {
                if self.resends_left == 0 {
                    targets.retain(|node| !self.promises[*node].has_answered_the_end());
                }
                self.resends_left = self.resends_left.saturating_sub(1);
                self.ends_at
            }
        };
        let report = Report { resolved, starts_at: self.starts_at, ends_at, is_ahead: false };
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

    /// Whether this node surely knows that the alert fires as it does now, and for longer than
    /// until `now`.
    pub fn is_surely_firing(&self, node: usize, now: Timestamp) -> bool {
        let is_current = |report: Report| {
            !report.resolved && report.starts_at == self.starts_at && report.ends_at > now
        };
        self.state == AlertState::Firing && self.promises[node].acknowledged.is_some_and(is_current)
    }

    /// Whether the alert is over: resolved, or no longer reported and past each end that a node knows.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        let mut known_ends = self.promises.iter().filter_map(|promise| promise.acknowledged);
        match self.state {
            AlertState::Idle | AlertState::Firing => false,
            AlertState::Resolved => true,
            AlertState::Stopped => known_ends.all(|report| report.ends_at <= now),
        }
    }

    /// Whether this node may take the alert for firing at `now`: until the end that was reported,
    /// and after a start for another resolve timeout.
    pub fn may_fire(&self, node: usize, now: Timestamp, started_at: Timestamp) -> bool {
        let promise = &self.promises[node];
        let may_last = self.state != AlertState::Stopped
            || promise.acknowledged.is_some_and(|report| now <= report.ends_at)
            || now < started_at.plus(RESOLVE_TIMEOUT);
        !promise.is_surely_resolved() && may_last
    }
}

impl Promise {
    /// Whether the node surely does not take the alert for firing, by what it answered.
    pub fn is_surely_resolved(&self) -> bool {
        self.is_certain() && self.acknowledged.is_none_or(|report| report.resolved)
    }

    fn has_answered_the_end(&self) -> bool {
        self.is_certain() && self.acknowledged.is_some_and(|report| report.resolved)
    }

    fn is_certain(&self) -> bool {
        !self.uncertain && self.in_flight == 0
    }
}

impl PromisedSilence {
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

    /// Whether the last answer surely holds.
    pub fn is_sure(&self) -> bool {
        !self.uncertain && !self.void && self.id.is_some()
    }
}

pub fn all_alerts(nodes: usize) -> Vec<SentAlert> {
    plans::all_labels().into_iter().map(|labels| SentAlert::new(labels, nodes)).collect()
}
