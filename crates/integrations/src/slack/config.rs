//! What an operator can set for one Slack channel.

use std::time::Duration;

use bellwether_model::Secret;

use crate::http::HttpConfig;

/// One entry of `slack_configs`. Texts are templates except where noted.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub send_resolved: bool,
    /// The global one if the receiver gave none; `None` means the defaults.
    pub http_config: Option<HttpConfig>,
    /// Where to post: the app URL if there is a token. Empty: see the file.
    pub api_url: Secret,
    pub api_url_file: String,
    /// Also found in `http_config.authorization`, where it acts.
    pub app_token: Secret,
    pub app_token_file: String,
    /// As written; the global one if empty in the file.
    pub app_url: String,
    pub channel: String,
    pub username: String,
    pub color: String,
    pub title: String,
    pub title_link: String,
    pub pretext: String,
    pub text: String,
    pub message_text: String,
    pub fields: Vec<Field>,
    pub short_fields: bool,
    pub footer: String,
    pub fallback: String,
    pub callback_id: String,
    pub icon_emoji: String,
    pub icon_url: String,
    pub image_url: String,
    pub thumb_url: String,
    pub link_names: bool,
    /// Empty: `fallback`, `pretext` and `text`.
    pub mrkdwn_in: Vec<String>,
    pub actions: Vec<Action>,
    /// Edit the message of the group instead of posting another.
    pub update_message: bool,
    /// Post what follows into the thread of the group's first message.
    pub post_updates_to_thread: bool,
    /// Limit for one request; zero: only the delivery's own deadline.
    pub timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            send_resolved: false,
            http_config: None,
            api_url: Secret::default(),
            api_url_file: String::new(),
            app_token: Secret::default(),
            app_token_file: String::new(),
            app_url: String::new(),
            channel: String::new(),
            username: r#"{{ template "slack.default.username" . }}"#.to_owned(),
            color: r#"{{ template "slack.default.color" . }}"#.to_owned(),
            title: r#"{{ template "slack.default.title" . }}"#.to_owned(),
            title_link: r#"{{ template "slack.default.titlelink" . }}"#.to_owned(),
            pretext: r#"{{ template "slack.default.pretext" . }}"#.to_owned(),
            text: r#"{{ template "slack.default.text" . }}"#.to_owned(),
            message_text: String::new(),
            fields: Vec::new(),
            short_fields: false,
            footer: r#"{{ template "slack.default.footer" . }}"#.to_owned(),
            fallback: r#"{{ template "slack.default.fallback" . }}"#.to_owned(),
            callback_id: r#"{{ template "slack.default.callbackid" . }}"#.to_owned(),
            icon_emoji: r#"{{ template "slack.default.iconemoji" . }}"#.to_owned(),
            icon_url: r#"{{ template "slack.default.iconurl" . }}"#.to_owned(),
            image_url: String::new(),
            thumb_url: String::new(),
            link_names: false,
            mrkdwn_in: Vec::new(),
            actions: Vec::new(),
            update_message: false,
            post_updates_to_thread: false,
            timeout: Duration::ZERO,
        }
    }
}

/// One cell of the attachment's table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field {
    /// Never empty.
    pub title: String,
    /// Never empty.
    pub value: String,
    /// `None`: the receiver's `short_fields`.
    pub short: Option<bool>,
}

/// A button. With a URL it has no name, value or confirmation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Action {
    /// The button's `type`; never empty.
    pub kind: String,
    /// Never empty.
    pub text: String,
    pub url: String,
    pub style: String,
    /// Set if there is no URL.
    pub name: String,
    pub value: String,
    pub confirm: Option<Confirmation>,
}

/// The question asked before an action is taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confirmation {
    /// Never empty.
    pub text: String,
    pub title: String,
    pub ok_text: String,
    pub dismiss_text: String,
}
