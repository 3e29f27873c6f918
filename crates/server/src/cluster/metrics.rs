//! The metrics of the cluster, under the Go Alertmanager's names where it has them.
//!
//! In: one report of the mesh, and the engine's view of its peers. Out: metrics.

use std::collections::BTreeMap;

use bellwether_engine::PeerView;
use bellwether_memberlist::cluster::{self, JoinFailure, OversizeCounters, Volume};
use bellwether_mesh::{Report, TransportCounters};

use crate::metrics::{Counter, Exposition, Gauge, Labelled, Observed};

/// Adds all metrics of the cluster; `drifted` are the peers with a different configuration.
///
/// Long because: it is a table.
pub fn add(report: &Report, peers: &[PeerView], drifted: &[String], out: &mut Exposition) {
    let Report { status, counters, transport, commands_dropped, events_dropped } = report;
    let gauge = |name, help, value: usize, out: &mut Exposition| {
        let gauge = Gauge::default();
        gauge.set(value as f64);
        out.add(name, help, &gauge);
    };
    let count = |name, help, value: u64, out: &mut Exposition| {
        let counter = Counter::default();
        counter.add(value);
        out.add(name, help, &counter);
    };
    let help = "Number indicating current number of members in cluster.";
    gauge("alertmanager_cluster_members", help, status.members.len(), out);
    let help = "Position the Alertmanager instance believes it's in. The position determines a peer's behavior in the cluster.";
    gauge("alertmanager_peer_position", help, status.position, out);
    let help =
        "Health score of the cluster. Lower values are better and zero means 'totally healthy'.";
    gauge("alertmanager_cluster_health_score", help, status.health_score as usize, out);
    let help = "Number indicating the current number of failed peers in the cluster.";
    gauge("alertmanager_cluster_failed_peers", help, status.failed_peers, out);
    let help = "Number of cluster messages which are queued.";
    gauge("alertmanager_cluster_messages_queued", help, status.messages_queued, out);
    let help = "Total number of cluster messages pruned.";
    count("alertmanager_cluster_messages_pruned_total", help, counters.messages_pruned, out);
    let help = "A counter of the number of peers that have joined.";
    count("alertmanager_cluster_peers_joined_total", help, counters.peers_joined, out);
    let help = "A counter of the number of peers that have left.";
    count("alertmanager_cluster_peers_left_total", help, counters.peers_left, out);
    let help = "A counter of the number of peers that have updated metadata.";
    count("alertmanager_cluster_peers_update_total", help, counters.peers_updated, out);
    let help = "A counter of the number of cluster peer reconnections.";
    count("alertmanager_cluster_reconnections_total", help, counters.reconnections, out);
    let help = "A counter of the number of failed cluster peer reconnection attempts.";
    let failed = counters.reconnections_failed;
    count("alertmanager_cluster_reconnections_failed_total", help, failed, out);
    let help = "A counter of the number of cluster peer joined via refresh.";
    count("alertmanager_cluster_refresh_join_total", help, counters.refresh_joins, out);
    let help = "A counter of the number of failed cluster peer joined attempts via refresh.";
    let failed = counters.refresh_joins_failed;
    count("alertmanager_cluster_refresh_join_failed_total", help, failed, out);
    let help = "Configured peers that are not members, and failed members.";
    gauge("alertmanager_cluster_peers_missing", help, status.missing.len(), out);
    let help = "Configured peers whose names do not resolve.";
    let unresolved = status.missing.iter().filter(|peer| peer.address.is_none()).count();
    gauge("alertmanager_cluster_peer_names_unresolved", help, unresolved, out);
    let failures = Labelled::new(&["reason"], Counter::default);
    for reason in JoinFailure::ALL {
        let count = counters.joins_failed.get(&reason).copied().unwrap_or(0);
        failures.with(&[reason.reason()]).add(count);
    }
    let help = "Failed attempts to join a peer, by reason.";
    out.add_labelled("alertmanager_cluster_join_failures_total", help, &failures);
    let help = "Connections from peers whose TLS handshake failed.";
    let failed = counters.handshakes_failed;
    count("alertmanager_cluster_handshakes_failed_total", help, failed, out);
    let help = "Messages about nodes that were not taken as members since there are too many.";
    count("alertmanager_cluster_members_refused_total", help, counters.members_refused, out);
    let help = "Total number of times memberlist has noticed conflicting peer names";
    let conflicts = counters.name_conflicts;
    count("alertmanager_cluster_peer_name_conflicts_total", help, conflicts, out);
    let help = "Push-pulls refused because the other node belongs to a different cluster.";
    count("alertmanager_cluster_foreign_refused_total", help, counters.foreign_refused, out);
    let help = "Messages to peers dropped because the cluster's queue was full.";
    count("alertmanager_cluster_commands_dropped_total", help, *commands_dropped, out);
    let help = "Cluster events dropped because the server queue was full.";
    count("alertmanager_cluster_events_dropped_total", help, *events_dropped, out);
    add_traffic(&counters.received, &RECEIVED, out);
    add_traffic(&counters.sent, &SENT, out);
    add_peers(report, peers, drifted, out);
    add_keys(counters, out);
    let dropped = Labelled::new(&["reason"], Counter::default);
    for (reason, count) in &counters.dropped {
        dropped.with(&[reason]).add(*count);
    }
    let help = "Network messages dropped, by reason.";
    out.add_labelled("alertmanager_cluster_input_dropped_total", help, &dropped);
    add_transport(transport, out);
}

/// Compat: upstream counts these only with TLS, hence their names.
fn add_transport(transport: &TransportCounters, out: &mut Exposition) {
    let kinds = [("packet", &transport.packets), ("stream", &transport.streams)];
    let reads = Labelled::new(&["connection_type"], Counter::default);
    let writes = Labelled::new(&["connection_type"], Counter::default);
    for (kind, traffic) in kinds {
        reads.with(&[kind]).add(traffic.read_errors);
        writes.with(&[kind]).add(traffic.write_errors);
    }
    let help = "The number of errors encountered while reading from incoming connections.";
    out.add_labelled("alertmanager_tls_transport_read_errors_total", help, &reads);
    let help = "The number of errors encountered while writing to outgoing connections.";
    out.add_labelled("alertmanager_tls_transport_write_errors_total", help, &writes);
    for (name, help, value) in [
        (
            "alertmanager_tls_transport_packet_bytes_sent_total",
            "The number of packet bytes sent to outgoing connections (excluding internal metadata).",
            transport.packet_bytes_sent,
        ),
        (
            "alertmanager_tls_transport_packet_bytes_received_total",
            "The number of packet bytes received from incoming connections (excluding internal metadata).",
            transport.packet_bytes_received,
        ),
        (
            "alertmanager_tls_transport_stream_connections_sent_total",
            "The number of stream connections sent.",
            transport.streams.sent,
        ),
        (
            "alertmanager_tls_transport_stream_connections_received_total",
            "The number of stream connections received.",
            transport.streams.received,
        ),
        (
            "alertmanager_cluster_packets_lost_total",
            "Datagrams that could not be sent, or were dropped on arrival.",
            transport.packets_lost,
        ),
        (
            "alertmanager_cluster_connections_refused_total",
            "Inbound connections refused because too many were open.",
            transport.connections_refused,
        ),
    ] {
        let counter = Counter::default();
        counter.add(value);
        out.add(name, help, &counter);
    }
}

struct TrafficNames {
    messages: &'static str,
    messages_help: &'static str,
    bytes: &'static str,
    bytes_help: &'static str,
}

const RECEIVED: TrafficNames = TrafficNames {
    messages: "alertmanager_cluster_messages_received_total",
    messages_help: "Total number of cluster messages received.",
    bytes: "alertmanager_cluster_messages_received_size_total",
    bytes_help: "Total size of cluster messages received.",
};
const SENT: TrafficNames = TrafficNames {
    messages: "alertmanager_cluster_messages_sent_total",
    messages_help: "Total number of cluster messages sent.",
    bytes: "alertmanager_cluster_messages_sent_size_total",
    bytes_help: "Total size of cluster messages sent.",
};

fn add_traffic(traffic: &cluster::Traffic, names: &TrafficNames, out: &mut Exposition) {
    let messages = Labelled::new(&["msg_type"], Counter::default);
    let bytes = Labelled::new(&["msg_type"], Counter::default);
    for (kind, Volume { messages: count, bytes: size }) in
        [("full_state", traffic.full_state), ("update", traffic.update)]
    {
        messages.with(&[kind]).add(count);
        bytes.with(&[kind]).add(size);
    }
    out.add_labelled(names.messages, names.messages_help, &messages);
    out.add_labelled(names.bytes, names.bytes_help, &bytes);
}

fn add_peers(report: &Report, peers: &[PeerView], drifted: &[String], out: &mut Exposition) {
    let info = Labelled::new(&["peer"], Gauge::default);
    let drift = Labelled::new(&["peer"], Gauge::default);
    for member in &report.status.members {
        info.with(&[member.name.as_str()]).set(1.0);
        if member.name != report.status.name {
            let differs = drifted.iter().any(|peer| peer == member.name.as_str());
            drift.with(&[member.name.as_str()]).set(f64::from(u8::from(differs)));
        }
    }
    let help = "A metric with a constant '1' value labeled by peer name.";
    out.add_labelled("alertmanager_cluster_peer_info", help, &info);
    let help = "Whether a peer runs a configuration with different group keys.";
    out.add_labelled("alertmanager_cluster_peer_config_drift", help, &drift);
    let ahead = Labelled::new(&["peer"], Gauge::default);
    for PeerView { name, clock_ahead } in peers {
        if let Some(seconds) = clock_ahead {
            ahead.with(&[name]).set(*seconds);
        }
    }
    let help = "Seconds by which a peer's wall clock is ahead of this server's.";
    out.add_labelled("alertmanager_cluster_peer_clock_ahead_seconds", help, &ahead);
    let alive = Labelled::new(&["peer"], Counter::default);
    let mut pings = Vec::new();
    for (peer, counters) in &report.counters.peers {
        alive.with(&[peer.as_str()]).add(counters.alive_messages);
        if counters.pings.count() > 0 {
            pings.push((peer.to_string(), observed(&counters.pings)));
        }
    }
    let help = "Total number of received alive messages.";
    out.add_labelled("alertmanager_cluster_alive_messages_total", help, &alive);
    let help = "Histogram of latencies for ping messages.";
    out.add_observed("alertmanager_cluster_pings_seconds", help, "peer", &pings);
}

fn add_keys(counters: &cluster::Counters, out: &mut Exposition) {
    let sent = Labelled::new(&["key"], Counter::default);
    let failed = Labelled::new(&["key"], Counter::default);
    let dropped = Labelled::new(&["key"], Counter::default);
    let mut durations = Vec::new();
    for key in ["nfl", "sil"] {
        let none = OversizeCounters::default();
        let counters = counters.oversize.get(key).unwrap_or(&none);
        sent.with(&[key]).add(counters.sent);
        failed.with(&[key]).add(counters.failed);
        dropped.with(&[key]).add(counters.dropped);
        durations.push((key.to_owned(), observed(&counters.duration)));
    }
    let help = "Number of oversized gossip message sent.";
    out.add_labelled("alertmanager_oversized_gossip_message_sent_total", help, &sent);
    let help = "Number of oversized gossip message sends that failed.";
    out.add_labelled("alertmanager_oversized_gossip_message_failure_total", help, &failed);
    let help = "Number of oversized gossip messages that were dropped due to a full message queue.";
    out.add_labelled("alertmanager_oversized_gossip_message_dropped_total", help, &dropped);
    let help = "Duration of oversized gossip message requests.";
    let name = "alertmanager_oversize_gossip_message_duration_seconds";
    out.add_observed(name, help, "key", &durations);
    add_forwarded(&counters.forwarded, out);
}

/// Compat: these two are exposed without a cluster too.
pub fn add_forwarded(forwarded: &BTreeMap<String, u64>, out: &mut Exposition) {
    let help = "Number of received gossip messages that have been further gossiped.";
    for (name, key) in [
        ("alertmanager_nflog_gossip_messages_propagated_total", "nfl"),
        ("alertmanager_silences_gossip_messages_propagated_total", "sil"),
    ] {
        let counter = Counter::default();
        counter.add(forwarded.get(key).copied().unwrap_or(0));
        out.add(name, help, &counter);
    }
}

fn observed(histogram: &cluster::Histogram) -> Observed {
    let mut below = 0;
    let counts = histogram.counts.iter().map(|count| {
        below += count;
        below
    });
    let bounds = histogram.bounds.iter().copied().chain([f64::INFINITY]);
    Observed { cumulative: bounds.zip(counts).collect(), sum: histogram.sum_seconds }
}
