//! The body of a Rocket.Chat message: one attachment.

use super::RocketChat;
use crate::renderer::{Limit, Renderer};
use crate::trim;
use bellwether_encoding::json::{List, Object};

pub fn json(it: &RocketChat, channel: &str, renderer: &mut Renderer<'_>) -> String {
    let mut out = String::new();
    let mut message = Object::begin(&mut out);
    message.non_empty("channel", channel);
    message.non_empty("text", &renderer.prose_within(&it.message_text, TEXT_MAX));
    message.non_empty("emoji", &renderer.or_default(&it.emoji, ""));
    message.non_empty("avatar", &renderer.or_default(&it.icon_url, ""));
    let mut attachments = List::begin(message.value("attachments"));
    attachment(it, renderer, attachments.value());
    attachments.end();
    message.end();
    out.push('\n');
    out
}

fn attachment(it: &RocketChat, renderer: &mut Renderer<'_>, out: &mut String) {
    let mut attachment = Object::begin(out);
    attachment.non_empty("title", &trim::to_chars(&renderer.line(&it.title), TITLE_CHARS_MAX).0);
    attachment.non_empty("title_link", &renderer.or_default(&it.title_link, ""));
    attachment.non_empty("text", &renderer.prose_within(&it.text, TEXT_MAX));
    attachment.non_empty("image_url", &renderer.or_default(&it.image_url, ""));
    attachment.non_empty("thumb_url", &renderer.or_default(&it.thumb_url, ""));
    attachment.non_empty("color", &renderer.or_default(&it.color, ""));
    if !it.fields.is_empty() {
        let mut list = List::begin(attachment.value("fields"));
        for field in &it.fields {
            let mut object = Object::begin(list.value());
            object.bool("short", field.short);
            object.non_empty("title", &renderer.line(&field.title));
            object.non_empty("value", &renderer.prose_within(&field.value, TEXT_MAX));
            object.end();
        }
        list.end();
    }
    if !it.actions.is_empty() {
        let mut list = List::begin(attachment.value("actions"));
        for action in &it.actions {
            let mut object = Object::begin(list.value());
            // The only kind that there is.
            object.string("type", "button");
            object.non_empty("text", &renderer.line(&action.text));
            object.non_empty("url", &renderer.or_default(&action.url, ""));
            object.bool("is_webview", false);
            object.non_empty("msg", &renderer.prose_within(&action.msg, TEXT_MAX));
            object.bool("msg_in_chat_window", false);
            object.end();
        }
        list.end();
    }
    attachment.end();
}

const TITLE_CHARS_MAX: usize = 1024;

/// What `chat.postMessage` takes of a message's or an attachment's text unless `Message_MaxAllowedSize` was changed:
/// <https://github.com/RocketChat/Rocket.Chat/blob/develop/apps/meteor/app/api/server/v1/chat.ts>
const TEXT_MAX: Limit = Limit::Utf16(5_000);
