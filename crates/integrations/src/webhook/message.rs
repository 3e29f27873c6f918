//! The webhook's body.
//!
//! In: the facts about the alerts, or the operator's own payload. Out: JSON with a line feed at its end.

use crate::any_value::AnyValue;
use crate::renderer::Renderer;
use bellwether_encoding::json::Object;

/// The published form; `left_out` counts the alerts that are left out.
pub fn standard(renderer: &Renderer<'_>, left_out: u64) -> String {
    let data = renderer.data();
    let mut body = String::with_capacity(ENVELOPE_BYTES + data.alerts.len() * ALERT_BYTES);
    let mut object = Object::begin(&mut body);
    data.write(&mut object);
    object.string("version", FORMAT_VERSION);
    object.string("groupKey", renderer.notification().group_key.as_str());
    object.number("truncatedAlerts", left_out);
    object.end();
    body.push('\n');
    body
}

/// The operator's own form.
pub fn custom(payload: &AnyValue) -> String {
    let mut body = String::new();
    payload.push_json(&mut body);
    body.push('\n');
    body
}

const FORMAT_VERSION: &str = "4";

// Typical sizes: enough to make growing the body an exception.
const ENVELOPE_BYTES: usize = 1024;
const ALERT_BYTES: usize = 768;
