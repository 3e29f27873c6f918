//! What an operator can set for one Telegram chat.

use std::time::Duration;

use bellwether_model::Secret;

use crate::http::HttpConfig;

/// One entry of `telegram_configs`. The message is a template.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub send_resolved: bool,
    /// The global one if the receiver gave none; `None` means the defaults.
    pub http_config: Option<HttpConfig>,
    /// The global one if empty in the file.
    pub api_url: String,
    /// One of this and the file is set, here or by the global block.
    pub bot_token: Secret,
    pub bot_token_file: String,
    /// Not 0 exactly if there is no file.
    pub chat_id: i64,
    pub chat_id_file: String,
    /// 0: the chat itself.
    pub message_thread_id: i64,
    pub message: String,
    pub disable_notifications: bool,
    /// `Markdown`, `MarkdownV2`, `HTML`, or empty for plain text.
    pub parse_mode: String,
    /// Limit for one request; zero: only the delivery's own deadline.
    pub timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            send_resolved: true,
            http_config: None,
            api_url: String::new(),
            bot_token: Secret::default(),
            bot_token_file: String::new(),
            chat_id: 0,
            chat_id_file: String::new(),
            message_thread_id: 0,
            message: r#"{{ template "telegram.default.message" . }}"#.to_owned(),
            disable_notifications: false,
            parse_mode: "HTML".to_owned(),
            timeout: Duration::ZERO,
        }
    }
}
