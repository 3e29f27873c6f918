//! The webhook's body.
//!
//! In: a notification and the configured limit of alerts. Out: JSON with a line feed at its end.

use bellwether_model::Notification;

use crate::data::Data;
use crate::json::Object;

/// The body for one notification; of its alerts at most `max_alerts` are told, 0 meaning all.
pub fn render(notification: &Notification, max_alerts: u64, external_url: &str) -> String {
    let all = &notification.alerts;
    let told = match usize::try_from(max_alerts) {
        Ok(max) if max > 0 => &all[..all.len().min(max)],
        _ => all,
    };
    let mut body = String::with_capacity(ENVELOPE_BYTES + told.len() * ALERT_BYTES);
    let mut object = Object::begin(&mut body);
    Data::new(notification, told, external_url).write(&mut object);
    object.string("version", FORMAT_VERSION);
    object.string("groupKey", notification.group_key.as_str());
    object.number("truncatedAlerts", (all.len() - told.len()) as u64);
    object.end();
    body.push('\n');
    body
}

const FORMAT_VERSION: &str = "4";

// Typical sizes: enough to make growing the body an exception.
const ENVELOPE_BYTES: usize = 1024;
const ALERT_BYTES: usize = 768;
