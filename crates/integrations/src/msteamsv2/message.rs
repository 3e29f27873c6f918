//! The body of a Teams message: one adaptive card with a heading and a text.

use bellwether_encoding::json::{List, Object};

/// `color` is one of the colours that adaptive cards know by name.
pub fn json(title: &str, text: &str, color: &str) -> String {
    let mut out = String::new();
    let mut message = Object::begin(&mut out);
    message.string("type", "message");
    let mut attachments = List::begin(message.value("attachments"));
    let mut attachment = Object::begin(attachments.value());
    attachment.string("contentType", "application/vnd.microsoft.card.adaptive");
    attachment.value("contentUrl").push_str("null");
    let mut card = Object::begin(attachment.value("content"));
    card.string("$schema", "http://adaptivecards.io/schemas/adaptive-card.json");
    card.string("type", "AdaptiveCard");
    card.string("version", "1.2");
    let mut blocks = List::begin(card.value("body"));
    let mut heading = Object::begin(blocks.value());
    heading.string("type", "TextBlock");
    heading.string("text", title);
    heading.string("weight", "Bolder");
    heading.string("size", "Medium");
    heading.bool("wrap", true);
    heading.string("style", "heading");
    heading.string("color", color);
    heading.end();
    let mut block = Object::begin(blocks.value());
    block.string("type", "TextBlock");
    block.string("text", text);
    block.bool("wrap", true);
    block.end();
    blocks.end();
    let mut teams = Object::begin(card.value("msteams"));
    teams.string("width", "full");
    teams.end();
    card.end();
    attachment.end();
    attachments.end();
    message.end();
    out.push('\n');
    out
}
