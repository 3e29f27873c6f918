//! Everything that is counted, with its name and meaning in one list.
//!
//! In: what happens (from [`crate::notes`], the main loop, HTTP) and, when somebody asks, the state
//! of things ([`Snapshot`]). Out: the text of `/metrics`.
//!
//! Names and labels are those of the Go Alertmanager wherever it has them, because dashboards and
//! alerting rules are written against them; those of the cluster are in [`crate::cluster`]. Metrics
//! of its garbage collector and its snapshots have no counterpart here and are left out. `docs/metrics.md` lists all that are shown; a
//! test holds the two together.

mod process;
mod text;
mod value;

pub use text::{Exposition, Form, Observed};
pub use value::{Counter, Gauge, Histogram, Labelled, Summary};

use bellwether_engine::PeerView;
use bellwether_integrations::Kind;
use bellwether_mesh::Report;
use bellwether_model::FailureReason;

use crate::cluster;
use crate::features::Features;
use crate::version;

/// Every number that is kept up while the server runs.
#[derive(Debug)]
pub struct Metrics {
    features: Features,
    pub request_seconds: Labelled<Histogram>,
    pub response_bytes: Labelled<Histogram>,
    pub requests_in_flight: Gauge,
    pub requests_over_limit: Counter,
    pub receivers: Gauge,
    pub integrations: Gauge,
    pub inhibition_rules: Gauge,
    pub config_hash: Gauge,
    pub config_reload_successful: Gauge,
    pub config_reload_seconds: Gauge,
    pub alerts_received: Labelled<Counter>,
    pub alerts_invalid: Counter,
    pub alerts_limit: Gauge,
    pub alerts_limited: Labelled<Counter>,
    pub alerts_not_durable: Counter,
    pub alerts_of_late_clocks: Counter,
    pub peer_records_refused: Counter,
    pub clock_correction_seconds: Gauge,
    pub ingestion_seconds: Summary,
    pub group_limit_reached: Counter,
    pub notifications: Labelled<Counter>,
    pub notifications_failed: Labelled<Counter>,
    pub attempts: Labelled<Counter>,
    pub attempts_failed: Labelled<Counter>,
    pub attempt_seconds: Labelled<Histogram>,
    pub attempts_in_flight: Gauge,
    pub template_failures: Labelled<Counter>,
    pub suppressed: Labelled<Counter>,
    pub silences_collections: Counter,
    pub ledger_collections: Counter,
    pub journal_commits: Gauge,
    pub journal_queued_bytes: Gauge,
    pub journal_disk_bytes: Gauge,
    pub journal_poisoned: Gauge,
    pub journal_moved_aside: Gauge,
    pub journal_compaction_failing: Gauge,
    pub journal_records_refused: Counter,
    pub journal_records_unreadable: Counter,
}

/// What is looked up only when somebody asks.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub alerts_active: usize,
    pub alerts_suppressed: usize,
    /// Alerts by group, of active and suppressed ones; only with the feature for it.
    pub groups_alerts: Vec<(String, usize, usize)>,
    pub groups: usize,
    pub silences_active: usize,
    pub silences_pending: usize,
    pub silences_expired: usize,
    pub cluster: Option<ClusterSnapshot>,
}

/// What is known of the cluster when somebody asks.
#[derive(Clone, Debug)]
pub struct ClusterSnapshot {
    pub report: Report,
    pub peers: Vec<PeerView>,
    /// Peers whose configuration gives other group keys.
    pub drifted: Vec<String>,
}

impl Metrics {
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
        let metrics = Metrics {
            features,
            request_seconds: Labelled::new(&["code", "handler", "method"], || {
                Histogram::new(&REQUEST_SECONDS)
            }),
            response_bytes: Labelled::new(&["handler", "method"], || {
                Histogram::new(&RESPONSE_BYTES)
            }),
            requests_in_flight: Gauge::default(),
            requests_over_limit: Counter::default(),
            receivers: Gauge::default(),
            integrations: Gauge::default(),
            inhibition_rules: Gauge::default(),
            config_hash: Gauge::default(),
            config_reload_successful: Gauge::default(),
            config_reload_seconds: Gauge::default(),
            alerts_received: Labelled::new(&["status", "version"], Counter::default),
            alerts_invalid: Counter::default(),
            alerts_limit: Gauge::default(),
            alerts_limited: Labelled::new(alert_name, Counter::default),
            alerts_not_durable: Counter::default(),
            alerts_of_late_clocks: Counter::default(),
            peer_records_refused: Counter::default(),
            clock_correction_seconds: Gauge::default(),
            ingestion_seconds: Summary::default(),
            group_limit_reached: Counter::default(),
            notifications: Labelled::new(integration, Counter::default),
            notifications_failed: Labelled::new(failed, Counter::default),
            attempts: Labelled::new(integration, Counter::default),
            attempts_failed: Labelled::new(integration, Counter::default),
            attempt_seconds: Labelled::new(integration, || Histogram::new(&ATTEMPT_SECONDS)),
            template_failures: Labelled::new(integration, Counter::default),
            attempts_in_flight: Gauge::default(),
            suppressed: Labelled::new(&["reason"], Counter::default),
            silences_collections: Counter::default(),
            ledger_collections: Counter::default(),
            journal_commits: Gauge::default(),
            journal_queued_bytes: Gauge::default(),
            journal_disk_bytes: Gauge::default(),
            journal_poisoned: Gauge::default(),
            journal_moved_aside: Gauge::default(),
            journal_compaction_failing: Gauge::default(),
            journal_records_refused: Counter::default(),
            journal_records_unreadable: Counter::default(),
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
        self.add_builds(&mut out);
        self.add_http(&mut out);
        self.add_config(&mut out);
        self.add_alerts(snapshot, &mut out);
        self.add_notifications(&mut out);
        self.add_silences(snapshot, &mut out);
        self.add_journal(&mut out);
        let enabled = Gauge::default();
        if let Some(ClusterSnapshot { report, peers, drifted }) = &snapshot.cluster {
            enabled.set(1.0);
            let help = "Records that peers sent and that cannot be read.";
            let refused = &self.peer_records_refused;
            out.add("alertmanager_cluster_records_refused_total", help, refused);
            let help = "By how much this server's wall clock is corrected.";
            let correction = &self.clock_correction_seconds;
            out.add("alertmanager_cluster_clock_correction_seconds", help, correction);
            cluster::add_metrics(report, peers, drifted, &mut out);
        }
        let help = "Whether this server is in a cluster.";
        out.add("alertmanager_cluster_enabled", help, &enabled);
        process::add(&mut out);
        out.finish()
    }

    /// Series that exist from the start, so that rates over them are right from the first event.
    fn begin_series(&self) {
        for status in ["firing", "resolved"] {
            self.alerts_received.with(&[status, "v2"]);
        }
        for reason in ["silence", "inhibition", "mute_time_interval", "active_time_interval"] {
            self.suppressed.with(&[reason]);
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

    fn add_builds(&self, out: &mut Exposition) {
        out.add_info(
            "alertmanager_build_info",
            "The Alertmanager release that this server is compatible with; always 1.",
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
            "The release of this server itself; always 1.",
            &[("version", version::OWN)],
        );
    }

    fn add_http(&self, out: &mut Exposition) {
        let help = "How long HTTP requests took.";
        out.add_labelled("alertmanager_http_request_duration_seconds", help, &self.request_seconds);
        let help = "How large HTTP responses were.";
        out.add_labelled("alertmanager_http_response_size_bytes", help, &self.response_bytes);
        let get = [("method", "get")];
        let help = "HTTP requests that are being served.";
        let in_flight = &self.requests_in_flight;
        out.add_with("alertmanager_http_requests_in_flight", help, in_flight, &get);
        let help = "HTTP requests that were refused since too many were being served.";
        let over = &self.requests_over_limit;
        out.add_with("alertmanager_http_concurrency_limit_exceeded_total", help, over, &get);
    }

    fn add_config(&self, out: &mut Exposition) {
        let help = "Receivers that a route uses.";
        out.add("alertmanager_receivers", help, &self.receivers);
        let help = "Integrations of the receivers that a route uses.";
        out.add("alertmanager_integrations", help, &self.integrations);
        let help = "Inhibition rules.";
        out.add("alertmanager_inhibition_rules", help, &self.inhibition_rules);
        let help = "A hash of the configuration in force.";
        out.add("alertmanager_config_hash", help, &self.config_hash);
        let help = "Whether the configuration could be loaded the last time.";
        let successful = &self.config_reload_successful;
        out.add("alertmanager_config_last_reload_successful", help, successful);
        let help = "When the configuration in force was loaded, since 1970.";
        let seconds = &self.config_reload_seconds;
        out.add("alertmanager_config_last_reload_success_timestamp_seconds", help, seconds);
    }

    fn add_alerts(&self, snapshot: &Snapshot, out: &mut Exposition) {
        let help = "Alerts received, before they were checked.";
        out.add_labelled("alertmanager_alerts_received_total", help, &self.alerts_received);
        let help = "Alerts received that were not valid.";
        let v2 = [("version", "v2")];
        out.add_with("alertmanager_alerts_invalid_total", help, &self.alerts_invalid, &v2);
        let help = "Alerts by state.";
        out.add_labelled("alertmanager_alerts", help, &self.alerts_by_state(snapshot));
        let help = "How many alerts may share a name; 0 if there is no limit.";
        out.add("alertmanager_alerts_per_alert_limit", help, &self.alerts_limit);
        let help = "Alerts dropped since too many shared their name.";
        out.add_labelled("alertmanager_alerts_limited_total", help, &self.alerts_limited);
        let help = "Alerts taken while the journal could not keep them.";
        out.add("alertmanager_alerts_not_durable_total", help, &self.alerts_not_durable);
        let help = "Alerts whose end was long past on arrival, taken to fire.";
        out.add("alertmanager_alerts_late_clock_total", help, &self.alerts_of_late_clocks);
        let groups = Gauge::default();
        groups.set(snapshot.groups as f64);
        out.add("alertmanager_dispatcher_aggregation_groups", "Groups of alerts.", &groups);
        out.add(
            "alertmanager_dispatcher_alert_processing_duration_seconds",
            "How long one post of alerts took in the engine.",
            &self.ingestion_seconds,
        );
        out.add(
            "alertmanager_dispatcher_aggregation_group_limit_reached_total",
            "Groups that were not formed since there were too many.",
            &self.group_limit_reached,
        );
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

    fn add_notifications(&self, out: &mut Exposition) {
        let help = "Notifications begun; the attempts of one count once.";
        out.add_labelled("alertmanager_notifications_total", help, &self.notifications);
        let help = "Notifications that ended without success.";
        out.add_labelled(
            "alertmanager_notifications_failed_total",
            help,
            &self.notifications_failed,
        );
        let help = "Attempts to notify.";
        out.add_labelled("alertmanager_notification_requests_total", help, &self.attempts);
        let help = "Attempts to notify that failed.";
        let failed = &self.attempts_failed;
        out.add_labelled("alertmanager_notification_requests_failed_total", help, failed);
        let help = "How long attempts to notify took.";
        out.add_labelled("alertmanager_notification_latency_seconds", help, &self.attempt_seconds);
        let help = "Attempts to notify that are under way.";
        out.add("alertmanager_notification_requests_in_flight", help, &self.attempts_in_flight);
        let help = "Texts that could not be rendered; something plain was sent in their place.";
        let failures = &self.template_failures;
        out.add_labelled("alertmanager_notification_template_failures_total", help, failures);
        let help = "Alerts that were kept quiet in a notification.";
        out.add_labelled("alertmanager_notifications_suppressed_total", help, &self.suppressed);
    }

    fn add_silences(&self, snapshot: &Snapshot, out: &mut Exposition) {
        let by_state = Labelled::new(&["state"], Gauge::default);
        by_state.with(&["active"]).set(snapshot.silences_active as f64);
        by_state.with(&["pending"]).set(snapshot.silences_pending as f64);
        by_state.with(&["expired"]).set(snapshot.silences_expired as f64);
        out.add_labelled("alertmanager_silences", "Silences by state.", &by_state);
        let help = "How often expired silences were removed.";
        out.add("alertmanager_silences_maintenance_total", help, &self.silences_collections);
        let help = "How often expired entries of the notification log were removed.";
        out.add("alertmanager_nflog_maintenance_total", help, &self.ledger_collections);
    }

    fn add_journal(&self, out: &mut Exposition) {
        let commits = Counter::default();
        commits.add(self.journal_commits.read() as u64);
        let help = "Commits of the journal, each with one sync.";
        out.add("alertmanager_journal_commits_total", help, &commits);
        let help = "Bytes that wait for the journal's next commit.";
        out.add("alertmanager_journal_queued_bytes", help, &self.journal_queued_bytes);
        let help = "Bytes that the journal takes on the disk.";
        out.add("alertmanager_journal_disk_bytes", help, &self.journal_disk_bytes);
        let help = "Whether the journal has failed, so that nothing is durable until a restart.";
        out.add("alertmanager_journal_poisoned", help, &self.journal_poisoned);
        let help = "Whether a damaged journal was put aside at the start.";
        out.add("alertmanager_journal_moved_aside", help, &self.journal_moved_aside);
        let help = "Whether outdated records could not be dropped the last time.";
        let failing = &self.journal_compaction_failing;
        out.add("alertmanager_journal_compaction_failing", help, failing);
        let help = "Records that were too large for the journal.";
        let refused = &self.journal_records_refused;
        out.add("alertmanager_journal_records_refused_total", help, refused);
        let help = "Records that could not be read at the start.";
        let unreadable = &self.journal_records_unreadable;
        out.add("alertmanager_journal_records_unreadable_total", help, unreadable);
    }
}

static REQUEST_SECONDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
static RESPONSE_BYTES: [f64; 7] = [1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8];
static ATTEMPT_SECONDS: [f64; 5] = [1.0, 5.0, 10.0, 15.0, 20.0];

#[cfg(test)]
mod tests;
