//! The format `extended`: all columns.

use std::fmt::Write as _;

use super::columns::aligned;
use super::{Missing, Style, original, present, push_row, sorted_peers};
use crate::wire::{Alert, Cluster, Labels, Silence, Status, WireMatcher};

pub fn silences(silences: &[Silence], style: &Style<'_>) -> Result<String, Missing> {
    let mut out = String::new();
    let head = ["ID", "Matchers", "Starts At", "Ends At", "Updated At", "Created By", "Comment"];
    push_row(&mut out, &head);
    for silence in silences {
        push_row(
            &mut out,
            &[
                present(silence.id.as_deref(), "id")?,
                &shown_matchers(silence.matchers.as_deref().unwrap_or_default()),
                &style.date(silence.starts_at, "startsAt")?,
                &style.date(silence.ends_at, "endsAt")?,
                &style.date(silence.updated_at, "updatedAt")?,
                present(silence.created_by.as_deref(), "createdBy")?,
                present(silence.comment.as_deref(), "comment")?,
            ],
        );
    }
    Ok(aligned(&out))
}

/// `{a="b",c="d"}`
fn shown_matchers(matchers: &[WireMatcher]) -> String {
    let shown: Vec<String> = matchers.iter().map(WireMatcher::shown).collect();
    format!("{{{}}}", shown.join(","))
}

pub fn alerts(alerts: &[Alert], style: &Style<'_>) -> Result<String, Missing> {
    let mut out = String::new();
    let head = ["Labels", "Annotations", "Starts At", "Ends At", "Generator URL", "State"];
    push_row(&mut out, &head);
    for alert in alerts {
        let status = present(alert.status.as_ref(), "status")?;
        push_row(
            &mut out,
            &[
                &pairs(alert.labels.as_ref()),
                &pairs(alert.annotations.as_ref()),
                &style.date(alert.starts_at, "startsAt")?,
                &style.date(alert.ends_at, "endsAt")?,
                &alert.generator_url,
                present(status.state.as_deref(), "state")?,
            ],
        );
    }
    Ok(aligned(&out))
}

/// Compat: the Go program prints the addresses of these values in its memory.
pub fn config(status: &Status) -> Result<String, Missing> {
    let version = present(status.version.as_ref(), "versionInfo")?;
    let uptime = present(status.uptime.as_ref(), "uptime")?.rfc3339_millis();
    let mut out = format!("{}\n", original(status)?);
    for (name, value) in [
        ("buildUser", &version.build_user),
        ("goVersion", &version.go_version),
        ("revision", &version.revision),
        ("version", &version.version),
        ("branch", &version.branch),
        ("buildDate", &version.build_date),
        ("uptime", &Some(uptime)),
    ] {
        // Writing to a string does not fail.
        let _ = writeln!(out, "{name} {}", value.as_deref().unwrap_or("<nil>"));
    }
    Ok(out)
}

pub fn cluster(cluster: &Cluster) -> Result<String, Missing> {
    let status = present(cluster.status.as_deref(), "status")?;
    let mut out = format!("Cluster Status:\t{status}\nNode Name:\t{}\n\n", cluster.name);
    out.push_str("Address\tName\n");
    for peer in sorted_peers(cluster) {
        let address = present(peer.address.as_deref(), "address")?;
        push_row(&mut out, &[address, present(peer.name.as_deref(), "name")?]);
    }
    Ok(aligned(&out))
}

/// Sorted, and the values not escaped.
fn pairs(labels: Option<&Labels>) -> String {
    let labels = labels.into_iter().flatten();
    let mut pairs: Vec<String> =
        labels.map(|(name, value)| format!("{name}=\"{value}\"")).collect();
    pairs.sort();
    pairs.join(" ")
}
