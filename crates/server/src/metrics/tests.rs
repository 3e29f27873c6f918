use std::collections::BTreeSet;
use std::time::Duration;

use bellwether_api::{Procedure, RpcObservation};
use bellwether_courier::DialObserver;
use bellwether_engine::PeerView;
use bellwether_memberlist::cluster::{Counters, Member, Status};
use bellwether_memberlist::{Address, NodeName};
use bellwether_mesh::{Report, TransportCounters};

use super::text::number;
use super::{ClusterSnapshot, Features, Form, Histogram, Labelled, Metrics, Snapshot, Summary};
use crate::metrics::{Counter, Exposition};

fn everything() -> Features {
    Features { receiver_names_in_metrics: true, group_keys_in_metrics: true, ..Features::default() }
}

#[test]
fn numbers_are_written_as_go_writes_them() {
    let cases = [
        (0.0, "0"),
        (1.0, "1"),
        (-1.0, "-1"),
        (0.005, "0.005"),
        (0.00001, "1e-05"),
        (123456.0, "123456"),
        (1_000_000.0, "1e+06"),
        (1_234_567.0, "1.234567e+06"),
        (1_763_772_000.5, "1.7637720005e+09"),
        (f64::INFINITY, "+Inf"),
    ];
    for (value, expected) in cases {
        assert_eq!(number(value, Form::Classic), expected);
    }
    assert_eq!(number(3.0, Form::OpenMetrics), "3.0");
    assert_eq!(number(1e6, Form::OpenMetrics), "1e+06");
}

#[test]
fn open_metrics_is_for_those_who_read_no_plain_text() {
    let prometheus_2 = "application/openmetrics-text;version=1.0.0,\
                        application/openmetrics-text;version=0.0.1;q=0.75,\
                        text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    let prometheus_3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                        text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,*/*;q=0.1";
    let one_protocol = "application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.4";
    for accept in [prometheus_2, prometheus_3, one_protocol, "", "text/plain", "application/json"] {
        assert_eq!(Form::accepted(accept), Form::Classic, "{accept}");
    }
    for accept in
        ["application/openmetrics-text", "Application/OpenMetrics-Text; q=0.2, text/plain;q=0"]
    {
        assert_eq!(Form::accepted(accept), Form::OpenMetrics, "{accept}");
    }
}

#[test]
fn each_kind_of_metric_is_written_in_both_formats() {
    let counter = Labelled::new(&["a", "b"], Counter::default);
    counter.with(&["x", "y\"\\\n"]).add(3);
    let summary = Summary::default();
    summary.observe_all(1, 0.5);
    summary.observe_all(2, 1.0);
    let histogram = Histogram::new(&[1.0, 5.0]);
    histogram.observe(1.0);
    histogram.observe(7.0);
    let text = |form| {
        let mut out = Exposition::new(form);
        out.add_labelled("z_total", "Zs.", &counter);
        out.add("s_seconds", "Ss.", &summary);
        out.add("h_seconds", "Hs.", &histogram);
        out.finish()
    };
    assert_eq!(
        text(Form::Classic),
        "# HELP h_seconds Hs.\n# TYPE h_seconds histogram\n\
         h_seconds_bucket{le=\"1\"} 1\nh_seconds_bucket{le=\"5\"} 1\n\
         h_seconds_bucket{le=\"+Inf\"} 2\nh_seconds_sum 8\nh_seconds_count 2\n\
         # HELP s_seconds Ss.\n# TYPE s_seconds summary\ns_seconds_sum 1.5\ns_seconds_count 3\n\
         # HELP z_total Zs.\n# TYPE z_total counter\nz_total{a=\"x\",b=\"y\\\"\\\\\\n\"} 3\n"
    );
    assert_eq!(
        text(Form::OpenMetrics),
        "# HELP h_seconds Hs.\n# TYPE h_seconds histogram\n\
         h_seconds_bucket{le=\"1.0\"} 1\nh_seconds_bucket{le=\"5.0\"} 1\n\
         h_seconds_bucket{le=\"+Inf\"} 2\nh_seconds_sum 8.0\nh_seconds_count 2\n\
         # HELP s_seconds Ss.\n# TYPE s_seconds summary\ns_seconds_sum 1.5\ns_seconds_count 3\n\
         # HELP z Zs.\n# TYPE z counter\nz_total{a=\"x\",b=\"y\\\"\\\\\\n\"} 3.0\n# EOF\n"
    );
}

#[test]
fn series_beyond_the_limit_are_counted_together() {
    let counter = Labelled::new(&["path"], Counter::default);
    for number in 0..super::value::SERIES_MAX + 10 {
        counter.with(&[&format!("/{number:06}")]).increment();
    }
    let mut count = 0;
    let mut other = 0;
    counter.each(|values, value| {
        count += 1;
        if values[0] == super::value::OVERFLOW {
            other = value.read();
        }
    });
    assert_eq!((count, other), (super::value::SERIES_MAX + 1, 10));
}

#[test]
fn series_exist_before_anything_happens() {
    let text = Metrics::new(Features::default()).text(&Snapshot::default(), Form::Classic);
    for line in [
        "alertmanager_alerts_received_total{status=\"firing\",version=\"v2\"} 0",
        "alertmanager_alerts_invalid_total{version=\"v2\"} 0",
        "alertmanager_alerts{state=\"active\"} 0",
        "alertmanager_notifications_total{integration=\"webhook\"} 0",
        "alertmanager_notifications_failed_total{integration=\"mattermost\",reason=\"authError\"} 0",
        "alertmanager_notification_latency_seconds_bucket{integration=\"email\",le=\"20\"} 0",
        "alertmanager_notifications_suppressed_total{reason=\"silence\"} 0",
        "alertmanager_http_requests_in_flight{method=\"get\"} 0",
        "alertmanager_cluster_enabled 0",
        "alertmanager_silences_maintenance_errors_total 0",
        "alertmanager_nflog_maintenance_errors_total 0",
        "promhttp_metric_handler_requests_total{code=\"503\"} 0",
        "alertmanager_nflog_gossip_messages_propagated_total 0",
        "alertmanager_silences_gossip_messages_propagated_total 0",
        "# TYPE alertmanager_alerts_limited_total counter",
        "# TYPE alertmanager_dispatcher_alert_processing_duration_seconds summary",
    ] {
        assert!(text.lines().any(|held| held == line), "{line} is missing in\n{text}");
    }
}

#[test]
fn all_silences_are_counted_whatever_their_state() {
    let snapshot = Snapshot {
        silences_active: 1,
        silences_not_in_force: 0,
        silences_pending: 2,
        silences_expired: 4,
        ..Snapshot::default()
    };
    let text = Metrics::new(Features::default()).text(&snapshot, Form::Classic);
    assert!(text.contains("\nalertmanager_silences_state_size 7\n"), "{text}");
}

#[test]
fn features_add_labels() {
    let metrics = Metrics::new(everything());
    metrics.begin_integration("webhook", "team");
    let snapshot = Snapshot { groups_alerts: vec![("{}:{}".into(), 2, 1)], ..Snapshot::default() };
    let text = metrics.text(&snapshot, Form::Classic);
    for line in [
        "alertmanager_notifications_total{integration=\"webhook\",receiver_name=\"team\"} 0",
        "alertmanager_alerts{group_key=\"{}:{}\",state=\"suppressed\"} 1",
    ] {
        assert!(text.lines().any(|held| held == line), "{line} is missing in\n{text}");
    }
}

#[test]
fn the_document_lists_exactly_the_exposed_metrics() {
    let metrics = Metrics::new(Features::default());
    metrics.request_seconds.with(&["200", "/", "get"]).observe(0.1);
    metrics.response_bytes.with(&["/", "get"]).observe(10.0);
    metrics.status_broadcasts_refused.with(&["malformed"]).increment();
    metrics.begin("webhook");
    for procedure in [Procedure::GetStatus, Procedure::WatchHealth] {
        metrics.rpc.observe(&RpcObservation::Ended { procedure, outcome: "ok", seconds: 0.1 });
    }
    let snapshot = Snapshot { cluster: Some(cluster()), ..Snapshot::default() };
    let text = metrics.text(&snapshot, Form::Classic);
    let shown: BTreeSet<(&str, &str)> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .filter_map(|line| line.split_once(' '))
        .collect();
    let document = include_str!("../../../../docs/metrics.md");
    let listed: BTreeSet<(&str, &str)> = document
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| line.split_once("` | "))
        .filter_map(|(name, rest)| Some((name, rest.split_once(" |")?.0)))
        .collect();
    let different: Vec<_> = listed.symmetric_difference(&shown).collect();
    assert!(different.is_empty(), "only listed or only exposed: {different:?}");
}

/// A cluster of two in which everything has happened that a metric waits for.
fn cluster() -> ClusterSnapshot {
    let address = Address::new([127, 0, 0, 1], 1);
    let (own, peer) = (NodeName::new("a").unwrap(), NodeName::new("b").unwrap());
    let member = |name: &NodeName| Member {
        name: name.clone(),
        address,
        meta: Default::default(),
        suspect: false,
    };
    let mut counters = Counters::default();
    counters.peers.entry(peer.clone()).or_default().pings.observe(Duration::from_millis(1));
    counters.dropped.insert("garbage", 1);
    let report = Report {
        status: Status {
            name: own.clone(),
            address,
            settling: None,
            position: 0,
            members: vec![member(&own), member(&peer)],
            refused: None,
            expected: 1,
            missing: Vec::new(),
            failed_peers: 0,
            messages_queued: 0,
            health_score: 0,
        },
        counters,
        transport: TransportCounters::default(),
        commands_dropped: 0,
        events_dropped: 0,
    };
    let peers = vec![PeerView { name: "b".into(), clock_ahead: Some(1.0) }];
    ClusterSnapshot { report, peers, drifted: Vec::new() }
}
