//! How a scenario prints what happened: one line for each note, attempt and answer.

use std::fmt::Write;

use bellwether_engine::{
    Attempt, Channel, GroupQuery, Note, Notified, Record, RejectedAlert, Reply, SilenceRecord,
    Status, UnknownSilence, View, wire,
};
use bellwether_model::duration::format_prometheus;
use bellwether_model::{Alert, LabelSet, Timestamp};

use super::world::{World, start};

/// `+1h30m`: how long after the start of the scenario.
pub fn offset(at: Timestamp) -> String {
    let ahead = at >= start();
    let distance = if ahead { at.since(start()) } else { start().since(at) };
    let millis = u64::try_from(distance.as_millis()).expect("scenarios are short");
    let text = format_prometheus(std::time::Duration::from_millis(millis));
    format!("{}{text}", if ahead { '+' } else { '-' })
}

/// `Disk{host=a}`
pub fn alert_name(labels: &LabelSet) -> String {
    let mut out = labels.value("alertname").to_owned();
    let others: Vec<String> = labels
        .iter()
        .filter(|(name, _)| *name != "alertname")
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    if !others.is_empty() {
        write!(out, "{{{}}}", others.join(",")).expect("a string takes all");
    }
    out
}

/// `Disk{host=a} firing, Disk{host=b} resolved`
fn notified(alerts: &[std::sync::Arc<Alert>], now: Timestamp) -> String {
    let texts: Vec<String> = alerts
        .iter()
        .map(|alert| {
            let state = if alert.resolved_at(now) { "resolved" } else { "firing" };
            format!("{} {state}", alert_name(&alert.labels))
        })
        .collect();
    texts.join(", ")
}

pub fn attempt(attempt: &Attempt) -> String {
    let notification = attempt.notification();
    let number = match attempt.number {
        1 => String::new(),
        number => format!(" (attempt {number})"),
    };
    let remembered = if notification.remembered.0.is_empty() { "" } else { " (remembering)" };
    format!(
        "notify {} about {}{number}{remembered}, {}: {}",
        notification.integration,
        notification.group_key,
        notification.reason.text(),
        notified(&notification.alerts, notification.now)
    )
}

pub fn reply(reply: &Reply, world: &World) -> Option<String> {
    match reply {
        Reply::Alerts { reply, .. } if reply.rejected.is_empty() => None,
        Reply::Alerts { reply, .. } => {
            let text =
                |alert: &RejectedAlert| format!("number {}: {}", alert.position, alert.message);
            let texts: Vec<String> = reply.rejected.iter().map(text).collect();
            Some(format!("rejected {}", texts.join("; ")))
        }
        Reply::PostSilence { reply: Ok(id), .. } => {
            Some(format!("answered {}", world.short_id(id)))
        }
        Reply::PostSilence { reply: Err(refusal), .. } => Some(format!("refused: {refusal}")),
        Reply::ExpireSilence { reply: Ok(()), .. } => None,
        Reply::ExpireSilence { reply: Err(UnknownSilence), .. } => {
            Some("unknown silence".to_owned())
        }
        Reply::FullState { state, .. } => Some(format!(
            "answered with {} and {}",
            messages(Channel::Silences, &state.silences, world),
            messages(Channel::NotificationLog, &state.notification_log, world)
        )),
    }
}

/// `silence s1 until +2h`, `log of team/webhook[0]: 1 firing, 0 resolved, 0 resolve pending`
pub fn messages(channel: Channel, data: &[u8], world: &World) -> String {
    let texts: Vec<String> = wire::split_messages(data)
        .map(|message| {
            let message = message.expect("whole messages");
            let record = match channel {
                Channel::Silences => wire::decode_silence(message).map(Record::Silence),
                Channel::NotificationLog => wire::decode_entry(message).map(Record::LogEntry),
            };
            record.map_or_else(|_| "nonsense".to_owned(), |record| record_text(&record, world))
        })
        .collect();
    if texts.is_empty() { "nothing".to_owned() } else { texts.join("; ") }
}

/// The line of a note; attempts are printed as effects.
pub fn note(note: &Note, world: &World) -> Option<String> {
    let line = match note {
        Note::AlertsReceived { firing, resolved, invalid } => {
            let invalid = if *invalid > 0 { format!(", {invalid} invalid") } else { String::new() };
            format!("received {firing} firing, {resolved} resolved{invalid}")
        }
        Note::SenderClockLate { alertname, by, is_logged } => {
            let logged = if *is_logged { "" } else { " (not logged)" };
            format!("the clock that sent {alertname} is late by {}s{logged}", by.as_secs())
        }
        Note::AlertLimitReached { alertname } => {
            format!("limit of alerts named {alertname} reached")
        }
        Note::GroupLimitReached { route, .. } => {
            format!("limit of groups reached at {route}")
        }
        Note::GroupOpened { key, .. } => format!("group {key} opened"),
        Note::GroupClosed { key, .. } => format!("group {key} closed"),
        Note::FlushOpened { key, firing, resolved } => {
            format!("flush {key}: {firing} firing, {resolved} resolved")
        }
        Note::Suppressed { cause, alerts } => format!("{alerts} suppressed by {}", cause.label()),
        Note::NothingToNotify { integration, .. } => format!("nothing to notify {integration}"),
        Note::AttemptStarted { .. } => return None,
        Note::WaitingForPeers { integration, wait, .. } => {
            format!("{integration} waits {} for peers ahead", format_prometheus(*wait))
        }
        Note::DeferredToPeer { integration, .. } => format!("{integration} is deferred to a peer"),
        Note::RecordsMerged { changed, .. } => format!("merged {changed} records"),
        Note::RecordsRejected { why, .. } => format!("rejected a record: {why}"),
        Note::PeerUnresponsive { peer } => format!("{peer} is unresponsive"),
        Note::PeerResponsive { peer } => format!("{peer} is responsive"),
        Note::ClockDiffers { peer, ahead_seconds } => {
            format!("the clock of {peer} is ahead by {ahead_seconds:.0}s")
        }
        Note::ClockAgrees { peer } => format!("the clock of {peer} agrees again"),
        Note::ClockCorrected { by_seconds, off_seconds } => {
            format!("clock off by {off_seconds:.0}s, corrected by {by_seconds:.0}s")
        }
        Note::ClockNotCorrected { off_seconds, why } => {
            format!("clock off by {off_seconds:.0}s, not corrected: {why:?}")
        }
        Note::StatusRefused { peer, why, .. } => format!("status of {peer} refused: {why:?}"),
        Note::ClaimsRefused { peer, count } => format!("{count} claims of {peer} refused"),
        Note::HeldUp { by } => format!("held up for {}s; peers are heard first", by.as_secs()),
        Note::Settled => "settled".to_owned(),
        Note::AttemptFailed { integration, reason, retry, .. } => {
            let then = if *retry { "will retry" } else { "gives up" };
            format!("{integration} failed ({}), {then}", reason.label())
        }
        Note::Delivered { integration, attempts, .. } => match attempts {
            1 => format!("{integration} was notified"),
            _ => format!("{integration} was notified after {attempts} attempts"),
        },
        Note::DeliveryFailed { integration, attempts, detail, .. } => {
            format!("{integration} was not notified after {attempts} attempts: {detail}")
        }
        Note::SilenceCreated { silence, .. } => {
            format!("silence {} created", world.short_id(&silence.id))
        }
        Note::SilenceUpdated { silence } => {
            format!("silence {} changed", world.short_id(&silence.id))
        }
        Note::SilenceNotInForce { silence } => {
            format!("silence {} mutes nothing: patterns too large", world.short_id(&silence.id))
        }
        Note::SilenceExpired { silence } => {
            format!("silence {} expired", world.short_id(&silence.id))
        }
        Note::PlanApplied { groups, kept } => format!("plan applied: {groups} groups, {kept} kept"),
        Note::Collected { alerts: 0, silences: 0, log_entries: 0 } => return None,
        Note::Collected { alerts, silences, log_entries } => {
            format!("collected {alerts} alerts, {silences} silences, {log_entries} log entries")
        }
    };
    Some(line)
}

/// What was kept, in one word and a name.
pub fn record_text(record: &Record, world: &World) -> String {
    match record {
        Record::Alert { alert, ended } => {
            let state = if *ended { "ended" } else { "firing" };
            format!("alert {} {state} until {}", alert_name(&alert.labels), offset(alert.ends_at))
        }
        Record::AlertGone(_) => "alert gone".to_owned(),
        Record::Group(group) => {
            format!(
                "group {} of {} due {}",
                labels(&group.name.labels),
                group.name.route,
                offset(group.due)
            )
        }
        Record::GroupGone(name) => format!("group {} of {} gone", labels(&name.labels), name.route),
        Record::Silence(SilenceRecord { silence, .. }) => {
            format!("silence {} until {}", world.short_id(&silence.id), offset(silence.ends_at))
        }
        Record::SilenceGone(id) => format!("silence {} gone", world.short_id(id)),
        Record::LogEntry(entry) => {
            let Notified { firing, resolved, resolve_pending, muted } = &entry.notified;
            let mut out = format!(
                "log of {}: {} firing, {} resolved, {} resolve pending",
                entry.key.integration,
                firing.len(),
                resolved.len(),
                resolve_pending.len()
            );
            if !muted.is_empty() {
                write!(out, ", {} muted", muted.len()).expect("a string takes all");
            }
            out
        }
        Record::LogEntryGone(key) => format!("log of {} gone", key.integration),
    }
}

fn labels(packed: &str) -> String {
    LabelSet::from_packed(packed).expect("a group's name has packed labels").to_string()
}

pub fn status(status: &Status, world: &World) -> String {
    let Status { silenced_by, inhibited_by, muted_by } = status;
    let mut out = String::from(if status.is_suppressed() { "suppressed" } else { "active" });
    for id in silenced_by {
        write!(out, ", silenced by {}", world.short_id(id)).expect("a string takes all");
    }
    if inhibited_by.is_some() {
        out.push_str(", inhibited");
    }
    for name in muted_by {
        write!(out, ", muted by {name}").expect("a string takes all");
    }
    out
}

pub fn groups(view: &View, now: Timestamp, world: &World) -> Vec<String> {
    let mut lines = Vec::new();
    for group in view.groups(now, &GroupQuery::default()) {
        lines.push(format!("{} to {}", group.key, group.receiver));
        for alert in &group.alerts {
            let name = alert_name(&alert.alert.labels);
            lines.push(format!("  {name}: {}", status(&alert.status, world)));
        }
    }
    lines
}
