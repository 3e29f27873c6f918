//! The table of flags, in the order in which `--help` lists them.

use super::{Flags, SignedDuration};
use crate::logging::{Format, Level};

/// One flag. The default is given as an operator would write it.
#[derive(Clone, Copy)]
pub struct Flag {
    pub name: &'static str,
    pub default: &'static str,
    pub help: &'static str,
    pub target: Target,
}

/// Where a flag's value goes, which also determines its syntax.
#[derive(Clone, Copy)]
pub enum Target {
    Text(fn(&mut Flags) -> &mut String),
    /// May be repeated; giving one replaces the default.
    Texts(fn(&mut Flags) -> &mut Vec<String>),
    Switch(fn(&mut Flags) -> &mut bool),
    Duration(fn(&mut Flags) -> &mut SignedDuration),
    Count(fn(&mut Flags) -> &mut i64),
    /// A whole number, which may be hexadecimal (`0x10`) and the like.
    Integer(fn(&mut Flags) -> &mut i64),
    Ratio(fn(&mut Flags) -> &mut f64),
    Level(fn(&mut Flags) -> &mut Level),
    Format(fn(&mut Flags) -> &mut Format),
}

impl Target {
    /// The present value as text, to compare and to show.
    pub fn show(&self, flags: &Flags) -> String {
        // The accessors are written once, for writing; reading goes through a copy.
        let mut flags = flags.clone();
        match self {
            Target::Text(at) => at(&mut flags).clone(),
            Target::Texts(at) => at(&mut flags).join(","),
            Target::Switch(at) => at(&mut flags).to_string(),
            Target::Duration(at) => at(&mut flags).0.to_string(),
            Target::Count(at) | Target::Integer(at) => at(&mut flags).to_string(),
            Target::Ratio(at) => at(&mut flags).to_string(),
            Target::Level(at) => format!("{:?}", at(&mut flags)),
            Target::Format(at) => format!("{:?}", at(&mut flags)),
        }
    }
}

const fn flag(
    name: &'static str,
    default: &'static str,
    target: Target,
    help: &'static str,
) -> Flag {
    Flag { name, default, help, target }
}

/// Every flag but `--help`, `--version` and their hidden relatives.
pub const TABLE: &[Flag] = &[
    flag(
        "config.file",
        "alertmanager.yml",
        Target::Text(|f| &mut f.config_file),
        "The configuration file.",
    ),
    flag(
        "storage.path",
        "data/",
        Target::Text(|f| &mut f.storage_path),
        "The directory that everything durable is kept in; made if it does not exist.",
    ),
    flag(
        "storage.refuse-unsaved",
        "",
        Target::Switch(|f| &mut f.storage_refuse_unsaved),
        "While the disk takes nothing: answer alerts with 503, and refuse silences with 503, instead of 200 with X-Bellwether-Saved: 0/1. Alerts are in force all the same. Not in Alertmanager.",
    ),
    flag(
        "compat.strict",
        "",
        Target::Switch(|f| &mut f.compat_strict),
        "Notify exactly as the Go Alertmanager does: a reload begins all groups anew, the end \
         of a suppressed alert is not notified, and the end of a silence or an inhibition flushes \
         nothing early. (Not a flag of Alertmanager.)",
    ),
    flag(
        "data.retention",
        "120h",
        Target::Duration(|f| &mut f.data_retention),
        "How long expired silences and the notification log are kept.",
    ),
    flag(
        "data.maintenance-interval",
        "15m",
        Target::Duration(|f| &mut f.data_maintenance_interval),
        "How often expired silences and notification log entries are removed.",
    ),
    flag(
        "silences.max-silences",
        "0",
        Target::Count(|f| &mut f.silences_max),
        "How many silences may exist, expired ones included. No limit if zero or negative.",
    ),
    flag(
        "silences.max-silence-size-bytes",
        "0",
        Target::Count(|f| &mut f.silence_bytes_max),
        "How large one encoded silence may be. No limit if zero or negative.",
    ),
    flag(
        "silences.max-pattern-bytes",
        "67108864",
        Target::Count(|f| &mut f.silence_pattern_bytes_max),
        "What the compiled regular expressions of all silences may take in memory; silences beyond it \
         are kept, but mute nothing. No limit if zero or negative. (Not a flag of Alertmanager.)",
    ),
    flag(
        "log.silences",
        "",
        Target::Switch(|f| &mut f.log_silences),
        "Log each silence that is created, changed or expired.",
    ),
    flag(
        "alerts.gc-interval",
        "30m",
        Target::Duration(|f| &mut f.alerts_gc_interval),
        "How often resolved alerts are removed from memory.",
    ),
    flag(
        "alerts.per-alertname-limit",
        "0",
        Target::Count(|f| &mut f.alerts_per_name_max),
        "How many active alerts may share one alertname. No limit if zero or negative.",
    ),
    flag(
        "dispatch.maintenance-interval",
        "30s",
        Target::Duration(|f| &mut f.dispatch_maintenance_interval),
        "Accepted for compatibility: empty groups are removed at once.",
    ),
    flag(
        "dispatch.start-delay",
        "0s",
        Target::Duration(|f| &mut f.dispatch_start_delay),
        "How long after the start the first notification waits. Best set to Prometheus's \
         --rules.alert.resend-delay.",
    ),
    flag(
        "web.systemd-socket",
        "",
        Target::Switch(|f| &mut f.web_systemd_socket),
        "Take the listening sockets from systemd. Not in this build.",
    ),
    flag(
        "web.listen-address",
        ":9093",
        Target::Texts(|f| &mut f.web_listen_addresses),
        "The address to serve HTTP on, such as :9093 or [::1]:9093. May be repeated.",
    ),
    flag(
        "web.config.file",
        "",
        Target::Text(|f| &mut f.web_config_file),
        "A file that turns on TLS or authentication.",
    ),
    flag(
        "web.external-url",
        "",
        Target::Text(|f| &mut f.web_external_url),
        "The URL under which this server is reached from outside, for links in notifications. \
         Its path becomes the prefix of all HTTP endpoints. Made from host name and port if it is \
         not given.",
    ),
    flag(
        "web.route-prefix",
        "",
        Target::Text(|f| &mut f.web_route_prefix),
        "The prefix of all HTTP endpoints, if it is not the path of --web.external-url.",
    ),
    flag(
        "web.cors.origin",
        "",
        Target::Text(|f| &mut f.web_cors_origin),
        "A regular expression for the origins whose web pages may use the API from a browser. It must \
         match the whole origin, with scheme and port: 'https?://(one|two)\\.example'. Without it no \
         page of another origin may.",
    ),
    flag(
        "web.get-concurrency",
        "0",
        Target::Count(|f| &mut f.web_get_concurrency),
        "How many GET requests are served at the same time. If zero or negative: the number of \
         processors, but at least 8.",
    ),
    flag(
        "web.timeout",
        "0",
        Target::Duration(|f| &mut f.web_timeout),
        "How long one HTTP request may take. No limit if zero or negative.",
    ),
    flag(
        "web.max-connections",
        "0",
        Target::Count(|f| &mut f.web_connections_max),
        "How many HTTP connections may be open; if there are more, those that wait for their clients \
         are closed. If zero or negative: 8192. Always fewer than the limit of open files, of which \
         half, or 2048, are left for other purposes. (Not a flag of Alertmanager.)",
    ),
    flag(
        "web.enable-receiver-test",
        "",
        Target::Switch(|f| &mut f.web_receiver_test),
        "Enable POST to /api/bellwether/v1/receivers/test, which sends a sample to a receiver, for \
         every client that can reach this port. (Not a flag of Alertmanager.)",
    ),
    flag(
        "receivers.render-timeout",
        "10s",
        Target::Duration(|f| &mut f.receivers_render_timeout),
        "How long rendering the templates of one notification may take; a plain text takes the place \
         of those that are not finished then. (Not a flag of Alertmanager.)",
    ),
    flag(
        "receivers.allow-mentions",
        "",
        Target::Switch(|f| &mut f.receivers_allow_mentions),
        "Let labels and annotations mention everybody in a chat (<!channel>, @everyone and the like); \
         otherwise only templates can. (Not a flag of Alertmanager.)",
    ),
    flag(
        "receivers.deny-cidr",
        "",
        Target::Texts(|f| &mut f.receivers_deny_networks),
        "A network, such as 203.0.113.0/24, to which no notification is sent, whatever name or \
         redirect leads there. May be repeated. (Not a flag of Alertmanager.)",
    ),
    flag(
        "receivers.deny-private",
        "",
        Target::Switch(|f| &mut f.receivers_deny_private),
        "Send no notification to addresses that are not public: loopback, private, link-local and \
         the like, among them those where clouds give out credentials. (Not a flag of Alertmanager.)",
    ),
    flag(
        "receivers.allow-cidr",
        "",
        Target::Texts(|f| &mut f.receivers_allow_networks),
        "A network that the two flags above do not deny. May be repeated. (Not a flag of \
         Alertmanager.)",
    ),
    flag(
        "receivers.deny-plaintext-auth",
        "",
        Target::Switch(|f| &mut f.receivers_deny_plaintext_auth),
        "Send no password to a mail server over a connection without TLS, also where the \
         configuration says require_tls: false. (Not a flag of Alertmanager.)",
    ),
    flag(
        "api.connect.unary-concurrency",
        "0",
        Target::Count(|f| &mut f.connect_unary_concurrency),
        "How many unary calls of the Connect API are served at the same time. If zero or negative: as \
         many as --web.get-concurrency says, counted apart.",
    ),
    flag(
        "api.connect.stream-concurrency",
        "0",
        Target::Count(|f| &mut f.connect_stream_concurrency),
        "How many streams of the Connect API are served at the same time. If zero or negative: as many \
         as --web.get-concurrency says, counted apart.",
    ),
    flag(
        "api.connect.unary-timeout",
        "0",
        Target::Duration(|f| &mut f.connect_unary_timeout),
        "How long a unary call of the Connect API may take, the reading of its request included. Zero: \
         --web.timeout; no limit if negative.",
    ),
    flag(
        "api.connect.stream-idle-timeout",
        "0",
        Target::Duration(|f| &mut f.connect_stream_idle_timeout),
        "How long a stream of the Connect API may be without a message. No limit if zero or negative.",
    ),
    flag(
        "api.connect.stream-lifetime",
        "0",
        Target::Duration(|f| &mut f.connect_stream_lifetime),
        "How long a stream of the Connect API may last. No limit if zero or negative.",
    ),
    flag(
        "api.connect.read-max-bytes",
        "0",
        Target::Count(|f| &mut f.connect_read_bytes_max),
        "How large a message that the Connect API receives may be. No limit if zero or negative.",
    ),
    flag(
        "api.connect.send-max-bytes",
        "0",
        Target::Count(|f| &mut f.connect_send_bytes_max),
        "How large a message that the Connect API sends may be. No limit if zero or negative.",
    ),
    flag(
        "api.connect.max-request-body-bytes",
        "0",
        Target::Integer(|f| &mut f.connect_request_bytes_max),
        "How large the body of a unary call of the Connect API may be, as it is sent. No limit if zero \
         or negative.",
    ),
    flag(
        "auto-gomemlimit",
        "",
        Target::Switch(|f| &mut f.memory_limit),
        "Accepted for compatibility; without effect, as this is not a Go program.",
    ),
    flag(
        "auto-gomemlimit.ratio",
        "0.9",
        Target::Ratio(|f| &mut f.memory_limit_ratio),
        "Accepted for compatibility, as --auto-gomemlimit is.",
    ),
    flag(
        "auto-gomemlimit.refresh-interval",
        "0s",
        Target::Duration(|f| &mut f.memory_limit_refresh_interval),
        "Accepted for compatibility, as --auto-gomemlimit is.",
    ),
    flag(
        "cluster.listen-address",
        "0.0.0.0:9094",
        Target::Text(|f| &mut f.cluster_listen_address),
        "The address for cluster traffic; empty turns the cluster off.",
    ),
    flag(
        "cluster.advertise-address",
        "",
        Target::Text(|f| &mut f.cluster_advertise_address),
        "The address that is advertised to peers.",
    ),
    flag(
        "cluster.peer-name",
        "",
        Target::Text(|f| &mut f.cluster_peer_name),
        "The name of this peer; if empty, one that is kept in the storage directory.",
    ),
    flag(
        "cluster.peer",
        "",
        Target::Texts(|f| &mut f.cluster_peers),
        "A peer to join. May be repeated.",
    ),
    flag(
        "cluster.peer-timeout",
        "15s",
        Target::Duration(|f| &mut f.cluster_peer_timeout),
        "How long each later peer waits before it notifies.",
    ),
    flag(
        "cluster.peers-resolve-timeout",
        "15s",
        Target::Duration(|f| &mut f.cluster_peers_resolve_timeout),
        "How long peers' names may take to resolve.",
    ),
    flag(
        "cluster.gossip-interval",
        "200ms",
        Target::Duration(|f| &mut f.cluster_gossip_interval),
        "How often changes are gossiped to peers.",
    ),
    flag(
        "cluster.pushpull-interval",
        "1m0s",
        Target::Duration(|f| &mut f.cluster_pushpull_interval),
        "How often the full state is exchanged with a peer.",
    ),
    flag(
        "cluster.tcp-timeout",
        "10s",
        Target::Duration(|f| &mut f.cluster_tcp_timeout),
        "How long a connection to a peer, and each read and write on it, may take.",
    ),
    flag(
        "cluster.probe-timeout",
        "500ms",
        Target::Duration(|f| &mut f.cluster_probe_timeout),
        "How long a peer may take to answer a probe.",
    ),
    flag(
        "cluster.probe-interval",
        "1s",
        Target::Duration(|f| &mut f.cluster_probe_interval),
        "How often a peer is probed.",
    ),
    flag(
        "cluster.settle-timeout",
        "1m0s",
        Target::Duration(|f| &mut f.cluster_settle_timeout),
        "How long the first notification may wait for the cluster to settle.",
    ),
    flag(
        "cluster.reconnect-interval",
        "10s",
        Target::Duration(|f| &mut f.cluster_reconnect_interval),
        "How often a connection to a failed peer is tried again.",
    ),
    flag(
        "cluster.reconnect-timeout",
        "6h0m0s",
        Target::Duration(|f| &mut f.cluster_reconnect_timeout),
        "How long connections to a failed peer are tried.",
    ),
    flag(
        "cluster.tls-config",
        "",
        Target::Text(|f| &mut f.cluster_tls_config),
        "A file that turns on mutual TLS between peers.",
    ),
    flag(
        "cluster.allow-insecure-public-advertise-address-discovery",
        "",
        Target::Switch(|f| &mut f.cluster_allow_insecure_advertise),
        "Accepted for compatibility; a public address is advertised without it.",
    ),
    flag(
        "cluster.label",
        "",
        Target::Text(|f| &mut f.cluster_label),
        "A text that all members of a cluster must share.",
    ),
    flag(
        "cluster.id",
        "",
        Target::Text(|f| &mut f.cluster_id),
        "An id of the cluster: servers with a different id are never joined. Go Alertmanagers have \
         none. (Not a flag of Alertmanager.)",
    ),
    flag(
        "cluster.max-members",
        "100",
        Target::Count(|f| &mut f.cluster_max_members),
        "How many members the cluster may have; others are refused, except at addresses of \
         --cluster.peer. 0 for no limit. (Not a flag of Alertmanager.)",
    ),
    flag(
        "cluster.max-state-bytes",
        "134217728",
        Target::Count(|f| &mut f.cluster_max_state_bytes),
        "How many bytes of silences and notification log a peer may send at once; it is closed \
         otherwise. 0 for the default. (Not a flag of Alertmanager.)",
    ),
    flag(
        "enable-feature",
        "",
        Target::Text(|f| &mut f.enable_feature),
        "Features to turn on, separated by commas: alert-names-in-metrics, \
         receiver-name-in-metrics, group-key-in-metrics, classic-mode, utf8-strict-mode, \
         auto-gomemlimit, event-recorder, muted-alerts-in-nflog.",
    ),
    flag(
        "log.level",
        "info",
        Target::Level(|f| &mut f.log_level),
        "The least severity that is logged: debug, info, warn or error.",
    ),
    flag(
        "log.format",
        "logfmt",
        Target::Format(|f| &mut f.log_format),
        "How log lines are written: logfmt or json.",
    ),
];
