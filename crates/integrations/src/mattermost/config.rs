//! What an operator can set for one Mattermost channel.

use bellwether_model::Secret;

use crate::http::HttpConfig;

/// One entry of `mattermost_configs`. Texts are templates.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub send_resolved: bool,
    /// The global one if the receiver gave none; `None` means the defaults.
    pub http_config: Option<HttpConfig>,
    /// One of this and the file is set, here or by the global block.
    pub webhook_url: Secret,
    pub webhook_url_file: String,
    pub channel: String,
    pub username: String,
    pub text: String,
    pub fallback: String,
    pub color: String,
    pub pretext: String,
    pub author_name: String,
    pub author_link: String,
    pub author_icon: String,
    pub title: String,
    pub title_link: String,
    pub fields: Vec<Field>,
    pub thumb_url: String,
    pub footer: String,
    pub footer_icon: String,
    pub image_url: String,
    pub icon_url: String,
    pub icon_emoji: String,
    pub attachments: Vec<Attachment>,
    /// The post's `type`.
    pub kind: String,
    pub props: Option<Props>,
    pub priority: Option<Priority>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            send_resolved: true,
            http_config: None,
            webhook_url: Secret::default(),
            webhook_url_file: String::new(),
            channel: String::new(),
            username: r#"{{ template "mattermost.default.username" . }}"#.to_owned(),
            text: r#"{{ template "mattermost.default.text" . }}"#.to_owned(),
            fallback: r#"{{ template "mattermost.default.fallback" . }}"#.to_owned(),
            color: r#"{{ template "mattermost.default.color" . }}"#.to_owned(),
            pretext: String::new(),
            author_name: String::new(),
            author_link: String::new(),
            author_icon: String::new(),
            title: r#"{{ template "mattermost.default.title" . }}"#.to_owned(),
            title_link: r#"{{ template "mattermost.default.titlelink" . }}"#.to_owned(),
            fields: Vec::new(),
            thumb_url: String::new(),
            footer: String::new(),
            footer_icon: String::new(),
            image_url: String::new(),
            icon_url: String::new(),
            icon_emoji: String::new(),
            attachments: Vec::new(),
            kind: String::new(),
            props: None,
            priority: None,
        }
    }
}

/// One attachment, as Slack defines them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attachment {
    pub fallback: String,
    pub color: String,
    pub pretext: String,
    pub text: String,
    pub author_name: String,
    pub author_link: String,
    pub author_icon: String,
    pub title: String,
    pub title_link: String,
    pub fields: Vec<Field>,
    pub thumb_url: String,
    pub footer: String,
    pub footer_icon: String,
    pub image_url: String,
}

/// One cell of an attachment's table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field {
    /// Never empty.
    pub title: String,
    /// Never empty.
    pub value: String,
    pub short: Option<bool>,
}

/// Properties of the post.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Props {
    pub card: String,
}

/// How urgently the post is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Priority {
    pub priority: String,
    pub requested_ack: bool,
    pub persistent_notifications: bool,
}
