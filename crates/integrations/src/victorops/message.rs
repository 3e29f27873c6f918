//! The event: a flat map of texts, sorted by name.
//!
//! In: a team's texts. Out: JSON with a line feed at its end.

use std::collections::BTreeMap;

use super::VictorOps;
use crate::writer::{Limit, Writer};
use bellwether_encoding::json::Object;

pub fn event(team: &VictorOps, writer: &mut Writer<'_>) -> String {
    let limit = Limit::Chars(STATE_MESSAGE_CHARS_MAX);
    let mut fields = BTreeMap::from([
        ("message_type", message_type(team, writer)),
        ("entity_id", writer.group_hash()),
        ("entity_display_name", writer.line(&team.entity_display_name)),
        ("state_message", writer.prose_within(&team.state_message, limit)),
        ("monitoring_tool", writer.term(&team.monitoring_tool, "Alertmanager")),
    ]);
    for (name, text) in &team.custom_fields {
        fields.insert(name, writer.line(text));
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

fn message_type(team: &VictorOps, writer: &mut Writer<'_>) -> String {
    if !writer.is_firing() {
        return "RECOVERY".to_owned();
    }
    let configured = writer.term(&team.message_type, CRITICAL);
    let known = ["INFO", "WARNING", CRITICAL].contains(&configured.as_str());
    if known { configured } else { CRITICAL.to_owned() }
}

const CRITICAL: &str = "CRITICAL";

/// Limit: of the longest text.
const STATE_MESSAGE_CHARS_MAX: usize = 20_480;
