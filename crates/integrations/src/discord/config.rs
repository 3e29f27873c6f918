//! What an operator can set for one Discord channel.

use bellwether_model::Secret;

use crate::http::HttpConfig;

/// One entry of `discord_configs`. Texts are templates except where noted.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub send_resolved: bool,
    /// The global one if the receiver gave none; `None` means the defaults.
    pub http_config: Option<HttpConfig>,
    /// Exactly one of this and the file is set.
    pub webhook_url: Secret,
    /// Read at each notification, surrounding white space trimmed.
    pub webhook_url_file: String,
    pub content: String,
    pub title: String,
    pub message: String,
    /// As written: not a template.
    pub username: String,
    /// As written: not a template.
    pub avatar_url: String,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            send_resolved: true,
            http_config: None,
            webhook_url: Secret::default(),
            webhook_url_file: String::new(),
            content: String::new(),
            title: r#"{{ template "discord.default.title" . }}"#.to_owned(),
            message: r#"{{ template "discord.default.message" . }}"#.to_owned(),
            username: String::new(),
            avatar_url: String::new(),
        }
    }
}
