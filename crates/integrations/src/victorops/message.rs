//! The event: a flat map of texts, sorted by name.
//!
//! In: a team's texts. Out: JSON with a line feed at its end.

use std::collections::BTreeMap;

use super::VictorOps;
use crate::renderer::{Limit, Renderer};
use bellwether_encoding::json::Object;

pub fn event(team: &VictorOps, renderer: &mut Renderer<'_>) -> String {
    let limit = Limit::Chars(STATE_MESSAGE_CHARS_MAX);
    let mut fields = BTreeMap::from([
        ("message_type", message_type(team, renderer)),
        ("entity_id", renderer.group_hash()),
        ("entity_display_name", renderer.line(&team.entity_display_name)),
        ("state_message", renderer.prose_within(&team.state_message, limit)),
        ("monitoring_tool", renderer.or_default(&team.monitoring_tool, "Alertmanager")),
    ]);
    for (name, text) in &team.custom_fields {
        fields.insert(name, renderer.line(text));
    }
    let mut body = String::new();
    let mut object = Object::begin(&mut body);
    for (name, text) in &fields {
        object.string(name, text);
    }
    object.end();
    body.push('\n');
    body
}

fn message_type(team: &VictorOps, renderer: &mut Renderer<'_>) -> String {
    if !renderer.is_firing() {
        return "RECOVERY".to_owned();
    }
    let configured = renderer.or_default(&team.message_type, CRITICAL);
    let known = ["INFO", "WARNING", CRITICAL].contains(&configured.as_str());
    if known { configured } else { CRITICAL.to_owned() }
}

const CRITICAL: &str = "CRITICAL";

/// Limit: of the longest text.
const STATE_MESSAGE_CHARS_MAX: usize = 20_480;
