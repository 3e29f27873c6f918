//! Discord: a message with one embed, posted to a channel's webhook.
//!
//! The URL is the credential. Texts have limits of their own (title 256, description 4096, content
//! 2000 characters), which the message keeps by cutting; colours follow the status.

pub mod config;
mod message;

use self::config::Config;
use self::message::Message;
use crate::exchange::{BuildError, Exchange, Integration, OneRequest};
use crate::http::Request;
use crate::outcome::{BeginError, check_response, delivered};
use crate::renderer::{Limit, Renderer};
use crate::secret::SecretSource;
use crate::templates::{Templates, TextTemplate};
use crate::trim;

/// One configured channel.
#[derive(Debug)]
pub struct Discord {
    url: SecretSource,
    content: TextTemplate,
    title: TextTemplate,
    message: TextTemplate,
    username: String,
    avatar_url: String,
}

impl Discord {
    /// # Errors
    /// None; the result is what all integrations have in common.
    pub fn build(config: &Config, templates: &mut Templates) -> Result<Self, BuildError> {
        let Config {
            send_resolved: _,
            http_config: _,
            webhook_url,
            webhook_url_file,
            content,
            title,
            message,
            username,
            avatar_url,
        } = config;
        Ok(Discord {
            url: SecretSource::new(webhook_url, webhook_url_file),
            content: templates.text("content", content),
            title: templates.text("title", title),
            message: templates.text("message", message),
            username: username.clone(),
            avatar_url: avatar_url.clone(),
        })
    }
}

impl Integration for Discord {
    fn begin(&self, renderer: &mut Renderer<'_>) -> Result<Box<dyn Exchange>, BeginError> {
        let url = renderer.secret(&self.url)?;
        let message = Message {
            title: trim::to_chars(&renderer.line(&self.title), TITLE_CHARS_MAX).0.into_owned(),
            description: renderer.prose_within(&self.message, Limit::Chars(DESCRIPTION_CHARS_MAX)),
            content: renderer.prose_within(&self.content, Limit::Chars(CONTENT_CHARS_MAX)),
            color: if renderer.is_firing() { RED } else { GREEN },
            username: &self.username,
            avatar_url: &self.avatar_url,
        };
        let body = message.json();
        Ok(OneRequest::exchange(Request::post_json(url, body), |answer| {
            check_response("discord", answer).map_or_else(|outcome| outcome, |_| delivered())
        }))
    }
}

// https://discord.com/developers/docs/resources/message#embed-object-embed-limits
const TITLE_CHARS_MAX: usize = 256;
const DESCRIPTION_CHARS_MAX: usize = 4096;
const CONTENT_CHARS_MAX: usize = 2000;

const RED: u64 = 0x99_2d22;
const GREEN: u64 = 0x2e_cc71;

#[cfg(test)]
mod tests;
