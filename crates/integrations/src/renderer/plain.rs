//! What is said where a template failed: plain, complete, and honest about it.

use bellwether_encoding::html;
use bellwether_template::Error;

use super::{Renderer, is_html};
use crate::data::{AlertData, Status};
use crate::templates::TextTemplate;
use crate::trim;

impl Renderer<'_> {
    pub(super) fn plain_line(&self, text: &TextTemplate, error: &Error) -> String {
        finished(text, format!("{} [{}]", self.summary(), apology(text, error)))
    }

    pub(super) fn plain_prose(&self, text: &TextTemplate, error: &Error) -> String {
        let mut out = self.summary();
        let alerts = &self.data.alerts;
        for alert in alerts.iter().take(ALERTS_MAX) {
            out.push('\n');
            push_alert(&mut out, alert);
        }
        if alerts.len() > ALERTS_MAX {
            out.push_str(&format!("\n… and {} more", alerts.len() - ALERTS_MAX));
        }
        out.push_str(&format!("\n[{}]", apology(text, error)));
        finished(text, out)
    }

    /// `[FIRING:2, RESOLVED:1] alertname="Disk", host="a"`
    fn summary(&self) -> String {
        let count = |status| self.data.alerts.iter().filter(|alert| alert.status == status).count();
        let (firing, resolved) = (count(Status::Firing), count(Status::Resolved));
        let counts = match (firing, resolved) {
            (firing, 0) => format!("FIRING:{firing}"),
            (0, resolved) => format!("RESOLVED:{resolved}"),
            (firing, resolved) => format!("FIRING:{firing}, RESOLVED:{resolved}"),
        };
        let labels = match (self.data.group_labels, &self.data.common_labels) {
            (group, common) if group.is_empty() => common,
            (group, _) => group,
        };
        let labels = labels.to_string();
        format!("[{counts}] {}", labels.trim_start_matches('{').trim_end_matches('}'))
    }
}

fn push_alert(out: &mut String, alert: &AlertData<'_>) {
    let labels = alert.alert.labels.to_string();
    out.push_str(&format!("- {}: {labels}", alert.status.text()));
    for name in ["summary", "description"] {
        if let Some(text) = alert.alert.annotations.get(name) {
            out.push_str(&format!(" {text}"));
        }
    }
}

fn apology(text: &TextTemplate, error: &Error) -> String {
    let (reason, _) = trim::to_chars(&error.text, REASON_CHARS_MAX);
    format!("the template of {} failed: {reason}", text.field)
}

fn finished(text: &TextTemplate, plain: String) -> String {
    if is_html(text) { html::escape(&plain).replace('\n', "<br>\n") } else { plain }
}

/// Limit: how many alerts a fallback lists.
const ALERTS_MAX: usize = 20;

/// Limit: how much of an error a fallback quotes.
const REASON_CHARS_MAX: usize = 300;
