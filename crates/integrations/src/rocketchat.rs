//! Rocket.Chat: a message with one attachment, posted with a user's id and token.
//!
//! The keys inside `fields` and `actions` are run together in lower case (`imageurl`, `iswebview`): an
//! accident of the format that files depend on.

pub mod config;
mod message;

use bellwether_model::{FailureReason, Outcome, Secret};
use serde_json::Value;

use self::config::{Action, Config, Field};
use crate::channel::ChannelPost;
use crate::exchange::{BuildError, Exchange, Integration};
use crate::http::{Request, RequestError, Response};
use crate::outcome::{BeginError, body_excerpt, check_response, delivered};
use crate::renderer::Renderer;
use crate::secret::SecretSource;
use crate::templates::{Templates, TextTemplate};

/// One configured channel.
#[derive(Debug)]
pub struct RocketChat {
    url: Secret,
    user: SecretSource,
    token: SecretSource,
    channel: TextTemplate,
    color: TextTemplate,
    title: TextTemplate,
    title_link: TextTemplate,
    text: TextTemplate,
    message_text: TextTemplate,
    emoji: TextTemplate,
    icon_url: TextTemplate,
    image_url: TextTemplate,
    thumb_url: TextTemplate,
    fields: Vec<FieldTexts>,
    actions: Vec<ActionTexts>,
}

#[derive(Debug)]
struct FieldTexts {
    title: TextTemplate,
    value: TextTemplate,
    short: bool,
}

#[derive(Debug)]
struct ActionTexts {
    text: TextTemplate,
    url: TextTemplate,
    msg: TextTemplate,
}

impl RocketChat {
    /// # Errors
    /// None; the result is what all integrations have in common.
    pub fn build(config: &Config, templates: &mut Templates) -> Result<Self, BuildError> {
        let Config {
            send_resolved: _,
            http_config: _,
            api_url,
            token_id,
            token_id_file,
            token,
            token_file,
            channel,
            color,
            title,
            title_link,
            text,
            message_text,
            fields,
            short_fields,
            emoji,
            icon_url,
            image_url,
            thumb_url,
            // Compat: check_response, and never sent.
            link_names: _,
            actions,
        } = config;
        let secret = |given: &Option<Secret>, file: &str| match file {
            "" => SecretSource::Given(given.clone().unwrap_or_default()),
            file => SecretSource::File(file.to_owned()),
        };
        let field = |field: &Field, templates: &mut Templates| FieldTexts {
            title: templates.text("fields", &field.title),
            value: templates.text("fields", &field.value),
            short: field.short.unwrap_or(*short_fields),
        };
        let action = |action: &Action, templates: &mut Templates| ActionTexts {
            text: templates.text("actions", &action.text),
            url: templates.text("actions", &action.url),
            msg: templates.text("actions", &action.msg),
        };
        Ok(RocketChat {
            url: Secret::new(format!("{}/api/v1/chat.postMessage", api_url.trim_end_matches('/'))),
            user: secret(token_id, token_id_file),
            token: secret(token, token_file),
            channel: templates.text("channel", channel),
            color: templates.text("color", color),
            title: templates.text("title", title),
            title_link: templates.text("title_link", title_link),
            text: templates.text("text", text),
            message_text: templates.text("message_text", message_text),
            emoji: templates.text("emoji", emoji),
            icon_url: templates.text("icon_url", icon_url),
            image_url: templates.text("image_url", image_url),
            thumb_url: templates.text("thumb_url", thumb_url),
            fields: fields.iter().map(|it| field(it, templates)).collect(),
            actions: actions.iter().map(|it| action(it, templates)).collect(),
        })
    }
}

impl Integration for RocketChat {
    fn begin(&self, renderer: &mut Renderer<'_>) -> Result<Box<dyn Exchange>, BeginError> {
        let (user, token) = (renderer.secret(&self.user)?, renderer.secret(&self.token)?);
        let channel = renderer.required(&self.channel)?;
        let body = message::json(self, &channel, renderer);
        let request = Request::post_json(self.url.clone(), body)
            .header("X-Auth-Token", token.reveal())
            .header("X-User-Id", user.reveal());
        Ok(ChannelPost::exchange(request, channel, judge))
    }
}

/// Rocket.Chat may answer 200 and say inside that nothing was done.
fn judge(answer: Result<Response, RequestError>) -> Outcome {
    let response = match check_response("rocketchat", answer) {
        Ok(response) => response,
        Err(outcome) => return outcome,
    };
    let reason = FailureReason::ClientError;
    match serde_json::from_slice::<Value>(&response.body) {
        Err(error) => {
            let body = body_excerpt(&response.body);
            let detail = format!("could not unmarshal JSON response {body:?}: {error}");
            Outcome::Retry { after: None, reason, detail }
        }
        Ok(body) if body["success"] == true => delivered(),
        Ok(body) => {
            let said = body["error"].as_str().unwrap_or_default();
            Outcome::Refused { reason, detail: format!("error response from Rocketchat: {said}") }
        }
    }
}

#[cfg(test)]
mod tests;
