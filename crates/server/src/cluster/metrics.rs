//! What the cluster counts, under the names of the Go Alertmanager's metrics.
//!
//! In: one report of the mesh, and what the engine knows of its peers. Out: metrics.

use bellwether_engine::PeerView;
use bellwether_memberlist::cluster::{self, OversizeCounters, Volume};
use bellwether_mesh::{Report, TransportCounters};

use crate::metrics::{Counter, Exposition, Gauge, Labelled, Observed};

/// Adds all metrics of the cluster; `drifted` are the peers with another configuration.
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
    gauge("alertmanager_cluster_members", "Members, this one included.", status.members.len(), out);
    let help = "This member's place among all, from 0; who is earlier notifies first.";
    gauge("alertmanager_peer_position", help, status.position, out);
    let help = "How little this member trusts its own probes; 0 is healthy.";
    gauge("alertmanager_cluster_health_score", help, status.health_score as usize, out);
    let help = "Peers that are lost and still tried.";
    gauge("alertmanager_cluster_failed_peers", help, status.failed_peers, out);
    let help = "Messages that wait to be gossiped.";
    gauge("alertmanager_cluster_messages_queued", help, status.messages_queued, out);
    let help = "Messages dropped since too many waited.";
    count("alertmanager_cluster_messages_pruned_total", help, counters.messages_pruned, out);
    let help = "Times that a peer joined, this one included.";
    count("alertmanager_cluster_peers_joined_total", help, counters.peers_joined, out);
    let help = "Times that a peer was lost or left.";
    count("alertmanager_cluster_peers_left_total", help, counters.peers_left, out);
    let help = "Times that a peer said something new about itself.";
    count("alertmanager_cluster_peers_update_total", help, counters.peers_updated, out);
    let help = "Lost peers that were reached again.";
    count("alertmanager_cluster_reconnections_total", help, counters.reconnections, out);
    let help = "Lost peers that were tried and not reached.";
    let failed = counters.reconnections_failed;
    count("alertmanager_cluster_reconnections_failed_total", help, failed, out);
    let help = "Peers joined since a name stood for a new address.";
    count("alertmanager_cluster_refresh_join_total", help, counters.refresh_joins, out);
    let help = "Peers that could not be joined though a name stood for their address.";
    let failed = counters.refresh_joins_failed;
    count("alertmanager_cluster_refresh_join_failed_total", help, failed, out);
    let help = "Times that two members claimed one name.";
    let conflicts = counters.name_conflicts;
    count("alertmanager_cluster_peer_name_conflicts_total", help, conflicts, out);
    let help = "Exchanges refused since the other side belongs to another cluster.";
    count("alertmanager_cluster_foreign_refused_total", help, counters.foreign_refused, out);
    let help = "Things to tell that the cluster's task had no room for.";
    count("alertmanager_cluster_commands_dropped_total", help, *commands_dropped, out);
    let help = "Things heard that the server had no room for.";
    count("alertmanager_cluster_events_dropped_total", help, *events_dropped, out);
    add_traffic(&counters.received, &RECEIVED, out);
    add_traffic(&counters.sent, &SENT, out);
    add_peers(report, peers, drifted, out);
    add_keys(counters, out);
    let dropped = Labelled::new(&["reason"], Counter::default);
    for (reason, count) in &counters.dropped {
        dropped.with(&[reason]).add(*count);
    }
    let help = "What came from the network and was of no use.";
    out.add_labelled("alertmanager_cluster_input_dropped_total", help, &dropped);
    add_transport(transport, out);
}

/// Compat: upstream counts these of TLS alone, hence their names.
fn add_transport(transport: &TransportCounters, out: &mut Exposition) {
    let kinds = [("packet", &transport.packets), ("stream", &transport.streams)];
    let reads = Labelled::new(&["connection_type"], Counter::default);
    let writes = Labelled::new(&["connection_type"], Counter::default);
    for (kind, traffic) in kinds {
        reads.with(&[kind]).add(traffic.read_errors);
        writes.with(&[kind]).add(traffic.write_errors);
    }
    let help = "Errors while reading from peers.";
    out.add_labelled("alertmanager_tls_transport_read_errors_total", help, &reads);
    let help = "Errors while writing to peers.";
    out.add_labelled("alertmanager_tls_transport_write_errors_total", help, &writes);
    for (name, help, value) in [
        (
            "alertmanager_tls_transport_packet_bytes_sent_total",
            "Bytes of datagrams sent to peers.",
            transport.packet_bytes_sent,
        ),
        (
            "alertmanager_tls_transport_packet_bytes_received_total",
            "Bytes of datagrams received from peers.",
            transport.packet_bytes_received,
        ),
        (
            "alertmanager_tls_transport_stream_connections_sent_total",
            "Streams opened to peers.",
            transport.streams.sent,
        ),
        (
            "alertmanager_tls_transport_stream_connections_received_total",
            "Streams opened by peers.",
            transport.streams.received,
        ),
        (
            "alertmanager_cluster_packets_lost_total",
            "Datagrams that could not be sent.",
            transport.packets_lost,
        ),
        (
            "alertmanager_cluster_connections_refused_total",
            "Connections of peers that were refused since too many were open.",
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
    messages_help: "Messages received from peers.",
    bytes: "alertmanager_cluster_messages_received_size_total",
    bytes_help: "Bytes of messages received from peers.",
};
const SENT: TrafficNames = TrafficNames {
    messages: "alertmanager_cluster_messages_sent_total",
    messages_help: "Messages sent to peers.",
    bytes: "alertmanager_cluster_messages_sent_size_total",
    bytes_help: "Bytes of messages sent to peers.",
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
    out.add_labelled("alertmanager_cluster_peer_info", "The members; always 1.", &info);
    let help = "Whether a peer's configuration gives other group keys.";
    out.add_labelled("alertmanager_cluster_peer_config_drift", help, &drift);
    let ahead = Labelled::new(&["peer"], Gauge::default);
    for PeerView { name, clock_ahead } in peers {
        if let Some(seconds) = clock_ahead {
            ahead.with(&[name]).set(*seconds);
        }
    }
    let help = "How far a peer's wall clock is ahead of this one's.";
    out.add_labelled("alertmanager_cluster_peer_clock_ahead_seconds", help, &ahead);
    let alive = Labelled::new(&["peer"], Counter::default);
    let mut pings = Vec::new();
    for (peer, counters) in &report.counters.peers {
        alive.with(&[peer.as_str()]).add(counters.alive_messages);
        if counters.pings.count() > 0 {
            pings.push((peer.to_string(), observed(&counters.pings)));
        }
    }
    let help = "Times that somebody said that a peer is alive.";
    out.add_labelled("alertmanager_cluster_alive_messages_total", help, &alive);
    let help = "How long peers took to answer probes.";
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
    let help = "Large messages sent by streams, once for each peer.";
    out.add_labelled("alertmanager_oversized_gossip_message_sent_total", help, &sent);
    let help = "Large messages that did not reach a peer.";
    out.add_labelled("alertmanager_oversized_gossip_message_failure_total", help, &failed);
    let help = "Large messages dropped since too many waited.";
    out.add_labelled("alertmanager_oversized_gossip_message_dropped_total", help, &dropped);
    let help = "How long it took to send a large message to a peer.";
    let name = "alertmanager_oversize_gossip_message_duration_seconds";
    out.add_observed(name, help, "key", &durations);
    for (name, key, help) in [
        ("alertmanager_nflog_gossip_messages_propagated_total", "nfl", "Log entries passed on."),
        ("alertmanager_silences_gossip_messages_propagated_total", "sil", "Silences passed on."),
    ] {
        let counter = Counter::default();
        counter.add(counters.forwarded.get(key).copied().unwrap_or(0));
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
