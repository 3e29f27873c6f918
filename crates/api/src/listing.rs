//! Alerts, groups, receivers and the status as JSON.
//!
//! In: a [`View`] and a query. Out: the body of the answer, written straight from what the view
//! lends out: no tree of values in between, no copies of labels. These functions can take long, and
//! are meant to be run outside the threads that serve connections.
//!
//! Compat: the order of members is upstream's, byte for byte.

use std::sync::Arc;

use bellwether_connect::ClusterState;
use bellwether_engine::{AlertQuery, GroupQuery, ReceiverFilter, Status, View};
use bellwether_model::hex::push_hex;
use bellwether_model::{Alert, LabelSet, Timestamp};

use crate::backend::{ClusterInfo, StatusInfo};
use crate::body_writer::BodyWriter;
use bellwether_encoding::json::{Escape, push_string, push_string_map, push_strings};

pub(crate) fn alerts(view: &View, now: Timestamp, query: &AlertQuery, out: &mut BodyWriter) {
    let mut separator = '[';
    view.each_alert(now, query, |listed| {
        out.text.push(separator);
        separator = ',';
        push_alert(&mut out.text, listed.alert, listed.status, listed.receivers);
        out.send_if_full();
    });
    out.text.push_str(if separator == '[' { "[]\n" } else { "]\n" });
}

pub(crate) fn groups(view: &View, now: Timestamp, query: &GroupQuery, out: &mut BodyWriter) {
    let mut separator = '[';
    for group in view.groups(now, query) {
        out.text.push(separator);
        separator = ',';
        out.text.push_str("{\"alerts\":[");
        for (index, grouped) in group.alerts.iter().enumerate() {
            if index > 0 {
                out.text.push(',');
            }
            push_alert(&mut out.text, &grouped.alert, &grouped.status, &grouped.receivers);
            out.send_if_full();
        }
        out.text.push_str("],\"labels\":");
        push_labels(&mut out.text, &group.labels, Escape::Plain);
        out.text.push_str(",\"receiver\":{\"name\":");
        push_string(&mut out.text, &group.receiver, Escape::Plain);
        out.text.push_str("},\"routeLabels\":");
        push_labels(&mut out.text, &group.route_labels, Escape::Plain);
        // What upstream does not have: what peers and receivers know the group by.
        push_member(&mut out.text, ",\"bellwether\":{\"groupKey\":", group.key.as_str());
        push_member(&mut out.text, ",\"groupKeyHash\":", &group.key.hash());
        out.text.push_str("}}");
    }
    out.text.push_str(if separator == '[' { "[]\n" } else { "]\n" });
}

pub(crate) fn receivers(view: &View, filter: &ReceiverFilter) -> String {
    let mut out = String::from("[");
    for receiver in view.plan().receivers().iter().filter(|it| filter.fits_receiver(it)) {
        if out.len() > 1 {
            out.push(',');
        }
        out.push_str("{\"labels\":");
        push_labels(&mut out, &receiver.labels, Escape::Plain);
        out.push_str(",\"name\":");
        push_string(&mut out, &receiver.name, Escape::Plain);
        out.push('}');
    }
    out.push_str("]\n");
    out
}

pub(crate) fn status(info: &StatusInfo) -> String {
    let mut out = String::from("{\"cluster\":{");
    if !info.cluster.name.is_empty() {
        push_member(&mut out, "\"name\":", &info.cluster.name);
        out.push(',');
    }
    out.push_str("\"peers\":[");
    for (index, peer) in info.cluster.peers.iter().enumerate() {
        push_member(
            &mut out,
            if index > 0 { ",{\"address\":" } else { "{\"address\":" },
            &peer.address,
        );
        push_member(&mut out, ",\"name\":", &peer.name);
        out.push('}');
    }
    push_member(&mut out, "],\"status\":", cluster_state(info.cluster.state));
    push_member(&mut out, "},\"config\":{\"original\":", &info.config);
    out.push_str("},\"uptime\":");
    push_time(&mut out, info.started_at);
    push_member(&mut out, ",\"versionInfo\":{\"branch\":", &info.version.branch);
    push_member(&mut out, ",\"buildDate\":", &info.version.build_date);
    push_member(&mut out, ",\"buildUser\":", &info.version.build_user);
    push_member(&mut out, ",\"goVersion\":", &info.version.go_version);
    push_member(&mut out, ",\"revision\":", &info.version.revision);
    push_member(&mut out, ",\"version\":", &info.version.version);
    out.push('}');
    if info.cluster.state != ClusterState::Disabled {
        push_own_status(&mut out, &info.cluster);
    }
    out.push_str("}\n");
    out
}

/// What upstream does not have: whose configuration gives other group keys.
fn push_own_status(out: &mut String, cluster: &ClusterInfo) {
    push_member(out, ",\"bellwether\":{\"configHash\":", &cluster.config);
    out.push_str(",\"peers\":[");
    let known = cluster.peers.iter().filter_map(|peer| Some((peer, peer.config.as_ref()?)));
    for (index, (peer, config)) in known.enumerate() {
        push_member(out, if index > 0 { ",{\"configHash\":" } else { "{\"configHash\":" }, config);
        out.push_str(",\"differs\":");
        out.push_str(if *config == cluster.config { "false" } else { "true" });
        push_member(out, ",\"name\":", &peer.name);
        out.push('}');
    }
    out.push_str("]}");
}

/// Compat: within an alert everything is escaped for HTML, whatever surrounds it.
fn push_alert(out: &mut String, alert: &Alert, status: &Status, receivers: &[Arc<str>]) {
    out.push_str("{\"annotations\":");
    push_labels(out, &alert.annotations, Escape::Html);
    out.push_str(",\"endsAt\":");
    push_time(out, alert.ends_at);
    out.push_str(",\"fingerprint\":\"");
    push_hex(out, &alert.fingerprint.0.to_be_bytes());
    out.push_str("\",\"receivers\":[");
    for (index, receiver) in receivers.iter().enumerate() {
        push_member_html(out, if index > 0 { ",{\"name\":" } else { "{\"name\":" }, receiver);
        out.push('}');
    }
    out.push_str("],\"startsAt\":");
    push_time(out, alert.starts_at);
    out.push_str(",\"status\":{\"inhibitedBy\":");
    push_strings(out, status.inhibited_by.map(|by| by.to_string()), Escape::Html);
    out.push_str(",\"mutedBy\":");
    push_strings(out, &status.muted_by, Escape::Html);
    out.push_str(",\"silencedBy\":");
    push_strings(out, &status.silenced_by, Escape::Html);
    out.push_str(",\"state\":\"");
    out.push_str(if status.is_suppressed() { "suppressed" } else { "active" });
    out.push_str("\"},\"updatedAt\":");
    push_time(out, alert.updated_at);
    if !alert.generator_url.is_empty() {
        push_member_html(out, ",\"generatorURL\":", &alert.generator_url);
    }
    out.push_str(",\"labels\":");
    push_labels(out, &alert.labels, Escape::Html);
    out.push('}');
}

fn push_labels(out: &mut String, labels: &LabelSet, escape: Escape) {
    push_string_map(out, labels.iter(), escape);
}

/// Appends `before` as it is, then the text as a string.
fn push_member(out: &mut String, before: &str, text: &str) {
    out.push_str(before);
    push_string(out, text, Escape::Plain);
}

fn push_member_html(out: &mut String, before: &str, text: &str) {
    out.push_str(before);
    push_string(out, text, Escape::Html);
}

/// In the zone that the time was given in.
fn push_time(out: &mut String, at: Timestamp) {
    out.push('"');
    at.write_millis(out);
    out.push('"');
}

/// The word of the status.
fn cluster_state(state: ClusterState) -> &'static str {
    match state {
        ClusterState::Disabled => "disabled",
        ClusterState::Settling => "settling",
        ClusterState::Ready => "ready",
    }
}
