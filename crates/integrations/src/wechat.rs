//! WeChat Work: a message by an application of a company, to users, parties or tags.
//!
//! A token is fetched with the company's id and secret and used until it expires.
//! All attempts of one integration share the token; WeChat forbids to ask for one too often.

pub mod config;
mod exchange;
mod message;

use bellwether_model::Secret;

use self::config::{Config, MessageType};
use self::exchange::{SharedToken, WeChatExchange};
use crate::exchange::{BuildError, Exchange, Integration};
use crate::outcome::BeginError;
use crate::renderer::Renderer;
use crate::templates::{SecretText, Templates, TextTemplate};

/// One configured application.
#[derive(Debug)]
pub struct WeChat {
    /// Ends with a slash.
    api_url: String,
    secret: SecretText,
    corp_id: TextTemplate,
    message: TextTemplate,
    to_user: TextTemplate,
    to_party: TextTemplate,
    to_tag: TextTemplate,
    agent_id: TextTemplate,
    message_type: MessageType,
    token: SharedToken,
}

impl WeChat {
    /// # Errors
    /// None; the result is what all integrations have in common.
    pub fn build(config: &Config, templates: &mut Templates) -> Result<Self, BuildError> {
        let Config {
            send_resolved: _,
            http_config: _,
            api_secret,
            api_secret_file,
            corp_id,
            message,
            api_url,
            to_user,
            to_party,
            to_tag,
            agent_id,
            message_type,
        } = config;
        Ok(WeChat {
            api_url: api_url.clone(),
            // Compat: the file counts before the secret.
            secret: match api_secret_file.as_str() {
                "" => templates.secret("api_secret", api_secret, ""),
                file => templates.secret("api_secret", &Secret::default(), file),
            },
            corp_id: templates.text("corp_id", corp_id),
            message: templates.text("message", message),
            to_user: templates.text("to_user", to_user),
            to_party: templates.text("to_party", to_party),
            to_tag: templates.text("to_tag", to_tag),
            agent_id: templates.text("agent_id", agent_id),
            message_type: *message_type,
            token: SharedToken::default(),
        })
    }
}

impl Integration for WeChat {
    fn begin(&self, renderer: &mut Renderer<'_>) -> Result<Box<dyn Exchange>, BeginError> {
        let (secret, corp_id) = self.account(renderer).map_err(|error| match &error {
            BeginError::Template(_) => error.said("templating error").classified(),
            BeginError::File(_) | BeginError::NeedsFile(_) | BeginError::Ended(_) => error,
        })?;
        let body = message::json(self, renderer);
        Ok(Box::new(WeChatExchange::new(
            &self.api_url,
            corp_id,
            &secret,
            body,
            self.token.clone(),
            renderer.notification().now,
        )))
    }
}

impl WeChat {
    /// The secret and the company's id: what the token is asked for with.
    fn account(&self, renderer: &mut Renderer<'_>) -> Result<(Secret, String), BeginError> {
        Ok((renderer.secret_text(&self.secret)?, renderer.required(&self.corp_id)?))
    }
}

#[cfg(test)]
mod tests;
