//! What an operator can set for one WeChat Work application.

use bellwether_model::Secret;

use crate::http::HttpConfig;

/// One entry of `wechat_configs`. Texts are templates except where noted.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub send_resolved: bool,
    /// The global one if the receiver gave none; `None` means the defaults.
    pub http_config: Option<HttpConfig>,
    /// One of this and the file is set, here or by the global block.
    pub api_secret: Secret,
    pub api_secret_file: String,
    /// Never empty after the globals are merged.
    pub corp_id: String,
    pub message: String,
    /// As written; its path ends with a slash.
    pub api_url: String,
    pub to_user: String,
    pub to_party: String,
    pub to_tag: String,
    pub agent_id: String,
    pub message_type: MessageType,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            send_resolved: false,
            http_config: None,
            api_secret: Secret::default(),
            api_secret_file: String::new(),
            corp_id: String::new(),
            message: r#"{{ template "wechat.default.message" . }}"#.to_owned(),
            api_url: String::new(),
            to_user: r#"{{ template "wechat.default.to_user" . }}"#.to_owned(),
            to_party: r#"{{ template "wechat.default.to_party" . }}"#.to_owned(),
            to_tag: r#"{{ template "wechat.default.to_tag" . }}"#.to_owned(),
            agent_id: r#"{{ template "wechat.default.agent_id" . }}"#.to_owned(),
            message_type: MessageType::default(),
        }
    }
}

/// How WeChat renders the message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MessageType {
    #[default]
    Text,
    Markdown,
}
