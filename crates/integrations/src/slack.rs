//! Slack: a message with one attachment, to an incoming webhook or by an app's token.
//!
//! With a token the app URL is used and the token travels as bearer authorization. Only a token can
//! update an earlier message, or post to its thread; where that message is, is then remembered with the
//! delivery. If Slack does not do it, a new message is posted.
//! Compat: the place is remembered under the names `threadTs` and `channelId`, which a Go
//! Alertmanager in the same cluster reads too.

pub mod config;
mod exchange;
mod message;

use std::time::Duration;

use bellwether_model::delivery::RememberedValue;
use bellwether_model::{Reason, Secret};

use self::config::{Action, Config, Confirmation, Field};
use self::exchange::{CHANNEL, Edit, Post, SlackExchange, TIMESTAMP};
use self::message::Place;
use crate::exchange::{BuildError, Exchange, Integration};
use crate::http::Request;
use crate::outcome::BeginError;
use crate::renderer::Renderer;
use crate::secret::SecretSource;
use crate::templates::{Templates, TextTemplate};

/// One configured channel.
#[derive(Debug)]
pub struct Slack {
    url: SecretSource,
    update_message: bool,
    post_updates_to_thread: bool,
    timeout: Duration,
    channel: TextTemplate,
    username: TextTemplate,
    icon_emoji: TextTemplate,
    icon_url: TextTemplate,
    link_names: bool,
    message_text: TextTemplate,
    title: TextTemplate,
    title_link: TextTemplate,
    pretext: TextTemplate,
    text: TextTemplate,
    fallback: TextTemplate,
    callback_id: TextTemplate,
    fields: Vec<FieldTexts>,
    actions: Vec<ActionTexts>,
    image_url: TextTemplate,
    thumb_url: TextTemplate,
    footer: TextTemplate,
    color: TextTemplate,
    mrkdwn_in: Vec<String>,
}

#[derive(Debug)]
struct FieldTexts {
    title: TextTemplate,
    value: TextTemplate,
    short: bool,
}

#[derive(Debug)]
struct ActionTexts {
    kind: TextTemplate,
    text: TextTemplate,
    url: TextTemplate,
    style: TextTemplate,
    name: TextTemplate,
    value: TextTemplate,
    confirm: Option<ConfirmationTexts>,
}

#[derive(Debug)]
struct ConfirmationTexts {
    text: TextTemplate,
    title: TextTemplate,
    ok_text: TextTemplate,
    dismiss_text: TextTemplate,
}

impl Slack {
    /// # Errors
    /// None; the result is what all integrations have in common.
    ///
    /// Long because: a Slack message has that many fields.
    pub fn build(config: &Config, templates: &mut Templates) -> Result<Self, BuildError> {
        let Config {
            send_resolved: _,
            http_config: _,
            api_url,
            api_url_file,
            // They are in `http_config` and `api_url` already.
            app_token: _,
            app_token_file: _,
            app_url: _,
            channel,
            username,
            color,
            title,
            title_link,
            pretext,
            text,
            message_text,
            fields,
            short_fields,
            footer,
            fallback,
            callback_id,
            icon_emoji,
            icon_url,
            image_url,
            thumb_url,
            link_names,
            mrkdwn_in,
            actions,
            update_message,
            post_updates_to_thread,
            timeout,
        } = config;
        let field = |it: &Field, templates: &mut Templates| FieldTexts {
            title: templates.text("fields", &it.title),
            value: templates.text("fields", &it.value),
            short: it.short.unwrap_or(*short_fields),
        };
        let default_marks = || ["fallback", "pretext", "text"].map(str::to_owned).to_vec();
        Ok(Slack {
            url: SecretSource::new(api_url, api_url_file),
            update_message: *update_message,
            post_updates_to_thread: *post_updates_to_thread,
            timeout: *timeout,
            channel: templates.text("channel", channel),
            username: templates.text("username", username),
            icon_emoji: templates.text("icon_emoji", icon_emoji),
            icon_url: templates.text("icon_url", icon_url),
            link_names: *link_names,
            message_text: templates.text("message_text", message_text),
            title: templates.text("title", title),
            title_link: templates.text("title_link", title_link),
            pretext: templates.text("pretext", pretext),
            text: templates.text("text", text),
            fallback: templates.text("fallback", fallback),
            callback_id: templates.text("callback_id", callback_id),
            fields: fields.iter().map(|it| field(it, templates)).collect(),
            actions: actions.iter().map(|it| action_texts(it, templates)).collect(),
            image_url: templates.text("image_url", image_url),
            thumb_url: templates.text("thumb_url", thumb_url),
            footer: templates.text("footer", footer),
            color: templates.text("color", color),
            mrkdwn_in: if mrkdwn_in.is_empty() { default_marks() } else { mrkdwn_in.clone() },
        })
    }

    /// The timestamp and the channel of the message that came first.
    fn first_message(&self, renderer: &Renderer<'_>) -> Option<(String, String)> {
        let notification = renderer.notification();
        if !self.remembers() || notification.reason == Reason::FirstNotification {
            return None;
        }
        let text = |name: &str| match notification.remembered.0.get(name) {
            Some(RememberedValue::Text(text)) if !text.is_empty() => Some(text.clone()),
            _ => None,
        };
        Some((text(TIMESTAMP)?, text(CHANNEL)?))
    }

    fn remembers(&self) -> bool {
        self.update_message || self.post_updates_to_thread
    }
}

impl Integration for Slack {
    fn begin(&self, renderer: &mut Renderer<'_>) -> Result<Box<dyn Exchange>, BeginError> {
        let url = renderer.secret(&self.url)?;
        let first = self.first_message(renderer);
        // If there is an earlier message, the channel is needed only if that one fails.
        let channel = match (renderer.required(&self.channel), &first) {
            (Ok(channel), _) => channel,
            (Err(_), Some((_, channel))) => channel.clone(),
            (Err(error), None) => return Err(error),
        };
        let content = message::content(self, renderer);
        let request = |url: Secret, place: Place<'_>| {
            Request::post_json(url, message::addressed(&content, place)).timeout(self.timeout)
        };
        let mut edits = Vec::new();
        if let Some((timestamp, channel)) = first {
            let place = Place { channel: &channel, ..Place::default() };
            if self.update_message {
                let place = Place { timestamp: &timestamp, ..place };
                let request = request(Secret::new(UPDATE_URL), place);
                edits.push(Edit { request, channel: channel.clone() });
            }
            if self.post_updates_to_thread {
                let request = request(url.clone(), Place { thread: &timestamp, ..place });
                edits.push(Edit { request, channel: channel.clone() });
            }
        }
        let post = Post {
            request: request(url, Place { channel: &channel, ..Place::default() }),
            channel,
            is_remembered: self.remembers(),
        };
        let remembered = renderer.notification().remembered.clone();
        Ok(Box::new(SlackExchange::new(edits, remembered, post)))
    }
}

fn action_texts(it: &Action, templates: &mut Templates) -> ActionTexts {
    let Action { kind, text, url, style, name, value, confirm } = it;
    let confirmation = |it: &Confirmation, templates: &mut Templates| ConfirmationTexts {
        text: templates.text("actions", &it.text),
        title: templates.text("actions", &it.title),
        ok_text: templates.text("actions", &it.ok_text),
        dismiss_text: templates.text("actions", &it.dismiss_text),
    };
    ActionTexts {
        kind: templates.text("actions", kind),
        text: templates.text("actions", text),
        url: templates.text("actions", url),
        style: templates.text("actions", style),
        name: templates.text("actions", name),
        value: templates.text("actions", value),
        confirm: confirm.as_ref().map(|it| confirmation(it, templates)),
    }
}

/// Compat: the same whatever URL is configured.
const UPDATE_URL: &str = "https://slack.com/api/chat.update";

#[cfg(test)]
mod tests;
