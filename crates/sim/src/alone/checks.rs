//! The judges: each compares what the node did with what was promised, and says which promise broke.

use std::collections::BTreeMap;
use std::time::Duration;

use bellwether_engine::{AlertQuery, Attempt, Engine};
use bellwether_model::{Fingerprint, IntegrationId, LabelSet, Timestamp};

use super::book::Book;
use super::node::Node;
use super::people::{Promised, Sent, SentState};
use crate::plans::{self, INTERVAL_MAX, Variant};

/// What an engine's readers see of its memory.
#[derive(Debug, PartialEq)]
pub struct Memory {
    /// Labels and start of what fires.
    pub firing: BTreeMap<Fingerprint, (LabelSet, Timestamp)>,
    /// Ends of silences.
    pub silences: BTreeMap<String, Timestamp>,
}

impl Memory {
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
        Memory { firing, silences }
    }
}

/// Promise: what was acknowledged is there after a start, and what ended does not fire again.
pub fn nothing_is_lost(
    memory: &Memory,
    crashed_at: Duration,
    sent: &[Sent],
    promised: &[Promised],
) -> Result<(), String> {
    for alert in sent {
        let Some(report) = alert.acknowledged.filter(|_| !alert.uncertain) else { continue };
        let is_firing = memory.firing.contains_key(&alert.fingerprint);
        if report.resolved && is_firing {
            return Err(format!("{} was resolved, and fires after a start", alert.labels));
        }
        if !report.resolved && !is_firing && report.ends_at > Node::wall(crashed_at) {
            return Err(format!("{} was acknowledged, and is gone after a start", alert.labels));
        }
    }
    for silence in promised.iter().filter(|silence| !silence.uncertain) {
        let Some(id) = &silence.id else { continue };
        let ends_at = memory.silences.get(id);
        let is_recent = silence.ends_at > Node::wall(crashed_at);
        if ends_at.map_or(is_recent, |ends_at| *ends_at != silence.ends_at) {
            return Err(format!("silence {silence:?} was promised, but it ends {ends_at:?}"));
        }
    }
    Ok(())
}

/// Promise: at any quiet moment a start would give the same memory, but that alerts which ended by
/// themselves may count as firing a little longer.
pub fn a_start_changes_nothing(
    before: &Memory,
    after: &Memory,
    sent: &[Sent],
) -> Result<(), String> {
    for (fingerprint, was) in &before.firing {
        if after.firing.get(fingerprint) != Some(was) {
            let is = after.firing.get(fingerprint);
            return Err(format!("a start would turn {was:?} into {is:?}"));
        }
    }
    for (fingerprint, (labels, _)) in &after.firing {
        let alert = sent.iter().find(|alert| alert.fingerprint == *fingerprint);
        if alert.is_none_or(Sent::is_surely_resolved) && !before.firing.contains_key(fingerprint) {
            return Err(format!("a start would make {labels} fire"));
        }
    }
    if before.silences != after.silences {
        let (before, after) = (&before.silences, &after.silences);
        return Err(format!("a start would change the silences from {before:?} to {after:?}"));
    }
    Ok(())
}

/// Promise: nobody is told that something fires which is resolved or silenced, as was acknowledged
/// before; and no attempt begins when its time is over.
pub fn content_is_right(
    at: Duration,
    now_mono: bellwether_model::Mono,
    attempt: &Attempt,
    sent: &[Sent],
    promised: &[Promised],
) -> Result<(), String> {
    let told = &attempt.notification;
    if attempt.deadline <= now_mono {
        return Err(format!("an attempt to tell {} begins behind its deadline", told.integration));
    }
    for alert in told.alerts.iter().filter(|alert| !alert.resolved_at(told.now)) {
        let labels = &alert.labels;
        let sender = sent.iter().find(|sent| sent.fingerprint == alert.fingerprint);
        if sender.is_some_and(Sent::is_surely_resolved) {
            return Err(format!(
                "{} is told that {labels} fires; it is resolved",
                told.integration
            ));
        }
        let holds = |s: &&Promised| !s.uncertain && s.holds_for(labels, Node::wall(at));
        if let Some(silence) = promised.iter().find(holds) {
            return Err(format!(
                "{} is told of {labels} in spite of {silence:?}",
                told.integration
            ));
        }
    }
    Ok(())
}

/// Since when somebody should know that an alert fires, and nothing excuses that they do not.
#[derive(Debug, Default)]
pub struct Patience {
    since: BTreeMap<(IntegrationId, Fingerprint), Duration>,
}

/// What may excuse that somebody was not told yet.
pub struct Excuses<'a> {
    pub variant: Variant,
    pub booted_at: Duration,
    /// When each receiver last was in trouble.
    pub trouble: &'a BTreeMap<String, Duration>,
    pub promised: &'a [Promised],
}

impl Patience {
    pub fn start_anew(&mut self) {
        self.since.clear();
    }

    /// Promise: whoever should know that an alert fires is told in time.
    pub fn is_kept(
        &mut self,
        at: Duration,
        sent: &[Sent],
        book: &Book,
        excuses: &Excuses<'_>,
    ) -> Result<(), String> {
        let plan = plans::plan(excuses.variant);
        for alert in sent {
            let should = should_be_told(at, alert, sent, excuses);
            for receiver in plan.receivers() {
                let trouble = excuses.trouble.get(&*receiver.name).copied().unwrap_or_default();
                let is_wanted = plan.receivers_of(&alert.labels).contains(&receiver.name);
                for integration in &receiver.integrations {
                    let key = (integration.id.clone(), alert.fingerprint);
                    let knows = book.mention(&key.0, key.1).is_some_and(|m| m.firing);
                    if !should || knows || !is_wanted {
                        self.since.remove(&key);
                        continue;
                    }
                    let since = (*self.since.entry(key).or_insert(at)).max(trouble);
                    if at > since + TELL_WITHIN {
                        return Err(format!(
                            "{} was not told that {} fires, for {:?}",
                            integration.id,
                            alert.labels,
                            at - since
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
    sent: &[Sent],
    book: &Book,
    excuses: &Excuses<'_>,
) -> Result<(), String> {
    let plan = plans::plan(excuses.variant);
    for alert in sent {
        let receivers = plan.receivers_of(&alert.labels);
        let wanted = plan.receivers().iter().filter(|r| receivers.contains(&r.name));
        for integration in wanted.flat_map(|receiver| &receiver.integrations) {
            let mention = book.mention(&integration.id, alert.fingerprint);
            let knows = mention.is_some_and(|mention| mention.firing);
            let is_owed = mention.is_some_and(|mention| mention.firing && !mention.excused);
            let (id, labels) = (&integration.id, &alert.labels);
            if should_be_told(at, alert, sent, excuses) && !knows {
                return Err(format!("{id} never heard that {labels} fires"));
            }
            let has_ended = alert.state != SentState::Firing && integration.send_resolved;
            if has_ended && is_owed {
                return Err(format!("{id} never heard that {labels} ended"));
            }
        }
    }
    Ok(())
}

fn should_be_told(at: Duration, alert: &Sent, sent: &[Sent], excuses: &Excuses<'_>) -> bool {
    let is_acknowledged = alert.acknowledged.is_some_and(|report| {
        !report.resolved && report.starts_at == alert.starts_at && report.ends_at > Node::wall(at)
    });
    let may_be_silenced = excuses.promised.iter().any(|silence| {
        let may_hold = silence.uncertain && silence.host == alert.labels.value("host");
        may_hold || silence.holds_for(&alert.labels, Node::wall(at))
    });
    let may_be_inhibited = alert.labels.value("severity") == "warning"
        && sent.iter().any(|source| {
            source.labels.value("severity") == "critical"
                && source.labels.value("host") == alert.labels.value("host")
                && source.may_fire(at, excuses.booted_at)
        });
    alert.state == SentState::Firing
        && is_acknowledged
        && !may_be_silenced
        && !may_be_inhibited
        && !plans::is_muted(excuses.variant, &alert.labels)
}

/// An open flush may hang for an interval and the grace behind it; the next one tells.
const TELL_WITHIN: Duration = Duration::from_secs(2 * INTERVAL_MAX.as_secs() + 90);
