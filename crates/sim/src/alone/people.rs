//! Senders and operators: what they do, and what was promised to them.
//!
//! Only an answer is a promise. A request whose answer was lost may have been carried out or not,
//! and until the next answer either is right.

use std::time::Duration;

use bellwether_engine::PostedSilence;
use bellwether_model::{Fingerprint, LabelSet, NewAlert, Timestamp};

use super::node::Node;
use crate::plans::{self, RESOLVE_TIMEOUT, equal};

/// One alert, as its sender sees it.
#[derive(Debug)]
pub struct Sent {
    pub labels: LabelSet,
    pub fingerprint: Fingerprint,
    pub state: SentState,
    pub starts_at: Timestamp,
    /// The last report that was answered.
    pub acknowledged: Option<Report>,
    /// Reports that are on their way, or whose answers were lost since the last answer.
    pub uncertain: bool,
    pub in_flight: u32,
    resolved_at: Timestamp,
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
    pub host: String,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    /// Whether a request about it was not answered.
    pub uncertain: bool,
}

impl Sent {
    pub fn new(labels: LabelSet) -> Self {
        Sent {
            fingerprint: labels.fingerprint(),
            labels,
            state: SentState::Idle,
            starts_at: Timestamp::ZERO,
            acknowledged: None,
            uncertain: false,
            in_flight: 0,
            resolved_at: Timestamp::ZERO,
            resends_left: 0,
        }
    }

    pub fn fire(&mut self, at: Duration) {
        self.state = SentState::Firing;
        self.starts_at = Node::wall(at);
    }

    pub fn resolve(&mut self, at: Duration) {
        self.state = SentState::Resolved;
        self.resolved_at = Node::wall(at);
        self.resends_left = 4;
    }

    pub fn stop(&mut self) {
        self.state = SentState::Stopped;
    }

    /// What the sender reports now, if anything; what is resolved some times, and until it is
    /// answered.
    pub fn report(&mut self, at: Duration) -> Option<Report> {
        let ends_at = match self.state {
            SentState::Idle | SentState::Stopped => return None,
            SentState::Firing => Node::wall(at + Duration::from_secs(150)),
            SentState::Resolved => {
                let is_known = self.acknowledged.is_some_and(|report| report.resolved);
                if is_known && self.resends_left == 0 {
                    return None;
                }
                self.resends_left = self.resends_left.saturating_sub(1);
                self.resolved_at
            }
        };
        let resolved = self.state == SentState::Resolved;
        Some(Report { resolved, starts_at: self.starts_at, ends_at })
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

    /// Whether the node surely holds it for resolved, by what it answered.
    pub fn is_surely_resolved(&self) -> bool {
        let is_certain = !self.uncertain && self.in_flight == 0;
        is_certain && self.acknowledged.is_none_or(|report| report.resolved)
    }

    /// Whether the node may hold it for firing: until the end that it was told, and after a start
    /// for another resolve timeout.
    pub fn may_fire(&self, at: Duration, booted_at: Duration) -> bool {
        let may_last = self.state != SentState::Stopped
            || self.acknowledged.is_some_and(|report| Node::wall(at) <= report.ends_at)
            || at < booted_at + RESOLVE_TIMEOUT;
        !self.is_surely_resolved() && may_last
    }
}

impl Promised {
    pub fn holds_for(&self, labels: &LabelSet, at: Timestamp) -> bool {
        labels.value("host") == self.host && self.starts_at <= at && at < self.ends_at
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
}

pub fn all_alerts() -> Vec<Sent> {
    plans::all_labels().into_iter().map(Sent::new).collect()
}
