//! The format `simple`: a line for each, with what matters most.

use super::columns::aligned;
use super::{Missing, Style, present, push_row};
use crate::wire::{Alert, Cluster, Silence};

pub fn silences(silences: &[Silence], style: &Style<'_>) -> Result<String, Missing> {
    let mut out = String::new();
    push_row(&mut out, &["ID", "Matchers", "Ends At", "Created By", "Comment"]);
    for silence in silences {
        let matchers: Vec<String> =
            silence.matchers.iter().flatten().map(|matcher| matcher.shown()).collect();
        push_row(
            &mut out,
            &[
                present(silence.id.as_deref(), "id")?,
                &matchers.join(" "),
                &style.date(silence.ends_at, "endsAt")?,
                present(silence.created_by.as_deref(), "createdBy")?,
                present(silence.comment.as_deref(), "comment")?,
            ],
        );
    }
    Ok(aligned(&out))
}

pub fn alerts(alerts: &[Alert], style: &Style<'_>) -> Result<String, Missing> {
    let mut out = String::new();
    push_row(&mut out, &["Alertname", "Starts At", "Summary", "State"]);
    for alert in alerts {
        let label = alert.labels.as_ref().and_then(|labels| labels.get("alertname"));
        let summary = alert.annotations.as_ref().and_then(|labels| labels.get("summary"));
        let status = present(alert.status.as_ref(), "status")?;
        push_row(
            &mut out,
            &[
                label.map_or("", String::as_str),
                &style.date(alert.starts_at, "startsAt")?,
                summary.map_or("", String::as_str),
                present(status.state.as_deref(), "state")?,
            ],
        );
    }
    Ok(aligned(&out))
}

pub fn cluster(cluster: &Cluster) -> Result<String, Missing> {
    let status = present(cluster.status.as_deref(), "status")?;
    Ok(aligned(&format!("Cluster Status:\t{status}\nNode Name:\t{}\n", cluster.name)))
}
