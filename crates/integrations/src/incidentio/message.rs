//! The body for incident.io.
//!
//! In: the facts about the alerts. Out: JSON with a line feed at its end, of at most [`BODY_BYTES_MAX`]
//! unless a single alert is larger.

use crate::renderer::Renderer;
use bellwether_encoding::json::Object;

/// `left_out` counts the alerts that are left out.
pub fn body(renderer: &Renderer<'_>, metadata: &[(String, String)], left_out: u64) -> String {
    let alerts = renderer.data().alerts.len();
    let whole = with_alerts(renderer, metadata, alerts, left_out);
    if whole.len() <= BODY_BYTES_MAX || alerts <= 1 {
        return whole;
    }
    // Compat: those that are left out here are counted too; see docs/compat.md#incidentio-count.
    with_alerts(renderer, metadata, 1, left_out + (alerts as u64 - 1))
}

fn with_alerts(
    renderer: &Renderer<'_>,
    metadata: &[(String, String)],
    count: usize,
    left_out: u64,
) -> String {
    let mut body = String::new();
    let mut object = Object::begin(&mut body);
    renderer.data().write_first(count, &mut object);
    object.string("version", FORMAT_VERSION);
    object.string("groupKey", renderer.notification().group_key.as_str());
    object.number("truncatedAlerts", left_out);
    if !metadata.is_empty() {
        let mut members = Object::begin(object.value("metadata"));
        for (name, value) in metadata {
            members.string(name, value);
        }
        members.end();
    }
    object.end();
    body.push('\n');
    body
}

const FORMAT_VERSION: &str = "1";

/// Limit: of the whole body, with its line feed.
pub const BODY_BYTES_MAX: usize = 512 * 1024;
