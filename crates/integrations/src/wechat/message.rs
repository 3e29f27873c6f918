//! The body of a WeChat message.

use super::WeChat;
use super::config::MessageType;
use crate::renderer::{Limit, Renderer};
use bellwether_encoding::json::Object;

/// Compat: both forms are there, and the one that is not used is empty.
pub fn json(it: &WeChat, renderer: &mut Renderer<'_>) -> String {
    let content = renderer.prose_within(&it.message, CONTENT_MAX);
    let (text, markdown, kind) = match it.message_type {
        MessageType::Text => (content.as_str(), "", "text"),
        MessageType::Markdown => ("", content.as_str(), "markdown"),
    };
    let mut out = String::new();
    let mut message = Object::begin(&mut out);
    push_content(message.value("text"), text);
    message.non_empty("touser", &renderer.or_default(&it.to_user, ""));
    message.non_empty("toparty", &renderer.or_default(&it.to_party, ""));
    message.non_empty("totag", &renderer.or_default(&it.to_tag, ""));
    message.non_empty("agentid", &renderer.or_default(&it.agent_id, ""));
    message.string("safe", "0");
    message.string("msgtype", kind);
    push_content(message.value("markdown"), markdown);
    message.end();
    out.push('\n');
    out
}

fn push_content(out: &mut String, content: &str) {
    let mut object = Object::begin(out);
    object.string("content", content);
    object.end();
}

/// What WeChat takes of a text or of Markdown: <https://developer.work.weixin.qq.com/document/path/90236>
const CONTENT_MAX: Limit = Limit::Bytes(2048);
