//! Microsoft Teams through an Office 365 connector: a legacy message card.
//!
//! Microsoft retires these connectors; [`crate::msteamsv2`] speaks to workflows instead.

pub mod config;

use self::config::Config;
use crate::exchange::{BuildError, Exchange, Halt, Integration, OneRequest, accepted, delivered};
use crate::http::Request;
use crate::json::Object;
use crate::secret::SecretSource;
use crate::templates::{Templates, Text};
use crate::writer::Writer;

/// One configured connector.
#[derive(Debug)]
pub struct MsTeams {
    url: SecretSource,
    title: Text,
    summary: Text,
    text: Text,
}

impl MsTeams {
    /// # Errors
    /// None; the result is what all integrations have in common.
    pub fn build(config: &Config, templates: &mut Templates) -> Result<Self, BuildError> {
        let Config {
            send_resolved: _,
            http_config: _,
            webhook_url,
            webhook_url_file,
            title,
            summary,
            text,
        } = config;
        Ok(MsTeams {
            url: SecretSource::new(webhook_url, webhook_url_file),
            title: templates.text("title", title),
            summary: templates.text("summary", summary),
            text: templates.text("text", text),
        })
    }
}

impl Integration for MsTeams {
    fn begin(&self, writer: &mut Writer<'_>) -> Result<Box<dyn Exchange>, Halt> {
        let url = writer.secret(&self.url)?;
        let mut body = String::new();
        let mut card = Object::begin(&mut body);
        card.string("@context", "http://schema.org/extensions");
        // Compat: the card's specification calls it `@type`.
        card.string("type", "MessageCard");
        card.string("title", &writer.line(&self.title));
        card.string("summary", &writer.line(&self.summary));
        card.string("text", &writer.prose(&self.text));
        card.string("themeColor", if writer.is_firing() { "8C1A1A" } else { "2DC72D" });
        card.end();
        body.push('\n');
        Ok(OneRequest::exchange(Request::post_json(url, body), |answer| {
            accepted("msteams", answer).map_or_else(|outcome| outcome, |_| delivered())
        }))
    }
}

#[cfg(test)]
mod tests;
