//! Microsoft Teams through a Power Automate workflow: a message with one adaptive card.
//!
//! Of a receiver's own `http_config` that names no proxy, the global proxy URL is still used: the only
//! receiver where the two are mixed.

pub mod config;
mod message;

use self::config::Config;
use crate::exchange::{BuildError, Exchange, Integration, OneRequest};
use crate::http::Request;
use crate::msteams::{HEADING_MAX, text_max};
use crate::outcome::{BeginError, check_response, delivered};
use crate::renderer::Renderer;
use crate::secret::SecretSource;
use crate::templates::{Templates, TextTemplate};

/// One configured workflow.
#[derive(Debug)]
pub struct MsTeamsV2 {
    url: SecretSource,
    title: TextTemplate,
    text: TextTemplate,
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
    fn begin(&self, renderer: &mut Renderer<'_>) -> Result<Box<dyn Exchange>, BeginError> {
        let url = renderer.secret(&self.url)?;
        let color = if renderer.is_firing() { "Attention" } else { "Good" };
        let title = HEADING_MAX.cut(&renderer.line(&self.title));
        let text = renderer.prose_within(&self.text, text_max(&[&title]));
        let body = message::json(&title, &text, color);
        Ok(OneRequest::exchange(Request::post_json(url, body), |answer| {
            check_response("msteamsv2", answer).map_or_else(|outcome| outcome, |_| delivered())
        }))
    }
}

#[cfg(test)]
mod tests;
