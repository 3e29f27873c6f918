//! Microsoft Teams through a Power Automate workflow: a message with one adaptive card.
//!
//! Of a receiver's own `http_config` that names no proxy, the global proxy URL is still used: the only
//! receiver where the two are mixed.

pub mod config;
mod message;

use self::config::Config;
use crate::exchange::{BuildError, Exchange, Halt, Integration, OneRequest, accepted, delivered};
use crate::http::Request;
use crate::msteams::{HEADING_MAX, text_max};
use crate::secret::SecretSource;
use crate::templates::{Templates, Text};
use crate::writer::Writer;

/// One configured workflow.
#[derive(Debug)]
pub struct MsTeamsV2 {
    url: SecretSource,
    title: Text,
    text: Text,
}

impl MsTeamsV2 {
    /// # Errors
    /// None; the result is what all integrations have in common.
    pub fn build(config: &Config, templates: &mut Templates) -> Result<Self, BuildError> {
        let Config { send_resolved: _, http_config: _, webhook_url, webhook_url_file, title, text } =
            config;
        Ok(MsTeamsV2 {
            url: SecretSource::new(webhook_url, webhook_url_file),
            title: templates.text("title", title),
            text: templates.text("text", text),
        })
    }
}

impl Integration for MsTeamsV2 {
    fn begin(&self, writer: &mut Writer<'_>) -> Result<Box<dyn Exchange>, Halt> {
        let url = writer.secret(&self.url)?;
        let color = if writer.is_firing() { "Attention" } else { "Good" };
        let title = HEADING_MAX.cut(&writer.line(&self.title));
        let text = writer.prose_within(&self.text, text_max(&[&title]));
        let body = message::json(&title, &text, color);
        Ok(OneRequest::exchange(Request::post_json(url, body), |answer| {
            accepted("msteamsv2", answer).map_or_else(|outcome| outcome, |_| delivered())
        }))
    }
}

#[cfg(test)]
mod tests;
