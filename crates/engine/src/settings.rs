//! What an operator sets by flags, as far as decisions depend on it.

use std::time::Duration;

use crate::peers::PeerSettings;

/// Durations and limits; a limit of 0 means none.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// How long expired silences and notification-log entries are kept (`--data.retention`).
    pub retention: Duration,
    /// How often expired silences and log entries are collected (`--data.maintenance-interval`).
    pub maintenance_interval: Duration,
    /// How often resolved alerts are collected (`--alerts.gc-interval`).
    pub alerts_gc_interval: Duration,
    /// Nothing is sent before this much time has passed since the start (`--dispatch.start-delay`).
    pub start_delay: Duration,
    /// Limit: silences, expired ones included (`--silences.max-silences`).
    pub silences_max: usize,
    /// Limit: encoded size of one silence (`--silences.max-silence-size-bytes`).
    pub silence_bytes_max: usize,
    /// Limit: what the regular expressions of all silences that have not ended take in memory
    /// (`--silences.max-pattern-bytes`).
    pub silence_pattern_bytes_max: usize,
    /// Limit: active alerts of one name (`--alerts.per-alertname-limit`).
    pub alerts_per_name_max: usize,
    /// Limit: groups; further ones are refused and counted.
    pub groups_max: usize,
    /// To notify as the Go Alertmanager does, where this one notifies better (`--compat.strict`): a reload
    /// begins all groups anew, a suppressed alert is as if it were not there, and the end of what
    /// suppresses is not looked for.
    pub strict: bool,
    /// Log entries list the alerts that are suppressed (the feature `muted-alerts-in-nflog`).
    pub logs_muted: bool,
    /// `None`: there is no cluster.
    pub peers: Option<PeerSettings>,
}

impl Default for EngineSettings {
    fn default() -> Self {
        EngineSettings {
            retention: Duration::from_secs(120 * 3600),
            maintenance_interval: Duration::from_secs(15 * 60),
            alerts_gc_interval: Duration::from_secs(30 * 60),
            start_delay: Duration::ZERO,
            silences_max: 0,
            silence_bytes_max: 0,
            silence_pattern_bytes_max: 64 << 20,
            alerts_per_name_max: 0,
            groups_max: 0,
            strict: false,
            logs_muted: false,
            peers: None,
        }
    }
}
