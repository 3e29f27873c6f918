//! The body of a Mattermost message.

use super::{AttachmentTexts, Mattermost, PriorityTexts};
use crate::renderer::{Limit, Renderer};
use bellwether_encoding::json::{List, Object};

pub fn json(it: &Mattermost, channel: &str, renderer: &mut Renderer<'_>) -> String {
    let mut out = String::new();
    let mut message = Object::begin(&mut out);
    if let Some(text) = &it.text {
        message.non_empty("text", &renderer.prose_within(text, TEXT_MAX));
    }
    message.non_empty("channel", channel);
    message.non_empty("username", &renderer.or_default(&it.username, ""));
    message.non_empty("icon_url", &renderer.or_default(&it.icon_url, ""));
    message.non_empty("icon_emoji", &renderer.or_default(&it.icon_emoji, ""));
    let mut attachments = List::begin(message.value("attachments"));
    for texts in &it.attachments {
        push_attachment(attachments.value(), texts, renderer);
    }
    attachments.end();
    message.non_empty("type", &renderer.or_default(&it.kind, ""));
    if let Some(card) = &it.card {
        let mut props = Object::begin(message.value("props"));
        props.string("card", &renderer.prose_within(card, ATTACHMENT_TEXT_MAX));
        props.end();
    }
    if let Some(priority) = &it.priority {
        push_priority(message.value("priority"), priority, renderer);
    }
    message.end();
    out.push('\n');
    out
}

fn push_attachment(out: &mut String, texts: &AttachmentTexts, renderer: &mut Renderer<'_>) {
    let mut attachment = Object::begin(out);
    attachment.non_empty("fallback", &renderer.line(&texts.fallback));
    attachment.non_empty("color", &renderer.or_default(&texts.color, ""));
    attachment.non_empty("pretext", &renderer.prose_within(&texts.pretext, ATTACHMENT_TEXT_MAX));
    attachment.non_empty("text", &renderer.prose_within(&texts.text, ATTACHMENT_TEXT_MAX));
    attachment.non_empty("author_name", &renderer.or_default(&texts.author_name, ""));
    attachment.non_empty("author_link", &renderer.or_default(&texts.author_link, ""));
    attachment.non_empty("author_icon", &renderer.or_default(&texts.author_icon, ""));
    attachment.non_empty("title", &renderer.line(&texts.title));
    attachment.non_empty("title_link", &renderer.or_default(&texts.title_link, ""));
    if !texts.fields.is_empty() {
        let mut fields = List::begin(attachment.value("fields"));
        for field in &texts.fields {
            let mut object = Object::begin(fields.value());
            object.non_empty("title", &renderer.line(&field.title));
            object.non_empty("value", &renderer.prose_within(&field.value, ATTACHMENT_TEXT_MAX));
            if let Some(short) = field.short {
                object.bool("short", short);
            }
            object.end();
        }
        fields.end();
    }
    attachment.non_empty("thumb_url", &renderer.or_default(&texts.thumb_url, ""));
    attachment.non_empty("footer", &renderer.line(&texts.footer));
    attachment.non_empty("footer_icon", &renderer.or_default(&texts.footer_icon, ""));
    attachment.non_empty("image_url", &renderer.or_default(&texts.image_url, ""));
    attachment.end();
}

/// Only some priorities can ask for an acknowledgement, and only one can persist.
fn push_priority(out: &mut String, texts: &PriorityTexts, renderer: &mut Renderer<'_>) {
    let wanted = renderer.or_default(&texts.priority, "standard").to_lowercase();
    let priority = match wanted.as_str() {
        known @ ("urgent" | "important" | "standard") => known,
        _ => "standard",
    };
    let mut object = Object::begin(out);
    object.non_empty("priority", priority);
    if texts.requested_ack && priority != "standard" {
        object.bool("requested_ack", true);
    }
    if texts.persistent_notifications && priority == "urgent" {
        object.bool("persistent_notifications", true);
    }
    object.end();
}

/// <https://developers.mattermost.com/integrate/webhooks/incoming/#tips-and-best-practices>
const TEXT_MAX: Limit = Limit::Chars(16_383);

/// Limit: of each text of an attachment, and of the card. It leaves space for the rest of a request,
/// of which Mattermost takes 300,000 bytes unless its `MaximumPayloadSizeBytes` was changed:
/// <https://github.com/mattermost/docs/pull/7127>
const ATTACHMENT_TEXT_MAX: Limit = Limit::Json(250_000);
