//! What an operator can set for one Rocket.Chat channel.

use bellwether_model::Secret;

use crate::http::HttpConfig;

/// One entry of `rocketchat_configs`. Texts are templates except where noted.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub send_resolved: bool,
    /// The global one if the receiver gave none; `None` means the defaults.
    pub http_config: Option<HttpConfig>,
    /// As written; the global one if empty in the file.
    pub api_url: String,
    /// One of this and the file is set, here or by the global block.
    pub token_id: Option<Secret>,
    /// Read once, when the receiver is built.
    pub token_id_file: String,
    pub token: Option<Secret>,
    /// Read once, when the receiver is built.
    pub token_file: String,
    pub channel: String,
    pub color: String,
    pub title: String,
    pub title_link: String,
    /// Of the attachment.
    pub text: String,
    /// Of the message itself, above the attachment.
    pub message_text: String,
    pub fields: Vec<Field>,
    pub short_fields: bool,
    pub emoji: String,
    pub icon_url: String,
    pub image_url: String,
    pub thumb_url: String,
    pub link_names: bool,
    pub actions: Vec<Action>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            send_resolved: false,
            http_config: None,
            api_url: String::new(),
            token_id: None,
            token_id_file: String::new(),
            token: None,
            token_file: String::new(),
            channel: String::new(),
            color: r#"{{ if eq .Status "firing" }}red{{ else }}green{{ end }}"#.to_owned(),
            title: r#"{{ template "rocketchat.default.title" . }}"#.to_owned(),
            title_link: r#"{{ template "rocketchat.default.titlelink" . }}"#.to_owned(),
            text: r#"{{ template "rocketchat.default.text" . }}"#.to_owned(),
            message_text: String::new(),
            fields: Vec::new(),
            short_fields: false,
            emoji: r#"{{ template "rocketchat.default.emoji" . }}"#.to_owned(),
            icon_url: r#"{{ template "rocketchat.default.iconurl" . }}"#.to_owned(),
            image_url: String::new(),
            thumb_url: String::new(),
            link_names: false,
            actions: Vec::new(),
        }
    }
}

/// One cell of the attachment's table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field {
    pub short: Option<bool>,
    pub title: String,
    pub value: String,
}

/// A button under the attachment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Action {
    /// The button's `type`.
    pub kind: String,
    pub text: String,
    pub url: String,
    pub image_url: String,
    pub is_web_view: bool,
    pub webview_height_ratio: String,
    pub msg: String,
    pub msg_in_chat_window: bool,
    pub msg_processing_type: String,
}
