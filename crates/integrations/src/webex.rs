//! Webex: a Markdown message to a space, by a bot whose token is `http_config.authorization`.
//!
//! The authorization must be the receiver's own; a global one does not count.

pub mod config;

use bellwether_model::Secret;

use self::config::Config;
use crate::exchange::{BuildError, Exchange, Integration, OneRequest};
use crate::http::Request;
use crate::outcome::{BeginError, check_response, delivered};
use crate::renderer::{Limit, Renderer};
use crate::templates::{Templates, TextTemplate};
use bellwether_encoding::json::Object;

/// One configured space.
#[derive(Debug)]
pub struct Webex {
    url: Secret,
    message: TextTemplate,
    room_id: TextTemplate,
}

impl Webex {
    /// # Errors
    /// None; the result is what all integrations have in common.
    pub fn build(config: &Config, templates: &mut Templates) -> Result<Self, BuildError> {
        let Config { send_resolved: _, http_config: _, api_url, message, room_id } = config;
        Ok(Webex {
            url: Secret::new(api_url.as_str()),
            message: templates.text("message", message),
            room_id: templates.text("room_id", room_id),
        })
    }
}

impl Integration for Webex {
    fn begin(&self, renderer: &mut Renderer<'_>) -> Result<Box<dyn Exchange>, BeginError> {
        let url = self.url.clone();
        let room_id = renderer.required(&self.room_id)?;
        let mut body = String::new();
        let mut message = Object::begin(&mut body);
        message.string("markdown", &renderer.prose_within(&self.message, MESSAGE_MAX));
        message.non_empty("roomId", &room_id);
        message.end();
        body.push('\n');
        Ok(OneRequest::exchange(Request::post_json(url, body), |answer| {
            check_response("webex", answer).map_or_else(|outcome| outcome, |_| delivered())
        }))
    }
}

/// What Webex takes.
const MESSAGE_MAX: Limit = Limit::Bytes(7439);

#[cfg(test)]
mod tests;
