//! How long does a suspect have to refute?
//!
//! Long at first, since a single accuser may itself be the faulty node, and less with every other
//! member that confirms the suspicion. A suspect that has not refuted by then is declared dead.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::scale;
use super::time::Mono;
use crate::message::NodeName;

/// All suspects, by name and by timeout.
///
/// **Invariant:** `due` holds exactly the `due` of each suspicion.
#[derive(Debug, Default)]
pub(super) struct Suspicions {
    by_node: BTreeMap<NodeName, Suspicion>,
    due: BTreeSet<(Mono, NodeName)>,
}

#[derive(Debug)]
struct Suspicion {
    /// At most one more than there are confirmations wanted.
    accusers: BTreeSet<NodeName>,
    timeout: SuspicionTimeout,
    began: Mono,
    due: Mono,
}

/// The timeout of a suspicion, which confirmations shorten.
#[derive(Clone, Copy, Debug)]
pub(super) struct SuspicionTimeout {
    /// Confirmations after which the timeout is `min`.
    pub confirmations: u32,
    pub min: Duration,
    pub max: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Confirmation {
    /// To be broadcast.
    New,
    /// From a known accuser, or beyond the number wanted.
    Known,
}

impl SuspicionTimeout {
    /// With `nodes` known nodes; no confirmation is awaited if there are too few to give it.
    pub fn new(mult: u32, max_mult: u32, nodes: usize, probe_interval: Duration) -> Self {
        let wanted = mult.saturating_sub(2);
        let others = u32::try_from(nodes.saturating_sub(2)).unwrap_or(u32::MAX);
        let min = scale::suspicion_timeout(mult, nodes, probe_interval);
        SuspicionTimeout {
            confirmations: if others < wanted { 0 } else { wanted },
            min,
            max: min.saturating_mul(max_mult),
        }
    }

    fn after(&self, confirmations: u32) -> Duration {
        scale::suspicion_after(confirmations, self.confirmations, self.min, self.max)
    }
}

impl Suspicions {
    /// `node` must not be a suspect yet.
    pub fn open(
        &mut self,
        now: Mono,
        node: NodeName,
        accuser: NodeName,
        timeout: SuspicionTimeout,
    ) {
        let due = now.plus(timeout.after(0));
        self.due.insert((due, node.clone()));
        let accusers = BTreeSet::from([accuser]);
        self.by_node.insert(node, Suspicion { accusers, timeout, began: now, due });
    }

    /// `None` if the node is not a suspect.
    pub fn confirm(&mut self, node: &NodeName, accuser: &NodeName) -> Option<Confirmation> {
        let suspicion = self.by_node.get_mut(node)?;
        if suspicion.confirmations() >= suspicion.timeout.confirmations
            || !suspicion.accusers.insert(accuser.clone())
        {
            return Some(Confirmation::Known);
        }
        self.due.remove(&(suspicion.due, node.clone()));
        suspicion.due = suspicion.began.plus(suspicion.timeout.after(suspicion.confirmations()));
        self.due.insert((suspicion.due, node.clone()));
        Some(Confirmation::New)
    }

    /// Ends the suspicion: the node is alive, or declared dead.
    pub fn close(&mut self, node: &NodeName) {
        if let Some(suspicion) = self.by_node.remove(node) {
            self.due.remove(&(suspicion.due, node.clone()));
        }
    }

    /// Extends all timeouts.
    pub fn prolong(&mut self, by: Duration) {
        self.due.clear();
        for (node, suspicion) in &mut self.by_node {
            suspicion.began = suspicion.began.plus(by);
            suspicion.due = suspicion.due.plus(by);
            self.due.insert((suspicion.due, node.clone()));
        }
    }

    /// Takes out a suspect whose timeout is over, with the number of confirmations.
    pub fn take_due(&mut self, now: Mono) -> Option<(NodeName, u32)> {
        let (due, _) = self.due.first()?;
        if *due > now {
            return None;
        }
        let (_, node) = self.due.pop_first()?;
        let suspicion = self.by_node.remove(&node)?;
        Some((node, suspicion.confirmations()))
    }

    pub fn next_due(&self) -> Option<Mono> {
        self.due.first().map(|(due, _)| *due)
    }
}

impl Suspicion {
    fn confirmations(&self) -> u32 {
        u32::try_from(self.accusers.len()).unwrap_or(u32::MAX).saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Mono = Mono(1_000_000_000);

    fn name(name: &str) -> NodeName {
        NodeName::new(name).unwrap()
    }

    fn timeout(nodes: usize) -> SuspicionTimeout {
        SuspicionTimeout::new(4, 6, nodes, Duration::from_secs(1))
    }

    fn suspected(nodes: usize) -> Suspicions {
        let mut suspicions = Suspicions::default();
        suspicions.open(START, name("x"), name("a"), timeout(nodes));
        suspicions
    }

    fn due_ms(suspicions: &Suspicions) -> Option<u128> {
        suspicions.next_due().map(|due| due.since(START).as_millis())
    }

    #[test]
    fn three_nodes_wait_four_seconds_and_four_wait_for_others() {
        assert_eq!(due_ms(&suspected(3)), Some(4_000));
        assert_eq!(due_ms(&suspected(4)), Some(24_000));
    }

    #[test]
    fn confirmations_shorten_the_timeout_and_count_once_per_node() {
        let mut suspicions = suspected(5);
        assert_eq!(suspicions.confirm(&name("x"), &name("a")), Some(Confirmation::Known));
        assert_eq!(due_ms(&suspicions), Some(24_000));
        assert_eq!(suspicions.confirm(&name("x"), &name("b")), Some(Confirmation::New));
        assert_eq!(due_ms(&suspicions), Some(11_381));
        assert_eq!(suspicions.confirm(&name("x"), &name("b")), Some(Confirmation::Known));
        assert_eq!(suspicions.confirm(&name("x"), &name("c")), Some(Confirmation::New));
        assert_eq!(due_ms(&suspicions), Some(4_000));
        assert_eq!(suspicions.confirm(&name("x"), &name("d")), Some(Confirmation::Known));
        let end = START.plus(Duration::from_secs(4));
        assert_eq!(suspicions.take_due(end), Some((name("x"), 2)));
        assert_eq!(suspicions.next_due(), None);
    }

    #[test]
    fn who_lives_is_no_suspect_any_more() {
        let mut suspicions = suspected(3);
        suspicions.close(&name("x"));
        assert_eq!(suspicions.take_due(Mono(u64::MAX)), None);
        assert_eq!(suspicions.confirm(&name("x"), &name("b")), None);
    }

    #[test]
    fn no_node_is_declared_dead_before_the_timeout() {
        let mut suspicions = suspected(3);
        suspicions.prolong(Duration::from_secs(1));
        assert_eq!(suspicions.take_due(START.plus(Duration::from_millis(4_999))), None);
        assert!(suspicions.take_due(START.plus(Duration::from_secs(5))).is_some());
    }
}
