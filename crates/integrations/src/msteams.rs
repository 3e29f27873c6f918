//! Microsoft Teams through an Office 365 connector: a legacy message card.
//!
//! Microsoft retires these connectors; [`crate::msteamsv2`] posts to workflows instead.

pub mod config;

use self::config::Config;
use crate::exchange::{BuildError, Exchange, Integration, OneRequest};
use crate::http::Request;
use crate::outcome::{BeginError, check_response, delivered};
use crate::renderer::{Limit, Renderer};
use crate::secret::SecretSource;
use crate::templates::{Templates, TextTemplate};
use bellwether_encoding::json::{Object, escaped_len};

/// One configured connector.
#[derive(Debug)]
pub struct MsTeams {
    url: SecretSource,
    title: TextTemplate,
    summary: TextTemplate,
    text: TextTemplate,
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
    fn begin(&self, renderer: &mut Renderer<'_>) -> Result<Box<dyn Exchange>, BeginError> {
        let url = renderer.secret(&self.url)?;
        let title = HEADING_MAX.cut(&renderer.line(&self.title));
        let summary = HEADING_MAX.cut(&renderer.line(&self.summary));
        let text = renderer.prose_within(&self.text, text_max(&[&title, &summary]));
        let mut body = String::new();
        let mut card = Object::begin(&mut body);
        card.string("@context", "http://schema.org/extensions");
        // Compat: the card's specification calls it `@type`.
        card.string("type", "MessageCard");
        card.string("title", &title);
        card.string("summary", &summary);
        card.string("text", &text);
        card.string("themeColor", if renderer.is_firing() { "8C1A1A" } else { "2DC72D" });
        card.end();
        body.push('\n');
        Ok(OneRequest::exchange(Request::post_json(url, body), |answer| {
            check_response("msteams", answer).map_or_else(|outcome| outcome, |_| delivered())
        }))
    }
}

/// What the text of a message may take in addition to its headings.
pub(crate) fn text_max(headings: &[&str]) -> Limit {
    let taken: usize = headings.iter().flat_map(|text| text.chars()).map(escaped_len).sum();
    Limit::Json(TEXTS_BYTES_MAX - taken)
}

/// Limit: of all texts of a message together, in JSON; the rest of a card is less than 500 bytes.
///
/// Teams takes 28 KB, and counts what it has made of a request, which is up to a third more:
/// <https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook>,
/// <https://github.com/MicrosoftDocs/msteams-docs/issues/11274>.
const TEXTS_BYTES_MAX: usize = 19_500;

/// Limit: of a title, and of a summary, so that most of the message is left to its text.
pub(crate) const HEADING_MAX: Limit = Limit::Json(4_000);

#[cfg(test)]
mod tests;
