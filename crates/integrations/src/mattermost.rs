//! Mattermost: a message posted to an incoming webhook, in the attachment format that it shares with Slack.
//!
//! If attachments are listed they are sent as they are; otherwise one is made of the top-level fields.

pub mod config;
mod message;

use self::config::{Attachment, Config, Field, Priority};
use crate::channel::ChannelPost;
use crate::exchange::{BuildError, Exchange, Integration};
use crate::http::Request;
use crate::outcome::{BeginError, check_response, delivered};
use crate::renderer::Renderer;
use crate::secret::SecretSource;
use crate::templates::{Templates, TextTemplate};

/// One configured channel.
#[derive(Debug)]
pub struct Mattermost {
    url: SecretSource,
    channel: TextTemplate,
    username: TextTemplate,
    icon_url: TextTemplate,
    icon_emoji: TextTemplate,
    kind: TextTemplate,
    /// The message itself, where attachments are listed; else it is the text of `attachments`.
    text: Option<TextTemplate>,
    attachments: Vec<AttachmentTexts>,
    card: Option<TextTemplate>,
    priority: Option<PriorityTexts>,
}

#[derive(Debug)]
struct AttachmentTexts {
    fallback: TextTemplate,
    color: TextTemplate,
    pretext: TextTemplate,
    text: TextTemplate,
    author_name: TextTemplate,
    author_link: TextTemplate,
    author_icon: TextTemplate,
    title: TextTemplate,
    title_link: TextTemplate,
    fields: Vec<FieldTexts>,
    thumb_url: TextTemplate,
    footer: TextTemplate,
    footer_icon: TextTemplate,
    image_url: TextTemplate,
}

#[derive(Debug)]
struct FieldTexts {
    title: TextTemplate,
    value: TextTemplate,
    short: Option<bool>,
}

#[derive(Debug)]
struct PriorityTexts {
    priority: TextTemplate,
    requested_ack: bool,
    persistent_notifications: bool,
}

impl Mattermost {
    /// # Errors
    /// None; the result is what all integrations have in common.
    ///
    /// Long because: a Mattermost message has that many fields.
    pub fn build(config: &Config, templates: &mut Templates) -> Result<Self, BuildError> {
        let Config {
            send_resolved: _,
            http_config: _,
            webhook_url,
            webhook_url_file,
            channel,
            username,
            text,
            fallback,
            color,
            pretext,
            author_name,
            author_link,
            author_icon,
            title,
            title_link,
            fields,
            thumb_url,
            footer,
            footer_icon,
            image_url,
            icon_url,
            icon_emoji,
            attachments,
            kind,
            props,
            priority,
        } = config;
        let listed: Vec<AttachmentTexts> =
            attachments.iter().map(|it| attachment_texts(it, templates)).collect();
        let of_top_level = Attachment {
            fallback: fallback.clone(),
            color: color.clone(),
            pretext: pretext.clone(),
            text: text.clone(),
            author_name: author_name.clone(),
            author_link: author_link.clone(),
            author_icon: author_icon.clone(),
            title: title.clone(),
            title_link: title_link.clone(),
            fields: fields.clone(),
            thumb_url: thumb_url.clone(),
            footer: footer.clone(),
            footer_icon: footer_icon.clone(),
            image_url: image_url.clone(),
        };
        let card = props.as_ref().map(|props| props.card.as_str()).filter(|it| !it.is_empty());
        let priority = priority.as_ref().filter(|it| !it.priority.is_empty());
        Ok(Mattermost {
            url: SecretSource::new(webhook_url, webhook_url_file),
            channel: templates.text("channel", channel),
            username: templates.text("username", username),
            icon_url: templates.text("icon_url", icon_url),
            icon_emoji: templates.text("icon_emoji", icon_emoji),
            kind: templates.text("type", kind),
            text: (!listed.is_empty()).then(|| templates.text("text", text)),
            attachments: match listed.is_empty() {
                true => vec![attachment_texts(&of_top_level, templates)],
                false => listed,
            },
            card: card.map(|card| templates.text("props.card", card)),
            priority: priority.map(|it| priority_texts(it, templates)),
        })
    }
}

impl Integration for Mattermost {
    fn begin(&self, renderer: &mut Renderer<'_>) -> Result<Box<dyn Exchange>, BeginError> {
        let url = renderer.secret(&self.url)?;
        if url.is_empty() {
            return Err(BeginError::refused("webhook url missing"));
        }
        let channel = renderer.required(&self.channel)?;
        let body = message::json(self, &channel, renderer);
        Ok(ChannelPost::exchange(Request::post_json(url, body), channel, |answer| {
            check_response("mattermost", answer).map_or_else(|outcome| outcome, |_| delivered())
        }))
    }
}

fn attachment_texts(it: &Attachment, templates: &mut Templates) -> AttachmentTexts {
    let Attachment {
        fallback,
        color,
        pretext,
        text,
        author_name,
        author_link,
        author_icon,
        title,
        title_link,
        fields,
        thumb_url,
        footer,
        footer_icon,
        image_url,
    } = it;
    AttachmentTexts {
        fallback: templates.text("fallback", fallback),
        color: templates.text("color", color),
        pretext: templates.text("pretext", pretext),
        text: templates.text("text", text),
        author_name: templates.text("author_name", author_name),
        author_link: templates.text("author_link", author_link),
        author_icon: templates.text("author_icon", author_icon),
        title: templates.text("title", title),
        title_link: templates.text("title_link", title_link),
        fields: fields.iter().map(|field| field_texts(field, templates)).collect(),
        thumb_url: templates.text("thumb_url", thumb_url),
        footer: templates.text("footer", footer),
        footer_icon: templates.text("footer_icon", footer_icon),
        image_url: templates.text("image_url", image_url),
    }
}

fn field_texts(it: &Field, templates: &mut Templates) -> FieldTexts {
    let Field { title, value, short } = it;
    FieldTexts {
        title: templates.text("fields", title),
        value: templates.text("fields", value),
        short: *short,
    }
}

fn priority_texts(it: &Priority, templates: &mut Templates) -> PriorityTexts {
    let Priority { priority, requested_ack, persistent_notifications } = it;
    PriorityTexts {
        priority: templates.text("priority", priority),
        requested_ack: *requested_ack,
        persistent_notifications: *persistent_notifications,
    }
}

#[cfg(test)]
mod tests;
