//! The body of a Discord message.

use bellwether_encoding::json::{List, Object};

pub struct Message<'a> {
    pub content: String,
    pub title: String,
    pub description: String,
    /// Red, green and blue, one byte each.
    pub color: u64,
    pub username: &'a str,
    pub avatar_url: &'a str,
}

impl Message<'_> {
    pub fn json(&self) -> String {
        let mut out = String::new();
        let mut object = Object::begin(&mut out);
        object.string("content", &self.content);
        let mut embeds = List::begin(object.value("embeds"));
        let mut embed = Object::begin(embeds.value());
        embed.string("title", &self.title);
        embed.string("description", &self.description);
        embed.number("color", self.color);
        embed.end();
        embeds.end();
        object.non_empty("username", self.username);
        object.non_empty("avatar_url", self.avatar_url);
        object.end();
        out.push('\n');
        out
    }
}
