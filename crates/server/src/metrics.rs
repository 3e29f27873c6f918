//! Every metric of the server, with its name, help and labels where it is made.
//!
//! In: what happens (from [`crate::notes`], the main loop, HTTP), and at each scrape the state
//! of the server ([`Snapshot`]). Out: the text of `/metrics`.
//!
//! Names, labels and help texts are those of the Go Alertmanager wherever it has the metric, because
//! dashboards and alerting rules are written against them; those of the cluster are in
//! [`crate::cluster`]. Metrics of Go's garbage collector and of its snapshots have no counterpart
//! here. `docs/metrics.md` lists all metrics that are exposed; a test compares the two.

mod process;
mod registry;
mod rpc;
mod text;
mod value;

pub use text::{Exposition, Form, Observed};
pub use value::{Counter, Gauge, Histogram, Labelled, Summary};

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_courier::{DialEvent, DialFailure, DialObserver};
use bellwether_engine::PeerView;
use bellwether_integrations::Kind;
use bellwether_mesh::Report;
use bellwether_model::FailureReason;

use crate::cluster;
use crate::features::Features;
use crate::version;
use registry::Registry;
use rpc::RpcMetrics;

/// The metrics that are kept up to date while the server runs.
#[derive(Debug)]
pub struct Metrics {
    features: Features,
    /// Every metric below, but those of `cluster`.
    all: Registry,
    /// Metrics that only a server in a cluster exposes.
    cluster: Registry,
    pub request_seconds: Arc<Labelled<Histogram>>,
    pub response_bytes: Arc<Labelled<Histogram>>,
    pub requests_in_flight: Arc<Gauge>,
    pub requests_over_limit: Arc<Counter>,
    pub bodies_abandoned: Arc<Labelled<Counter>>,
    pub patterns_refused: Arc<Labelled<Counter>>,
    pub rpc: RpcMetrics,
    pub connections: Arc<Gauge>,
    pub connections_max: Arc<Gauge>,
    pub connections_ended: Arc<Labelled<Counter>>,
    pub accept_errors: Arc<Counter>,
    pub password_checks_refused: Arc<Counter>,
    pub receivers: Arc<Gauge>,
    pub integrations: Arc<Gauge>,
    pub inhibition_rules: Arc<Gauge>,
    pub config_hash: Arc<Gauge>,
    pub config_reload_successful: Arc<Gauge>,
    pub config_reload_seconds: Arc<Gauge>,
    pub alerts_received: Arc<Labelled<Counter>>,
    pub alerts_invalid: Arc<Counter>,
    pub alerts_limit: Arc<Gauge>,
    pub alerts_limited: Arc<Labelled<Counter>>,
    pub alerts_not_durable: Arc<Counter>,
    pub silences_not_durable: Arc<Labelled<Counter>>,
    pub alerts_of_late_clocks: Arc<Counter>,
    pub peer_records_refused: Arc<Counter>,
    pub clock_correction_seconds: Arc<Gauge>,
    pub status_broadcasts_refused: Arc<Labelled<Counter>>,
    pub status_claims_refused: Arc<Counter>,
    pub processing_seconds: Arc<Summary>,
    pub group_limit_reached: Arc<Counter>,
    pub notifications: Arc<Labelled<Counter>>,
    pub notifications_failed: Arc<Labelled<Counter>>,
    pub attempts: Arc<Labelled<Counter>>,
    pub attempts_failed: Arc<Labelled<Counter>>,
    pub attempt_seconds: Arc<Labelled<Histogram>>,
    pub attempts_in_flight: Arc<Gauge>,
    pub template_failures: Arc<Labelled<Counter>>,
    pub render_timeouts: Arc<Labelled<Counter>>,
    pub renders_waiting: Arc<Gauge>,
    pub suppressed: Arc<Labelled<Counter>>,
    pub silences_refused_programs: Arc<Counter>,
    pub silences_collections: Arc<Counter>,
    pub notification_log_collections: Arc<Counter>,
    /// The one file of both is the journal.
    pub silences_maintenance_errors: Arc<Counter>,
    pub notification_log_maintenance_errors: Arc<Counter>,
    pub dials_attempted: Arc<Labelled<Counter>>,
    pub dials_established: Arc<Labelled<Counter>>,
    pub dials_failed: Arc<Labelled<Counter>>,
    pub dials_closed: Arc<Labelled<Counter>>,
    pub scrapes: Arc<Labelled<Counter>>,
    pub scrapes_in_flight: Arc<Gauge>,
    pub journal_commits: Arc<Counter>,
    pub journal_queued_bytes: Arc<Gauge>,
    pub journal_disk_bytes: Arc<Gauge>,
    pub journal_failing: Arc<Gauge>,
    pub journal_failures: Arc<Counter>,
    pub journal_reserved_bytes: Arc<Gauge>,
    pub journal_moved_aside: Arc<Gauge>,
    pub journal_compaction_failing: Arc<Gauge>,
    pub journal_records_refused: Arc<Counter>,
    pub journal_records_unreadable: Arc<Counter>,
}

/// The state of the server at the time of a scrape.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub alerts_active: usize,
    pub alerts_suppressed: usize,
    /// Alerts by group, of active and suppressed ones; only with the feature for it.
    pub groups_alerts: Vec<(String, usize, usize)>,
    pub groups: usize,
    pub silences_active: usize,
    pub silences_not_in_force: usize,
    pub silences_pending: usize,
    pub silences_expired: usize,
    pub cluster: Option<ClusterSnapshot>,
}

/// The state of the cluster at the time of a scrape.
#[derive(Clone, Debug)]
pub struct ClusterSnapshot {
    pub report: Report,
    pub peers: Vec<PeerView>,
    /// Peers whose configuration gives other group keys.
    pub drifted: Vec<String>,
}

impl Metrics {
    /// Long because: it is the list of all metrics.
    pub fn new(features: Features) -> Self {
        let receiver = features.receiver_names_in_metrics;
        let integration: &[&'static str] =
            if receiver { &["integration", "receiver_name"] } else { &["integration"] };
        let failed: &[&'static str] = if receiver {
            &["integration", "receiver_name", "reason"]
        } else {
            &["integration", "reason"]
        };
        let alert_name: &[&'static str] =
            if features.alert_names_in_metrics { &["alertname"] } else { &[] };
        let (mut all, mut cluster) = (Registry::default(), Registry::default());
        let metrics = Metrics {
            features,
            request_seconds: all.histograms("alertmanager_http_request_duration_seconds", "Histogram of latencies for HTTP requests.", &["code", "handler", "method"], || Histogram::new(&REQUEST_SECONDS)),
            response_bytes: all.histograms("alertmanager_http_response_size_bytes", "Histogram of response size for HTTP requests.", &["handler", "method"], || Histogram::new(&RESPONSE_BYTES)),
            requests_in_flight: all.constant("alertmanager_http_requests_in_flight", "Current number of HTTP requests being processed.", &GET),
            requests_over_limit: all.constant("alertmanager_http_concurrency_limit_exceeded_total", "Total number of times an HTTP request failed because the concurrency limit was reached.", &GET),
            bodies_abandoned: all.labelled("alertmanager_http_bodies_abandoned_total", "Request bodies that were not read to their end.", &["reason"]),
            patterns_refused: all.labelled("alertmanager_http_patterns_refused_total", "Requests refused for their regular expressions.", &["reason"]),
            rpc: RpcMetrics::new(&mut all),
            connections: all.single("alertmanager_http_connections", "Open HTTP connections."),
            connections_max: all.single("alertmanager_http_connections_max", "How many HTTP connections may be open."),
            connections_ended: all.labelled("alertmanager_http_connections_ended_total", "HTTP connections that the server ended or refused.", &["reason"]),
            accept_errors: all.single("alertmanager_http_accept_errors_total", "HTTP connections that could not be accepted."),
            password_checks_refused: all.single("alertmanager_http_password_checks_refused_total", "Requests refused because too many passwords were waiting to be checked."),
            receivers: all.single("alertmanager_receivers", "Number of configured receivers."),
            integrations: all.single("alertmanager_integrations", "Number of configured integrations."),
            inhibition_rules: all.single("alertmanager_inhibition_rules", "Number of configured inhibition rules."),
            config_hash: all.single("alertmanager_config_hash", "Hash of the currently loaded alertmanager configuration. Note that this is not a cryptographically strong hash."),
            config_reload_successful: all.single("alertmanager_config_last_reload_successful", "Whether the last configuration reload attempt was successful."),
            config_reload_seconds: all.single("alertmanager_config_last_reload_success_timestamp_seconds", "Timestamp of the last successful configuration reload."),
            alerts_received: all.labelled("alertmanager_alerts_received_total", "The total number of received alerts.", &["status", "version"]),
            alerts_invalid: all.constant("alertmanager_alerts_invalid_total", "The total number of received alerts that were invalid.", &V2),
            alerts_limit: all.single("alertmanager_alerts_per_alert_limit", "Current limit on number of alerts per alert name"),
            alerts_limited: all.labelled("alertmanager_alerts_limited_total", "Total number of alerts that were dropped due to per alert name limit", alert_name),
            alerts_not_durable: all.single("alertmanager_alerts_not_durable_total", "Alerts accepted while the journal could not store them."),
            alerts_of_late_clocks: all.single("alertmanager_alerts_late_clock_total", "Alerts that fire although their endsAt was past, because their sender's clock has shown to be late."),
            peer_records_refused: cluster.single("alertmanager_cluster_records_refused_total", "Invalid records received from peers."),
            clock_correction_seconds: cluster.single("alertmanager_cluster_clock_correction_seconds", "Correction of this server's wall clock, applied when most peers say that it is ahead."),
            status_broadcasts_refused: cluster.labelled("alertmanager_cluster_status_broadcasts_refused_total", "Status broadcasts that were not taken: malformed, of no Bellwether peer, or from another address than that of the peer.", &["reason"]),
            status_claims_refused: cluster.single("alertmanager_cluster_claims_refused_total", "Claims in status broadcasts that exceeded the limit."),
            processing_seconds: all.single("alertmanager_dispatcher_alert_processing_duration_seconds", "Summary of latencies for the processing of alerts."),
            group_limit_reached: all.single("alertmanager_dispatcher_aggregation_group_limit_reached_total", "Number of times when dispatcher failed to create new aggregation group due to limit."),
            notifications: all.labelled("alertmanager_notifications_total", "The total number of attempted notifications.", integration),
            notifications_failed: all.labelled("alertmanager_notifications_failed_total", "The total number of failed notifications.", failed),
            attempts: all.labelled("alertmanager_notification_requests_total", "The total number of attempted notification requests.", integration),
            attempts_failed: all.labelled("alertmanager_notification_requests_failed_total", "The total number of failed notification requests.", integration),
            attempt_seconds: all.histograms("alertmanager_notification_latency_seconds", "The latency of notifications in seconds.", integration, || Histogram::new(&ATTEMPT_SECONDS)),
            attempts_in_flight: all.single("alertmanager_notification_requests_in_flight", "Current number of notification requests being sent."),
            template_failures: all.labelled("alertmanager_notification_template_failures_total", "Templates that failed; a plain-text fallback was sent.", integration),
            render_timeouts: all.labelled("alertmanager_notification_render_timeouts_total", "Notifications whose templates took too long; a plain-text fallback was sent.", integration),
            renders_waiting: all.single("alertmanager_notification_renders_waiting", "Current number of notifications that wait for a thread to render them."),
            suppressed: all.labelled("alertmanager_notifications_suppressed_total", "The total number of notifications suppressed for being silenced, inhibited, outside of active time intervals or within muted time intervals.", &["reason"]),
            silences_not_durable: all.labelled("alertmanager_silences_not_durable_total", "Silences created, changed or expired while the journal could not store that.", &["operation"]),
            silences_refused_programs: all.single("alertmanager_silences_patterns_refused_total", "Silences whose regular expressions were too large, so that they mute nothing."),
            silences_collections: all.single("alertmanager_silences_maintenance_total", "How many maintenances were executed for silences."),
            notification_log_collections: all.single("alertmanager_nflog_maintenance_total", "How many maintenances were executed for the notification log."),
            silences_maintenance_errors: all.single("alertmanager_silences_maintenance_errors_total", "How many maintenances were executed for silences that failed."),
            notification_log_maintenance_errors: all.single("alertmanager_nflog_maintenance_errors_total", "How many maintenances were executed for the notification log that failed."),
            dials_attempted: all.labelled("net_conntrack_dialer_conn_attempted_total", "Total number of connections attempted by the given dialer a given name.", &["dialer_name"]),
            dials_established: all.labelled("net_conntrack_dialer_conn_established_total", "Total number of connections successfully established by the given dialer a given name.", &["dialer_name"]),
            dials_failed: all.labelled("net_conntrack_dialer_conn_failed_total", "Total number of connections failed to dial by the dialer a given name.", &["dialer_name", "reason"]),
            dials_closed: all.labelled("net_conntrack_dialer_conn_closed_total", "Total number of connections closed which originated from the dialer of a given name.", &["dialer_name"]),
            scrapes: all.labelled("promhttp_metric_handler_requests_total", "Total number of scrapes by HTTP status code.", &["code"]),
            scrapes_in_flight: all.single("promhttp_metric_handler_requests_in_flight", "Current number of scrapes being served."),
            journal_commits: all.single("alertmanager_journal_commits_total", "Commits of the journal, each with one sync."),
            journal_queued_bytes: all.single("alertmanager_journal_queued_bytes", "Bytes queued for the journal's next commit."),
            journal_disk_bytes: all.single("alertmanager_journal_disk_bytes", "Bytes that the journal occupies on disk."),
            journal_failing: all.single("alertmanager_journal_failing", "Whether the journal cannot be written, so that nothing is durable at present."),
            journal_failures: all.single("alertmanager_journal_failures_total", "How often the journal began to fail."),
            journal_reserved_bytes: all.single("alertmanager_journal_reserved_bytes", "Bytes that the journal can still write if the disk is full."),
            journal_moved_aside: all.single("alertmanager_journal_moved_aside", "Whether a damaged journal was moved aside at the start, or its files were gone."),
            journal_compaction_failing: all.single("alertmanager_journal_compaction_failing", "Whether the last attempt to compact the journal failed."),
            journal_records_refused: all.single("alertmanager_journal_records_refused_total", "Records that exceeded the size limit of the journal."),
            journal_records_unreadable: all.single("alertmanager_journal_records_unreadable_total", "Records that could not be read at the start."),
            all,
            cluster,
        };
        metrics.begin_series();
        metrics
    }

    /// The labels of an integration's series.
    pub fn integration_labels<'a>(&self, kind: &'a str, receiver: &'a str) -> Vec<&'a str> {
        if self.features.receiver_names_in_metrics { vec![kind, receiver] } else { vec![kind] }
    }

    /// Shows zeros for a receiver before anything happens to it; only needed where receivers have
    /// series of their own.
    pub fn begin_integration(&self, kind: &str, receiver: &str) {
        let labels = self.integration_labels(kind, receiver);
        self.notifications.with(&labels);
        self.attempts.with(&labels);
        self.attempts_failed.with(&labels);
        self.attempt_seconds.with(&labels);
        self.template_failures.with(&labels);
        self.render_timeouts.with(&labels);
        for reason in FailureReason::ALL {
            self.notifications_failed.with(&[labels.as_slice(), &[reason.label()]].concat());
        }
    }

    /// The label of [`Metrics::alerts_limited`].
    pub fn alert_name_labels<'a>(&self, name: &'a str) -> Vec<&'a str> {
        if self.features.alert_names_in_metrics { vec![name] } else { vec![] }
    }

    /// All metrics as text.
    pub fn text(&self, snapshot: &Snapshot, form: Form) -> String {
        let mut out = Exposition::new(form);
        self.all.expose(&mut out);
        add_builds(&mut out);
        self.add_snapshot(snapshot, &mut out);
        let enabled = Gauge::default();
        if let Some(ClusterSnapshot { report, peers, drifted }) = &snapshot.cluster {
            enabled.set(1.0);
            self.cluster.expose(&mut out);
            cluster::add_metrics(report, peers, drifted, &mut out);
        } else {
            cluster::add_forwarded(&BTreeMap::new(), &mut out);
        }
        let help = "Indicates whether the clustering is enabled or not.";
        out.add("alertmanager_cluster_enabled", help, &enabled);
        process::add(&mut out);
        out.finish()
    }

    /// Series that exist from the start, so that rates over them are right from the first event.
    fn begin_series(&self) {
        for status in ["firing", "resolved"] {
            self.alerts_received.with(&[status, "v2"]);
        }
        for operation in ["post", "expire"] {
            self.silences_not_durable.with(&[operation]);
        }
        for reason in ["silence", "inhibition", "mute_time_interval", "active_time_interval"] {
            self.suppressed.with(&[reason]);
        }
        for reason in ["no_progress", "timeout", "no_room"] {
            self.bodies_abandoned.with(&[reason]);
        }
        for reason in ["too_large", "busy"] {
            self.patterns_refused.with(&[reason]);
        }
        for reason in ["head_timeout", "idle", "stalled", "no_room", "refused"] {
            self.connections_ended.with(&[reason]);
        }
        for code in ["200", "500", "503"] {
            self.scrapes.with(&[code]);
        }
        if !self.features.alert_names_in_metrics {
            self.alerts_limited.with(&[]);
        }
        if !self.features.receiver_names_in_metrics {
            for kind in Kind::ALL {
                self.begin_integration(kind.name(), "");
            }
        }
    }

    /// Adds the state at the time of the scrape.
    fn add_snapshot(&self, snapshot: &Snapshot, out: &mut Exposition) {
        let alerts = self.alerts_by_state(snapshot);
        out.add_labelled("alertmanager_alerts", "How many alerts by state.", &alerts);
        let groups = Gauge::default();
        groups.set(snapshot.groups as f64);
        let help = "Number of active aggregation groups";
        out.add("alertmanager_dispatcher_aggregation_groups", help, &groups);
        let silences = Labelled::new(&["state"], Gauge::default);
        silences.with(&["active"]).set(snapshot.silences_active as f64);
        silences.with(&["pending"]).set(snapshot.silences_pending as f64);
        silences.with(&["expired"]).set(snapshot.silences_expired as f64);
        out.add_labelled("alertmanager_silences", "How many silences by state.", &silences);
        let held = Gauge::default();
        let not_in_force = Gauge::default();
        not_in_force.set(snapshot.silences_not_in_force as f64);
        let help =
            "Silences that have not ended and mute nothing, because of their regular expressions.";
        out.add("alertmanager_silences_not_in_force", help, &not_in_force);
        let Snapshot { silences_active, silences_pending, silences_expired, .. } = snapshot;
        held.set((silences_active + silences_pending + silences_expired) as f64);
        let help = "The number of silences in the state map.";
        out.add("alertmanager_silences_state_size", help, &held);
    }

    fn alerts_by_state(&self, snapshot: &Snapshot) -> Labelled<Gauge> {
        if !self.features.group_keys_in_metrics {
            let by_state = Labelled::new(&["state"], Gauge::default);
            by_state.with(&["active"]).set(snapshot.alerts_active as f64);
            by_state.with(&["suppressed"]).set(snapshot.alerts_suppressed as f64);
            by_state.with(&["unprocessed"]);
            return by_state;
        }
        let by_group = Labelled::new(&["group_key", "state"], Gauge::default);
        for (key, active, suppressed) in &snapshot.groups_alerts {
            by_group.with(&[key, "active"]).add(*active as f64);
            by_group.with(&[key, "suppressed"]).add(*suppressed as f64);
        }
        by_group
    }
}

impl DialObserver for Metrics {
    fn begin(&self, client: &'static str) {
        for dials in [&self.dials_attempted, &self.dials_established, &self.dials_closed] {
            dials.with(&[client]);
        }
        for reason in ["refused", "resolution", "timeout", "unknown"] {
            self.dials_failed.with(&[client, reason]);
        }
    }

    fn note(&self, client: &'static str, event: DialEvent) {
        let failed = |reason| self.dials_failed.with(&[client, reason]).increment();
        match event {
            DialEvent::Attempted => self.dials_attempted.with(&[client]).increment(),
            DialEvent::Established => self.dials_established.with(&[client]).increment(),
            DialEvent::Closed => self.dials_closed.with(&[client]).increment(),
            DialEvent::Failed(DialFailure::Resolution) => failed("resolution"),
            DialEvent::Failed(DialFailure::Timeout) => failed("timeout"),
            DialEvent::Failed(DialFailure::Other) => failed("unknown"),
            // Compat: go-conntrack counts it under both.
            DialEvent::Failed(DialFailure::Refused) => {
                failed("refused");
                failed("unknown");
            }
        }
    }
}

fn add_builds(out: &mut Exposition) {
    out.add_info(
        "alertmanager_build_info",
        "A metric with a constant '1' value labeled by version, revision, branch, goversion from which alertmanager was built, and the goos and goarch for the build.",
        &[
            ("branch", version::BRANCH),
            ("goarch", version::ARCHITECTURE),
            ("goos", version::OS),
            ("goversion", version::GO_VERSION),
            ("revision", version::REVISION),
            ("tags", version::TAGS),
            ("version", version::COMPATIBLE),
        ],
    );
    out.add_info(
        "bellwether_build_info",
        "The release of this server; always 1.",
        &[("version", version::OWN)],
    );
}

const GET: [(&str, &str); 1] = [("method", "get")];
const V2: [(&str, &str); 1] = [("version", "v2")];

static REQUEST_SECONDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
static RESPONSE_BYTES: [f64; 7] = [1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8];
static ATTEMPT_SECONDS: [f64; 5] = [1.0, 5.0, 10.0, 15.0, 20.0];

#[cfg(test)]
mod tests;
