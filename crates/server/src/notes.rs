//! One table: which log line and which metric each note of the engine becomes.
//!
//! In: a [`Note`]. Out: at most one log line, and counts. The engine itself knows neither logs nor
//! metrics. Where the Go Alertmanager has a line for the same event, the line has its message and
//! the names of its fields, because log queries are written against them.

pub mod cluster;
pub mod requests;

use bellwether_engine::{GiveUpCause, NotCorrected, Note, StatusRefusal, Suppression};
use bellwether_model::{IntegrationId, Silence, Timestamp};
use tracing::{debug, error, info, warn};

use crate::metrics::Metrics;

/// The level at which changes of silences are logged (`--log.silences`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SilenceLog {
    Debug,
    Info,
}

/// Logs and counts one note.
///
/// Long because: it is the table.
pub fn record(note: &Note, metrics: &Metrics, silence_log: SilenceLog) {
    match note {
        Note::AlertsReceived { firing, resolved, invalid } => {
            metrics.alerts_received.with(&["firing", "v2"]).add(*firing as u64);
            metrics.alerts_received.with(&["resolved", "v2"]).add(*resolved as u64);
            metrics.alerts_invalid.add(*invalid as u64);
        }
        Note::SenderClockLate { alertname, by, is_logged } => {
            metrics.alerts_of_late_clocks.increment();
            if *is_logged {
                warn!(
                    component = "provider", alertname, late_by = ?by,
                    "The clock of a sender is late: its alerts fire although their endsAt is past"
                );
            }
        }
        Note::AlertLimitReached { alertname } => {
            metrics.alerts_limited.with(&metrics.alert_name_labels(alertname)).increment();
            let err = "alert limited";
            warn!(component = "provider", alertname, err, "error on set alert");
        }
        Note::GroupLimitReached { route: _, alertname, groups, limit } => {
            metrics.group_limit_reached.increment();
            let err = "too many aggregation groups, cannot create new group for alert";
            error!(
                component = DISPATCHER,
                err,
                groups,
                limit,
                alert = alertname,
                "Failed to create aggregation group"
            );
        }
        Note::GroupOpened { key, groups } => {
            debug!(component = DISPATCHER, aggrGroup = %key, groups, "Created aggregation group");
        }
        Note::GroupClosed { key, groups } => {
            debug!(component = DISPATCHER, aggrGroup = %key, groups, "Removed aggregation group");
        }
        Note::FlushOpened { key, firing, resolved } => {
            debug!(component = DISPATCHER, aggrGroup = %key, numAlerts = firing + resolved, firing, resolved, "flushing");
        }
        Note::Suppressed { cause, alerts } => {
            metrics.suppressed.with(&[cause.label()]).add(*alerts as u64);
            log_suppressed(*cause, *alerts);
        }
        Note::NothingToNotify { key, integration } => {
            debug!(
                component = DISPATCHER, receiver = %integration.receiver,
                integration = integration_name(integration), aggrGroup = %key,
                "Nothing to notify"
            );
        }
        Note::WaitingForPeers { key, integration, wait } => {
            debug!(
                component = DISPATCHER, receiver = %integration.receiver,
                integration = integration_name(integration), aggrGroup = %key, wait = ?wait,
                "Waiting for peers with an earlier position"
            );
        }
        Note::DeferredToPeer { key, integration } => {
            debug!(
                component = DISPATCHER, receiver = %integration.receiver,
                integration = integration_name(integration), aggrGroup = %key,
                "Deferred: a peer is already notifying"
            );
        }
        Note::RecordsMerged { channel, changed } => {
            debug!(component = CLUSTER, ?channel, changed, "Merged records from peer");
        }
        Note::RecordsRejected { channel, why } => {
            metrics.peer_records_refused.increment();
            warn!(component = CLUSTER, ?channel, err = why, "Received an invalid record from peer");
        }
        Note::PeerUnresponsive { peer } => {
            info!(
                component = CLUSTER,
                peer, "Peer with an earlier position is unresponsive; not waiting for it"
            );
        }
        Note::PeerResponsive { peer } => {
            info!(component = CLUSTER, peer, "Peer is responsive again");
        }
        Note::ClockDiffers { peer, ahead_seconds } => {
            warn!(
                component = CLUSTER,
                peer, ahead_seconds, "Wall clock of peer differs from this server's"
            );
        }
        Note::ClockAgrees { peer } => {
            info!(component = CLUSTER, peer, "Wall clock of peer agrees again");
        }
        Note::ClockCorrected { by_seconds, off_seconds } => {
            metrics.clock_correction_seconds.set(*by_seconds);
            error!(
                component = CLUSTER,
                off_seconds,
                by_seconds,
                "Wall clock is ahead of most of the cluster; times are corrected"
            );
        }
        Note::ClockNotCorrected { off_seconds, why } => {
            let why = match why {
                NotCorrected::PeersUnproven => {
                    "anyone may be a peer; set --cluster.tls-config, --cluster.label or --cluster.id"
                }
                NotCorrected::WouldSkipTime => "it is late; set it right",
            };
            error!(
                component = CLUSTER,
                off_seconds,
                why,
                "Wall clock differs from most of the cluster; it is used as it is"
            );
        }
        Note::StatusRefused { peer, from, why } => {
            let (reason, is_news) = match why {
                StatusRefusal::Malformed => ("malformed", false),
                StatusRefusal::NoPeer => ("no_peer", false),
                StatusRefusal::OtherAddress { is_news } => ("other_address", *is_news),
            };
            metrics.status_broadcasts_refused.with(&[reason]).increment();
            if is_news {
                warn!(
                    component = CLUSTER,
                    peer,
                    %from,
                    "Status broadcasts of peer come from another address than it advertises and are \
                     ignored; set its --cluster.advertise-address to the address that it sends from"
                );
            }
        }
        Note::ClaimsRefused { peer: _, count } => {
            metrics.status_claims_refused.add(*count as u64);
        }
        Note::HeldUp { by } => info!(
            component = CLUSTER,
            ?by,
            "This process was paused, or its clock was set ahead; notifications wait for peers"
        ),
        Note::Settled => info!(component = CLUSTER, "Cluster has settled; notifications start"),
        Note::AttemptStarted { key, integration, number, reason } => {
            let labels = labels(metrics, integration);
            if *number == 1 {
                metrics.notifications.with(&labels).increment();
            }
            metrics.attempts.with(&labels).increment();
            let reason = reason.text();
            debug!(
                component = DISPATCHER, receiver = %integration.receiver,
                integration = integration_name(integration), aggrGroup = %key, attempts = number,
                reason, groupKeyHash = key.hash(),
                "Notify attempt"
            );
        }
        Note::AttemptFailed { key, integration, number, reason, detail, retry: _, is_news } => {
            metrics.attempts_failed.with(&labels(metrics, integration)).increment();
            let reason = reason.label();
            // If it is not repeated, the failed delivery is logged instead.
            if *is_news {
                warn!(
                    component = DISPATCHER, receiver = %integration.receiver,
                    integration = integration_name(integration), aggrGroup = %key,
                    attempts = number, reason, err = detail,
                    "Notify attempt failed, will retry later"
                );
            }
        }
        // Logged where the attempt ends, which knows its duration.
        Note::Delivered { .. } => {}
        Note::DeliveryFailed { key, integration, attempts, alerts, reason, detail, cause } => {
            let mut values = labels(metrics, integration);
            values.push(reason.label());
            metrics.notifications_failed.with(&values).increment();
            let reason = reason.label();
            let err = failure_text(integration, *attempts, detail, *cause);
            error!(
                component = DISPATCHER, receiver = %integration.receiver,
                integration = integration_name(integration), aggrGroup = %key, reason, err,
                "Notify failed"
            );
            // Compat: both lines, because either may be searched for.
            error!(
                component = DISPATCHER, aggrGroup = %key, num_alerts = alerts,
                receiver = %integration.receiver, err,
                "Notify for alerts failed"
            );
        }
        Note::SilenceCreated { silence, replaced } => {
            if let Some(replaced) = replaced {
                log_silence(replaced, "expire silence", silence_log);
            }
            log_silence(silence, "create silence", silence_log);
        }
        Note::SilenceUpdated { silence } => log_silence(silence, "update silence", silence_log),
        Note::SilenceNotInForce { silence } => {
            metrics.silences_refused_programs.increment();
            warn!(
                component = "silences",
                id = silence.id,
                created_by = silence.created_by,
                "Silence mutes nothing: its regular expressions are too large; simplify them or raise \
                 --silences.max-pattern-bytes"
            );
        }
        Note::SilenceExpired { silence } => log_silence(silence, "expire silence", silence_log),
        Note::PlanApplied { groups, kept } => {
            debug!(component = DISPATCHER, groups, kept, "Configuration applied");
        }
        Note::Collected { alerts, silences, log_entries } => {
            metrics.silences_collections.increment();
            metrics.notification_log_collections.increment();
            debug!(component = "maintenance", alerts, silences, log_entries, "Maintenance done");
        }
    }
}

/// `webhook[0]`: the form of the field `integration`.
pub fn integration_name(id: &IntegrationId) -> String {
    format!("{}[{}]", id.kind, id.index)
}

fn log_suppressed(cause: Suppression, alerts: usize) {
    let reason = cause.label();
    match cause {
        Suppression::MuteTimeInterval => debug!(
            component = DISPATCHER,
            alerts, "Notifications not sent, route is within mute time"
        ),
        Suppression::ActiveTimeInterval => debug!(
            component = DISPATCHER,
            alerts, "Notifications not sent, route is not within active time"
        ),
        Suppression::Silence | Suppression::Inhibition => debug!(
            component = DISPATCHER,
            alerts, reason, "Notifications will not be sent for muted alerts"
        ),
    }
}

/// Why a delivery failed, in the Go Alertmanager's words.
fn failure_text(
    integration: &IntegrationId,
    attempts: u32,
    detail: &str,
    cause: GiveUpCause,
) -> String {
    let (receiver, name) = (&integration.receiver, integration_name(integration));
    let cause = match cause {
        GiveUpCause::Refused => "due to unrecoverable error ",
        GiveUpCause::DeadlineReached => "",
    };
    format!("{receiver}/{name}: notify retry canceled {cause}after {attempts} attempts: {detail}")
}

fn log_silence(silence: &Silence, happened: &str, silence_log: SilenceLog) {
    let Silence { id, created_by, comment, starts_at, ends_at, .. } = silence;
    macro_rules! log {
        ($level:ident) => {
            $level!(
                component = "silences",
                Id = id,
                CreatedBy = created_by,
                Comment = comment,
                StartsAt = whole_seconds(*starts_at),
                EndsAt = whole_seconds(*ends_at),
                Matchers = matchers_text(silence),
                "{happened}"
            )
        };
    }
    match silence_log {
        SilenceLog::Info => log!(info),
        SilenceLog::Debug => log!(debug),
    }
}

/// `2006-01-02T15:04:05Z`
fn whole_seconds(at: Timestamp) -> String {
    Timestamp::from_unix(at.unix_seconds(), 0).rfc3339_nanos()
}

/// `a=b,c=~d`: without quotes, unlike the text of a matcher elsewhere.
fn matchers_text(silence: &Silence) -> String {
    let matchers = silence.matcher_sets.iter().flat_map(|set| set.iter());
    let texts = matchers.map(|it| format!("{}{}{}", it.name, it.op.text(), it.value));
    texts.collect::<Vec<_>>().join(",")
}

fn labels<'a>(metrics: &Metrics, integration: &'a IntegrationId) -> Vec<&'a str> {
    metrics.integration_labels(&integration.kind, &integration.receiver)
}

const DISPATCHER: &str = "dispatcher";
const CLUSTER: &str = "cluster";

#[cfg(test)]
mod tests;
