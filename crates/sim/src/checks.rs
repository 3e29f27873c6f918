//! The rules: each check compares what happened with what was promised, and asks no engine whether
//! it was right.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bellwether_engine::{
    AlertQuery, Attempt, Effect, Engine, FullState, Input, Integration, Plan, Reply, Ticket, Turn,
    wire,
};
use bellwether_model::{Fingerprint, IntegrationId, LabelSet, Mono, Now, SilenceState, Timestamp};

use crate::actors::{AlertState, PromisedSilence, SentAlert};
use crate::node::{Node, PEER_TIMEOUT, true_wall};
use crate::plans::{self, INTERVAL_MAX, Variant};
use crate::received::Received;

/// What is known from outside the engines.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    pub at: Duration,
    pub nodes: &'a [Node],
    pub alerts: &'a [SentAlert],
    pub silences: &'a [PromisedSilence],
    pub plan: &'a Plan,
    pub variant: Variant,
    pub received: &'a Received,
    /// When each receiver last had a fault.
    pub receiver_faults: &'a BTreeMap<String, Duration>,
    /// By how much nodes may be wrong about the time.
    pub clock_error: Duration,
    /// What this node knows and promises is worth nothing.
    pub hostile_peer: Option<usize>,
    /// It may get anything.
    pub hostile_receiver: Option<&'static str>,
}

/// What readers of a node's engine see.
#[derive(Debug, PartialEq)]
pub struct Seen {
    /// Labels and start of what fires.
    firing: BTreeMap<Fingerprint, (LabelSet, Timestamp)>,
    /// Ends of silences.
    silences: BTreeMap<String, Timestamp>,
}

impl Seen {
    pub fn of(engine: &Engine, now: Timestamp) -> Self {
        let view = engine.view();
        let mut firing = BTreeMap::new();
        view.each_alert(now, &AlertQuery::default(), |listed| {
            if !listed.alert.resolved_at(now) {
                let alert = listed.alert;
                firing.insert(alert.fingerprint, (alert.labels.clone(), alert.starts_at));
            }
        });
        let silences = view.silences().map(|s| (s.id.clone(), s.ends_at)).collect();
        Seen { firing, silences }
    }
}

/// Rule: after a start, what the node has acknowledged is there, and what ended does not fire again,
/// if its clock is right.
pub fn start_loses_nothing(facts: &Facts<'_>, node: usize, engine: &Engine) -> Result<(), String> {
    let Node { name, crashed_at, .. } = &facts.nodes[node];
    let seen = Seen::of(engine, facts.nodes[node].wall(facts.at));
    let crashed_at = true_wall(*crashed_at);
    for alert in facts.alerts {
        let promise = &alert.promises[node];
        let labels = &alert.labels;
        let Some(report) = promise.acknowledged.filter(|_| !promise.uncertain) else { continue };
        let is_firing = seen.firing.contains_key(&alert.fingerprint);
        if report.resolved && is_firing {
            return Err(format!("{labels} was resolved, and fires after a start of {name}"));
        }
        if !report.resolved && !is_firing && report.ends_at > crashed_at {
            return Err(format!("{labels} was acknowledged, and a start of {name} lost it"));
        }
    }
    for silence in facts.silences.iter().filter(|s| s.is_sure() && s.node == Some(node)) {
        let Some(id) = &silence.id else { continue };
        let ends_at = seen.silences.get(id);
        let is_recent = silence.ends_at > crashed_at;
        if ends_at.map_or(is_recent, |ends_at| *ends_at != silence.ends_at) {
            return Err(format!(
                "{silence:?} was promised, and after a start of {name} it ends {ends_at:?}"
            ));
        }
    }
    Ok(())
}

/// Rule: at any moment without open commits, a start would give the same state, but that alerts
/// which ended by themselves may count as firing a little longer.
pub fn start_changes_nothing(
    facts: &Facts<'_>,
    node: usize,
    before: &Seen,
    after: &Seen,
) -> Result<(), String> {
    let name = &facts.nodes[node].name;
    for (fingerprint, was) in &before.firing {
        if after.firing.get(fingerprint) != Some(was) {
            let is = after.firing.get(fingerprint);
            return Err(format!("a start of {name} would turn {was:?} into {is:?}"));
        }
    }
    for (fingerprint, (labels, _)) in &after.firing {
        let alert = facts.alerts.iter().find(|alert| alert.fingerprint == *fingerprint);
        // A hostile client is promised nothing.
        let has_ended = alert.is_some_and(|alert| alert.promises[node].is_surely_resolved());
        if has_ended && !before.firing.contains_key(fingerprint) {
            return Err(format!("a start of {name} would make {labels} fire"));
        }
    }
    if before.silences != after.silences {
        let (before, after) = (&before.silences, &after.silences);
        return Err(format!(
            "a start of {name} would change the silences from {before:?} to {after:?}"
        ));
    }
    Ok(())
}

/// Rule: a node does not notify that an alert fires after it has answered that it is resolved or
/// silenced; and no attempt begins when its time is over.
pub fn content_is_right(
    facts: &Facts<'_>,
    node: usize,
    now: Mono,
    attempt: &Attempt,
) -> Result<(), String> {
    let notification = &attempt.notification();
    let integration = &notification.integration;
    if attempt.deadline <= now {
        return Err(format!("an attempt to notify {integration} begins after its deadline"));
    }
    for alert in notification.alerts.iter().filter(|a| !a.resolved_at(notification.now)) {
        let labels = &alert.labels;
        let sent = facts.alerts.iter().find(|sent| sent.fingerprint == alert.fingerprint);
        let has_ended = |sent: &SentAlert| {
            let is_old = sent.changed_at + facts.clock_error <= facts.at;
            sent.promises[node].is_surely_resolved() && is_old
        };
        if sent.is_some_and(has_ended) {
            return Err(format!("{integration} gets {labels} as firing; it is resolved"));
        }
        let now = true_wall(facts.at);
        let holds = |silence: &&PromisedSilence| {
            silence.is_sure()
                && silence.node == Some(node)
                && silence.covers(labels)
                && silence.starts_at.plus(facts.clock_error) <= now
                && now.plus(facts.clock_error) < silence.ends_at
        };
        if let Some(silence) = facts.silences.iter().find(holds) {
            return Err(format!("{integration} gets {labels} in spite of {silence:?}"));
        }
    }
    Ok(())
}

/// Since when each node knows that an integration should be notified of an alert, and nothing
/// explains that it is not.
#[derive(Debug, Default)]
pub struct Overdue {
    since: BTreeMap<(usize, IntegrationId, Fingerprint), Duration>,
}

impl Overdue {
    /// What was due by an earlier configuration is not any more.
    pub fn clear(&mut self) {
        self.since.clear();
    }

    /// Rule: whatever any healthy node knows to fire is notified in time, by whichever node.
    pub fn check(&mut self, facts: &Facts<'_>) -> Result<(), String> {
        let at = facts.at;
        let others = facts.nodes.len() as u32 - 1;
        let bound = NOTIFIED_WITHIN + PEER_TIMEOUT * others;
        for alert in facts.alerts {
            let wanted = facts.plan.receivers_of(&alert.labels);
            for integration in facts.integrations() {
                let id = &integration.id;
                let is_wanted = wanted.contains(&id.receiver);
                let received = facts.received.alert(id, alert.fingerprint);
                let is_notified = received.is_some_and(|received| received.firing);
                let fault = facts.receiver_faults.get(&*id.receiver).copied().unwrap_or_default();
                for (number, node) in facts.nodes.iter().enumerate() {
                    let key = (number, id.clone(), alert.fingerprint);
                    let is_healthy =
                        node.running.as_ref().is_some_and(|r| r.settled) && node.paused_until <= at;
                    let is_due = is_wanted && is_healthy && facts.must_be_notified(number, alert);
                    if is_notified || !is_due {
                        self.since.remove(&key);
                        continue;
                    }
                    let since = *self.since.entry(key).or_insert(at);
                    let since = since.max(fault).max(node.steady_since);
                    if at > since + bound {
                        let (labels, name, waited) = (&alert.labels, &node.name, at - since);
                        return Err(format!(
                            "{id} was not notified that {labels} fires, for {waited:?}, though {name} knows"
                        ));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Rule: when all has healed, every receiver knows what fires and, if it wants to, what ended.
pub fn all_is_notified(facts: &Facts<'_>) -> Result<(), String> {
    for alert in facts.alerts {
        let wanted = facts.plan.receivers_of(&alert.labels);
        for integration in facts.integrations().filter(|i| wanted.contains(&i.id.receiver)) {
            let (id, labels) = (&integration.id, &alert.labels);
            let received = facts.received.alert(id, alert.fingerprint);
            let is_due = (0..facts.nodes.len()).any(|node| facts.must_be_notified(node, alert));
            if is_due && !received.is_some_and(|received| received.firing) {
                return Err(format!("{id} was never notified that {labels} fires"));
            }
            let must_end = received.is_some_and(|r| r.firing && !r.end_waived);
            if alert.state != AlertState::Firing && integration.send_resolved && must_end {
                return Err(format!("{id} was never notified that {labels} ended"));
            }
        }
    }
    Ok(())
}

/// Rule: every silence that was answered is on every node as it was answered last.
pub fn silences_are_kept(facts: &Facts<'_>, node: &Node) -> Result<(), String> {
    let Some(running) = &node.running else { return Err(format!("{} is down", node.name)) };
    let view = running.engine.view();
    let now = true_wall(facts.at);
    let known: BTreeMap<String, (Timestamp, SilenceState)> =
        view.silences().map(|s| (s.id.clone(), (s.ends_at, s.state(now)))).collect();
    for silence in facts.silences.iter().filter(|silence| silence.is_sure()) {
        let Some(id) = &silence.id else { continue };
        let is_right = known.get(id).is_some_and(|(ends_at, state)| match silence.expired {
            true => *state == SilenceState::Expired,
            false => *ends_at == silence.ends_at,
        });
        if !is_right {
            let is = known.get(id);
            return Err(format!("{} lost {silence:?}: it has {is:?}", node.name));
        }
    }
    Ok(())
}

/// Rule: a node that starts has every silence that it answered, if its disk is there.
pub fn start_keeps_silences(
    node: usize,
    engine: &Engine,
    silences: &[PromisedSilence],
) -> Result<(), String> {
    let view = engine.view();
    let known: BTreeSet<String> = view.silences().map(|s| s.id.clone()).collect();
    let lost = silences.iter().find(|silence| {
        let lacks = silence.id.as_ref().is_some_and(|id| !known.contains(id));
        silence.is_sure() && silence.node == Some(node) && lacks
    });
    lost.map_or(Ok(()), |lost| Err(format!("a start of n{node:02} lost {lost:?}")))
}

/// The silences and log entries that a node would send to a peer that wants all, one by one;
/// without those that have expired.
pub fn replicated_state(at: Duration, node: &mut Node) -> Result<BTreeSet<String>, String> {
    let wall = node.wall(at);
    let Some(running) = &mut node.running else { return Err(format!("{} is down", node.name)) };
    let now = Now { wall, mono: running.mono(at) };
    let mut turn = Turn::default();
    running.engine.handle(now, Input::FullStateRequested { ticket: Ticket(u64::MAX) }, &mut turn);
    let answer = turn.after.into_iter().find_map(|effect| match effect {
        Effect::Reply(Reply::FullState { state, .. }) => Some(state),
        _ => None,
    });
    let FullState { silences, notification_log } =
        answer.ok_or("no answer to a request for the full state")?;
    let mut state = BTreeSet::new();
    for message in wire::split_messages(&silences) {
        let version = message.and_then(wire::decode_silence).map_err(|e| e.to_string())?;
        if version.expires_at > wall {
            state.insert(format!(
                "{:?} until {}",
                version.silence,
                version.expires_at.unix_nanos()
            ));
        }
    }
    for message in wire::split_messages(&notification_log) {
        let entry = message.and_then(wire::decode_entry).map_err(|e| e.to_string())?;
        if entry.expires_at > wall {
            state.insert(format!("{entry:?}"));
        }
    }
    Ok(state)
}

impl Facts<'_> {
    /// Those of receivers that are not hostile.
    fn integrations(&self) -> impl Iterator<Item = &Integration> {
        let hostile = self.hostile_receiver;
        let honest = self.plan.receivers().iter().filter(move |r| Some(&*r.name) != hostile);
        honest.flat_map(|receiver| &receiver.integrations)
    }

    /// Whether a node surely knows that the alert fires, and that nothing suppresses it.
    fn must_be_notified(&self, node: usize, alert: &SentAlert) -> bool {
        if self.hostile_peer == Some(node) {
            return false;
        }
        let (now, error) = (true_wall(self.at), self.clock_error);
        let may_be_silenced = self.silences.iter().any(|silence| {
            // One that another node has changed may still hold where that is not known yet.
            let is_known = silence.is_sure() && silence.node == Some(node);
            let end = if is_known {
                silence.ends_at.plus(error)
            } else {
                silence.longest.plus(SPREADS_WITHIN)
            };
            silence.covers(&alert.labels) && now <= end
        });
        let booted_at = self.nodes[node].running.as_ref().map_or(Duration::ZERO, |r| r.booted_at);
        let may_be_inhibited = alert.labels.value("severity") == "warning"
            && self.alerts.iter().any(|source| {
                source.labels.value("severity") == "critical"
                    && source.labels.value("host") == alert.labels.value("host")
                    && source.may_fire(node, now.minus(error), true_wall(booted_at))
            });
        alert.is_surely_firing(node, now.plus(error))
            && !may_be_silenced
            && !may_be_inhibited
            && !plans::is_muted(self.variant, &alert.labels)
    }
}

/// An open flush may hang for an interval and for what the engine waits after its deadline; the
/// next one notifies.
const NOTIFIED_WITHIN: Duration = Duration::from_secs(2 * INTERVAL_MAX.as_secs() + 90);
/// How long a change of a silence takes to reach all nodes.
const SPREADS_WITHIN: Duration = Duration::from_secs(40);
