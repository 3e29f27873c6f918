//! The body of a Slack message: one attachment.

use super::{ActionTexts, Slack};
use crate::renderer::{Limit, Renderer};
use crate::trim;
use bellwether_encoding::json::{Escape, List, Object, push_string};

/// Where a message goes. What is empty is not said.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place<'a> {
    pub channel: &'a str,
    /// Of the message that is updated.
    pub timestamp: &'a str,
    /// Of the message in whose thread it is.
    pub thread: &'a str,
}

/// A message: all of it but where it goes, as a JSON object that is not empty, and where it goes.
///
/// One notification may be sent to several places: see [`super::exchange`].
pub fn addressed(content: &str, place: Place<'_>) -> String {
    let mut members = String::new();
    let mut message = Object::begin(&mut members);
    message.non_empty("channel", place.channel);
    message.non_empty("ts", place.timestamp);
    message.non_empty("thread_ts", place.thread);
    message.end();
    match members.as_str() {
        "{}" => format!("{content}\n"),
        members => format!("{},{}\n", &content[..content.len() - 1], &members[1..]),
    }
}

/// All of a message but where it goes, as a JSON object that is not empty.
pub fn content(it: &Slack, renderer: &mut Renderer<'_>) -> String {
    let mut out = String::new();
    let mut message = Object::begin(&mut out);
    message.non_empty("username", &renderer.or_default(&it.username, ""));
    message.non_empty("icon_emoji", &renderer.or_default(&it.icon_emoji, ""));
    message.non_empty("icon_url", &renderer.or_default(&it.icon_url, ""));
    if it.link_names {
        message.bool("link_names", true);
    }
    message.non_empty("text", &renderer.prose_within(&it.message_text, MESSAGE_MAX));
    let mut attachments = List::begin(message.value("attachments"));
    push_attachment(attachments.value(), it, renderer);
    attachments.end();
    message.end();
    out
}

fn push_attachment(out: &mut String, it: &Slack, renderer: &mut Renderer<'_>) {
    let mut attachment = Object::begin(out);
    attachment.non_empty("title", &trim::to_chars(&renderer.line(&it.title), TITLE_CHARS_MAX).0);
    attachment.non_empty("title_link", &renderer.or_default(&it.title_link, ""));
    attachment.non_empty("pretext", &renderer.prose_within(&it.pretext, ATTACHMENT_TEXT_MAX));
    attachment.string("text", &renderer.prose_within(&it.text, ATTACHMENT_TEXT_MAX));
    attachment.string("fallback", &renderer.line(&it.fallback));
    attachment.string("callback_id", &renderer.or_default(&it.callback_id, ""));
    if !it.fields.is_empty() {
        let mut fields = List::begin(attachment.value("fields"));
        for field in &it.fields {
            let mut object = Object::begin(fields.value());
            object.non_empty("title", &renderer.line(&field.title));
            object.non_empty("value", &renderer.prose_within(&field.value, ATTACHMENT_TEXT_MAX));
            object.bool("short", field.short);
            object.end();
        }
        fields.end();
    }
    if !it.actions.is_empty() {
        let mut actions = List::begin(attachment.value("actions"));
        for action in &it.actions {
            push_action(actions.value(), action, renderer);
        }
        actions.end();
    }
    attachment.non_empty("image_url", &renderer.or_default(&it.image_url, ""));
    attachment.non_empty("thumb_url", &renderer.or_default(&it.thumb_url, ""));
    attachment.string("footer", &renderer.line(&it.footer));
    attachment.non_empty("color", &renderer.or_default(&it.color, ""));
    let mut marks = List::begin(attachment.value("mrkdwn_in"));
    for mark in &it.mrkdwn_in {
        push_string(marks.value(), mark, Escape::Html);
    }
    marks.end();
    attachment.end();
}

fn push_action(out: &mut String, texts: &ActionTexts, renderer: &mut Renderer<'_>) {
    let mut action = Object::begin(out);
    action.non_empty("type", &renderer.or_default(&texts.kind, "button"));
    action.non_empty("text", &renderer.line(&texts.text));
    action.non_empty("url", &renderer.or_default(&texts.url, ""));
    action.non_empty("style", &renderer.or_default(&texts.style, ""));
    action.non_empty("name", &renderer.or_default(&texts.name, ""));
    action.non_empty("value", &renderer.or_default(&texts.value, ""));
    if let Some(texts) = &texts.confirm {
        let mut confirm = Object::begin(action.value("confirm"));
        confirm.non_empty("text", &renderer.line(&texts.text));
        confirm.non_empty("title", &renderer.line(&texts.title));
        confirm.non_empty("ok_text", &renderer.line(&texts.ok_text));
        confirm.non_empty("dismiss_text", &renderer.line(&texts.dismiss_text));
        confirm.end();
    }
    action.end();
}

/// <https://api.slack.com/reference/messaging/attachments#legacy_fields>
const TITLE_CHARS_MAX: usize = 1024;

/// Slack cuts what is longer: <https://api.slack.com/changelog/2018-04-truncating-really-long-messages>
const MESSAGE_MAX: Limit = Limit::Chars(40_000);

/// Slack cuts what is longer, as its people say: <https://github.com/integrations/slack/issues/812>
const ATTACHMENT_TEXT_MAX: Limit = Limit::Chars(8_000);
