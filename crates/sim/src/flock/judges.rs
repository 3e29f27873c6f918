//! The judges of clusters: each compares what happened with what was promised.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bellwether_engine::{Answer, Attempt, Effect, Engine, Input, Plan, Ticket, Turn, wire};
use bellwether_model::{Fingerprint, IntegrationId, Mono, Now, SilenceState, Timestamp};

use super::book::Book;
use super::host::{Host, PEER_TIMEOUT, nanos, true_wall};
use super::people::{Promised, Sent, SentState};
use crate::plans::FLOCK_INTERVAL_MAX;

/// Promise: a node tells nobody that something fires of which it has answered that it is resolved,
/// or that it is silenced. `tolerance`: by how much its clock may be wrong.
pub fn content_is_right(
    at: Duration,
    node: usize,
    attempt: &Attempt,
    tolerance: Duration,
    sent: &[Sent],
    promised: &[Promised],
) -> Result<(), String> {
    let told = &attempt.notification;
    for alert in told.alerts.iter().filter(|alert| !alert.resolved_at(told.now)) {
        let labels = &alert.labels;
        let sender = sent.iter().find(|sent| sent.fingerprint == alert.fingerprint);
        let is_old = |s: &Sent| s.changed_at + tolerance < at;
        let has_ended = |s: &Sent| s.at[node].is_surely_resolved() && is_old(s);
        if sender.is_some_and(has_ended) {
            return Err(format!(
                "{} is told that {labels} fires; it is resolved",
                told.integration
            ));
        }
        let now = true_wall(at);
        let holds = |s: &&Promised| {
            let is_known = s.is_sure() && s.node == Some(node) && s.covers(labels) && !s.expired;
            is_known
                && s.starts_at.plus(tolerance) <= now
                && now.plus(tolerance) < s.ends_at
                && s.answered_at <= at
        };
        if let Some(silence) = promised.iter().find(holds) {
            return Err(format!(
                "{} is told of {labels} in spite of {silence:?}",
                told.integration
            ));
        }
    }
    Ok(())
}

/// Since when each node knows that somebody should be told, and nothing excuses that they are not.
#[derive(Debug, Default)]
pub struct Patience {
    since: BTreeMap<(usize, IntegrationId, Fingerprint), Duration>,
}

impl Patience {
    /// Promise: whatever any node that is well knows to fire is told in time, by whomever.
    pub fn is_kept(
        &mut self,
        at: Duration,
        hosts: &[Host],
        people: (&[Sent], &[Promised]),
        plan: &Plan,
        book: &Book,
        trouble: &BTreeMap<String, Duration>,
    ) -> Result<(), String> {
        let (sent, promised) = people;
        let bound = TELL_WITHIN + PEER_TIMEOUT * hosts.len() as u32;
        for alert in sent {
            let wanted = plan.receivers_of(&alert.labels);
            let integrations = plan.receivers().iter().flat_map(|r| &r.integrations);
            for integration in integrations.filter(|i| wanted.contains(&i.id.receiver)) {
                let knows = book.mention(&integration.id, alert.fingerprint);
                let knows = knows.is_some_and(|mention| mention.firing);
                let trouble = trouble.get(&*integration.id.receiver).copied().unwrap_or_default();
                for (node, host) in hosts.iter().enumerate() {
                    let key = (node, integration.id.clone(), alert.fingerprint);
                    let is_well =
                        host.running.as_ref().is_some_and(|r| r.settled) && host.paused_until <= at;
                    let should = is_well && should_be_told(at, node, alert, sent, promised);
                    if knows || !should {
                        self.since.remove(&key);
                        continue;
                    }
                    let since = *self.since.entry(key).or_insert(at);
                    let since = since.max(trouble).max(host.steady_since);
                    if at > since + bound {
                        let (id, labels) = (&integration.id, &alert.labels);
                        let waited = at - since;
                        return Err(format!(
                            "{id} was not told that {labels} fires, for {waited:?}, though {} knows",
                            host.name
                        ));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Promise: when all has healed, everybody knows what fires and, if they want to, what ended.
pub fn all_is_told(
    at: Duration,
    people: (&[Sent], &[Promised]),
    nodes: usize,
    plan: &Plan,
    book: &Book,
) -> Result<(), String> {
    let (sent, promised) = people;
    for alert in sent {
        let wanted = plan.receivers_of(&alert.labels);
        let integrations = plan.receivers().iter().flat_map(|r| &r.integrations);
        for integration in integrations.filter(|i| wanted.contains(&i.id.receiver)) {
            let mention = book.mention(&integration.id, alert.fingerprint);
            let (id, labels) = (&integration.id, &alert.labels);
            let should = (0..nodes).any(|node| should_be_told(at, node, alert, sent, promised));
            if should && !mention.is_some_and(|mention| mention.firing) {
                return Err(format!("{id} never heard that {labels} fires"));
            }
            let is_owed = mention.is_some_and(|mention| mention.firing && !mention.forgotten);
            if alert.state != SentState::Firing && integration.send_resolved && is_owed {
                return Err(format!("{id} never heard that {labels} ended"));
            }
        }
    }
    Ok(())
}

/// Promise: every silence that was answered is on every node as it was answered last.
pub fn silences_are_kept(at: Duration, host: &Host, promised: &[Promised]) -> Result<(), String> {
    let Some(running) = &host.running else { return Err(format!("{} is down", host.name)) };
    let view = running.engine.view();
    let known: BTreeMap<String, (Timestamp, SilenceState)> =
        view.silences().map(|s| (s.id.clone(), (s.ends_at, s.state(true_wall(at))))).collect();
    for silence in promised.iter().filter(|silence| silence.is_sure()) {
        let Some(id) = &silence.id else { continue };
        let is_right = known.get(id).is_some_and(|(ends_at, state)| match silence.expired {
            true => *state == SilenceState::Expired,
            false => *ends_at == silence.ends_at,
        });
        if !is_right {
            let is = known.get(id);
            return Err(format!("{} lost {silence:?}: it has {is:?}", host.name));
        }
    }
    Ok(())
}

/// Promise: a node that starts anew has every silence that it answered, if its disk is there.
pub fn a_start_keeps_silences(
    node: usize,
    engine: &Engine,
    promised: &[Promised],
) -> Result<(), String> {
    let view = engine.view();
    let known: BTreeSet<String> = view.silences().map(|s| s.id.clone()).collect();
    let lost = promised.iter().find(|silence| {
        let lacks = silence.id.as_ref().is_some_and(|id| !known.contains(id));
        silence.is_sure() && silence.node == Some(node) && lacks
    });
    lost.map_or(Ok(()), |lost| Err(format!("a start of n{node:02} lost {lost:?}")))
}

/// The silences and log entries that a node would tell a peer who wants all, one by one; without
/// what may be forgotten.
pub fn memory(at: Duration, host: &mut Host) -> Result<BTreeSet<String>, String> {
    let wall = host.wall(at);
    let Some(running) = &mut host.running else { return Err(format!("{} is down", host.name)) };
    let now = Now { wall, mono: Mono(nanos(at - running.booted_at)) };
    let mut turn = Turn::default();
    running.engine.handle(now, Input::FullStateRequested { ticket: Ticket(u64::MAX) }, &mut turn);
    let answer = turn.after.into_iter().find_map(|effect| match effect {
        Effect::Reply { answer: Answer::Memory { silences, log }, .. } => Some((silences, log)),
        _ => None,
    });
    let (silences, log) = answer.ok_or("no answer to a wish for all memory")?;
    let mut memory = BTreeSet::new();
    for message in wire::split_messages(&silences) {
        let version = message.and_then(wire::decode_silence).map_err(|e| e.to_string())?;
        if version.expires_at > wall {
            memory.insert(format!(
                "{:?} until {}",
                version.silence,
                version.expires_at.unix_nanos()
            ));
        }
    }
    for message in wire::split_messages(&log) {
        let entry = message.and_then(wire::decode_entry).map_err(|e| e.to_string())?;
        if entry.expires_at > wall {
            memory.insert(format!("{entry:?}"));
        }
    }
    Ok(memory)
}

fn should_be_told(
    at: Duration,
    node: usize,
    alert: &Sent,
    sent: &[Sent],
    promised: &[Promised],
) -> bool {
    let now = true_wall(at);
    let silenced = promised.iter().any(|silence| {
        // One that was ended by hand may hold on where that is not known yet.
        silence.covers(&alert.labels) && now <= silence.longest.plus(GRACE)
    });
    // As long as any node may believe that the source fires.
    let may_fire = |source: &Sent| {
        let last = source.at.iter().filter_map(|known| known.acknowledged);
        let may_last = |end: Timestamp| now <= end.plus(RESTORED_FOR);
        source.state == SentState::Firing
            || source.at.iter().any(|known| known.uncertain || known.in_flight > 0)
            || last.filter(|report| !report.resolved).any(|report| may_last(report.ends_at))
            || at < source.changed_at + GRACE
    };
    let inhibited = alert.labels.value("severity") == "warning"
        && sent.iter().any(|source| {
            source.labels.value("severity") == "critical"
                && source.labels.value("host") == alert.labels.value("host")
                && source.state != SentState::Idle
                && may_fire(source)
        });
    alert.is_surely_firing(node) && !silenced && !inhibited
}

/// An open flush may hang for an interval and the grace behind it; the next one tells.
const TELL_WITHIN: Duration = Duration::from_secs(2 * FLOCK_INTERVAL_MAX.as_secs() + 90);
const GRACE: Duration = Duration::from_secs(40);
/// What fired before a restart counts as firing for another resolve timeout.
const RESTORED_FOR: Duration = Duration::from_secs(180);
