//! The flags of the command line.
//!
//! In: the arguments. Out: [`Flags`], or what to print instead of starting.
//! Every flag is listed in one table ([`TABLE`]) with its name, default, meaning and destination; the
//! parser, `--help` and the man page are all made from it.
//!
//! The rules are those of the Go Alertmanager's parser, to the letter of its messages, because
//! service files and scripts are written against them: `--x=v` and `--x v`, `--no-x` for switches
//! only, no flag twice unless it may repeat, `@file` for arguments from a file.
//!
//! What a flag's value means beyond its own syntax (whether a directory exists, whether a feature
//! is available) is checked in [`crate::checks`], once logging runs.

mod help;
mod parse;
mod table;

use std::time::Duration;

pub use help::{man_page, usage, version_text};
pub use parse::{Parsed, parse};
use table::Flag;
pub use table::TABLE;

use crate::logging::{Format, Level};

/// The value of every flag. Durations may be negative or zero here; see [`crate::checks`].
#[derive(Clone, Debug, Default)]
pub struct Flags {
    pub config_file: String,
    pub storage_path: String,
    pub storage_refuse_unsaved: bool,
    pub compat_strict: bool,
    pub data_retention: SignedDuration,
    pub data_maintenance_interval: SignedDuration,
    pub silences_max: i64,
    pub silence_pattern_bytes_max: i64,
    pub silence_bytes_max: i64,
    pub log_silences: bool,
    pub alerts_gc_interval: SignedDuration,
    pub alerts_per_name_max: i64,
    pub dispatch_maintenance_interval: SignedDuration,
    pub dispatch_start_delay: SignedDuration,
    pub web_listen_addresses: Vec<String>,
    pub web_systemd_socket: bool,
    pub web_config_file: String,
    pub web_external_url: String,
    pub web_route_prefix: String,
    pub web_cors_origin: String,
    pub web_get_concurrency: i64,
    pub web_timeout: SignedDuration,
    pub web_connections_max: i64,
    pub web_receiver_test: bool,
    pub receivers_render_timeout: SignedDuration,
    pub receivers_allow_mentions: bool,
    pub receivers_deny_networks: Vec<String>,
    pub receivers_allow_networks: Vec<String>,
    pub receivers_deny_private: bool,
    pub receivers_deny_plaintext_auth: bool,
    pub connect_unary_concurrency: i64,
    pub connect_stream_concurrency: i64,
    pub connect_unary_timeout: SignedDuration,
    pub connect_stream_idle_timeout: SignedDuration,
    pub connect_stream_lifetime: SignedDuration,
    pub connect_read_bytes_max: i64,
    pub connect_send_bytes_max: i64,
    pub connect_request_bytes_max: i64,
    pub memory_limit: bool,
    pub memory_limit_ratio: f64,
    pub memory_limit_refresh_interval: SignedDuration,
    pub cluster_listen_address: String,
    pub cluster_advertise_address: String,
    pub cluster_peer_name: String,
    pub cluster_peers: Vec<String>,
    pub cluster_peer_timeout: SignedDuration,
    pub cluster_peers_resolve_timeout: SignedDuration,
    pub cluster_gossip_interval: SignedDuration,
    pub cluster_pushpull_interval: SignedDuration,
    pub cluster_tcp_timeout: SignedDuration,
    pub cluster_probe_timeout: SignedDuration,
    pub cluster_probe_interval: SignedDuration,
    pub cluster_settle_timeout: SignedDuration,
    pub cluster_reconnect_interval: SignedDuration,
    pub cluster_reconnect_timeout: SignedDuration,
    pub cluster_tls_config: String,
    pub cluster_allow_insecure_advertise: bool,
    pub cluster_label: String,
    pub cluster_id: String,
    pub cluster_max_members: i64,
    pub cluster_max_state_bytes: i64,
    pub enable_feature: String,
    pub log_level: Level,
    pub log_format: Format,
}

/// Nanoseconds, possibly negative, as Go's duration syntax allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SignedDuration(pub i64);

impl SignedDuration {
    /// `None` unless it is above zero.
    pub fn positive(self) -> Option<Duration> {
        u64::try_from(self.0).ok().filter(|nanos| *nanos > 0).map(Duration::from_nanos)
    }
}

/// The flags that differ from their defaults, by name; a flag that is given its default is not
/// among them.
pub fn changed(flags: &Flags) -> Vec<&'static str> {
    let defaults = parse::defaults();
    let differs = |flag: &&Flag| flag.target.show(flags) != flag.target.show(&defaults);
    TABLE.iter().filter(differs).map(|flag| flag.name).collect()
}

#[cfg(test)]
mod tests;
