//! One table: what the engine notes, and which log line and which metric that is.
//!
//! In: a [`Note`]. Out: at most one log line, and counts. The engine itself knows neither logs nor
//! metrics. Sentences that operators search for are those of the Go Alertmanager.

pub mod cluster;

use bellwether_engine::{Limit, Note};
use bellwether_model::IntegrationId;
use tracing::{debug, error, info, warn};

use crate::metrics::Metrics;

/// Whether changes of silences are logged (`--log.silences`).
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
        Note::SenderClockLate { alertname, by } => {
            metrics.alerts_of_late_clocks.increment();
            warn!(
                component = "provider", alertname, late_by = ?by,
                "An alert came with an end that is long past: the clock of its sender is late"
            );
        }
        Note::LimitReached { limit: Limit::AlertsPerName, subject } => {
            metrics.alerts_limited.with(&metrics.alert_name_labels(subject)).increment();
            warn!(component = "provider", alertname = subject, "Too many alerts of one name");
        }
        Note::LimitReached { limit: Limit::Groups, subject } => {
            metrics.group_limit_reached.increment();
            warn!(component = DISPATCHER, group = subject, "Too many groups");
        }
        Note::GroupOpened { key, groups } => {
            debug!(component = DISPATCHER, aggrGroup = %key, groups, "Group opened");
        }
        Note::GroupClosed { key, groups } => {
            debug!(component = DISPATCHER, aggrGroup = %key, groups, "Group closed");
        }
        Note::FlushOpened { key, firing, resolved } => {
            debug!(component = DISPATCHER, aggrGroup = %key, firing, resolved, "flushing");
        }
        Note::Suppressed { cause, alerts } => {
            metrics.suppressed.with(&[cause.label()]).add(*alerts as u64);
            let reason = cause.label();
            debug!(component = DISPATCHER, reason, alerts, "Alerts kept quiet");
        }
        Note::NothingToNotify { key, integration } => {
            debug!(component = DISPATCHER, aggrGroup = %key, %integration, "Nothing new to tell");
        }
        Note::WaitingForPeers { key, integration, wait } => {
            debug!(
                component = DISPATCHER, aggrGroup = %key, %integration, wait = ?wait,
                "Waiting for peers that come first"
            );
        }
        Note::DeferredToPeer { key, integration } => {
            debug!(
                component = DISPATCHER, aggrGroup = %key, %integration,
                "Left to a peer that is trying to notify"
            );
        }
        Note::RecordsMerged { channel, changed } => {
            debug!(component = CLUSTER, ?channel, changed, "Merged records from a peer");
        }
        Note::RecordsRejected { channel, why } => {
            metrics.peer_records_refused.increment();
            warn!(component = CLUSTER, ?channel, err = why, "A peer sent what is no record");
        }
        Note::PeerUnresponsive { peer } => {
            info!(
                component = CLUSTER,
                peer, "A peer that comes first does not answer: not waiting"
            );
        }
        Note::PeerResponsive { peer } => info!(component = CLUSTER, peer, "A peer answers again"),
        Note::ClockDiffers { peer, ahead_seconds } => {
            warn!(
                component = CLUSTER,
                peer, ahead_seconds, "The wall clocks of this server and of a peer differ"
            );
        }
        Note::ClockAgrees { peer } => {
            info!(component = CLUSTER, peer, "The wall clock of a peer agrees again");
        }
        Note::ClockCorrected { by_seconds } => {
            metrics.clock_correction_seconds.set(*by_seconds);
            error!(
                component = CLUSTER,
                by_seconds,
                "This server's wall clock differs from those of most of the cluster; read as theirs"
            );
        }
        Note::Settled => info!(component = CLUSTER, "The cluster has settled; notifications begin"),
        Note::AttemptStarted { key, integration, number, reason } => {
            let labels = labels(metrics, integration);
            if *number == 1 {
                metrics.notifications.with(&labels).increment();
            }
            metrics.attempts.with(&labels).increment();
            let reason = reason.text();
            debug!(
                component = DISPATCHER, aggrGroup = %key, %integration, attempts = number,
                reason, groupKeyHash = key.hash(),
                "Notify attempt"
            );
        }
        Note::AttemptFailed { key, integration, number, reason, detail, retry } => {
            metrics.attempts_failed.with(&labels(metrics, integration)).increment();
            let reason = reason.label();
            // What is not tried again is told once, as a failed delivery.
            if *retry {
                warn!(
                    component = DISPATCHER, %integration, aggrGroup = %key, attempts = number,
                    reason, err = detail,
                    "Notify attempt failed, will retry later"
                );
            }
        }
        Note::Delivered { key, integration, attempts, reason } => {
            let reason = reason.text();
            debug!(
                component = DISPATCHER, %integration, aggrGroup = %key, attempts, reason,
                "Notify success"
            );
        }
        Note::DeliveryFailed { key, integration, attempts, reason, detail } => {
            let mut values = labels(metrics, integration);
            values.push(reason.label());
            metrics.notifications_failed.with(&values).increment();
            let reason = reason.label();
            error!(
                component = DISPATCHER, %integration, aggrGroup = %key, attempts, reason,
                err = detail,
                "Notify for alerts failed"
            );
        }
        Note::SilenceStored { id, created: true } => log_silence(id, "create silence", silence_log),
        Note::SilenceStored { id, created: false } => {
            log_silence(id, "update silence", silence_log);
        }
        Note::SilenceExpired { id } => log_silence(id, "expire silence", silence_log),
        Note::PlanApplied { groups, kept } => {
            debug!(component = DISPATCHER, groups, kept, "Configuration applied");
        }
        Note::Collected { alerts, silences, log_entries } => {
            metrics.silences_collections.increment();
            metrics.ledger_collections.increment();
            debug!(component = "maintenance", alerts, silences, log_entries, "Outdated removed");
        }
    }
}

fn log_silence(id: &str, happened: &str, silence_log: SilenceLog) {
    match silence_log {
        SilenceLog::Info => info!(component = "silences", id, "{happened}"),
        SilenceLog::Debug => debug!(component = "silences", id, "{happened}"),
    }
}

fn labels<'a>(metrics: &Metrics, integration: &'a IntegrationId) -> Vec<&'a str> {
    metrics.integration_labels(&integration.kind, &integration.receiver)
}

const DISPATCHER: &str = "dispatcher";
const CLUSTER: &str = "cluster";

#[cfg(test)]
mod tests;
