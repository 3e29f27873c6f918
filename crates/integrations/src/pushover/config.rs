//! What an operator can set for one Pushover user.

use std::time::Duration;

use bellwether_model::Secret;

use crate::http::HttpConfig;

/// One entry of `pushover_configs`. Texts are templates except where noted.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub send_resolved: bool,
    /// The global one if the receiver gave none; `None` means the defaults.
    pub http_config: Option<HttpConfig>,
    /// Exactly one of this and the file is set.
    pub user_key: Secret,
    /// Read at each notification, surrounding white space trimmed.
    pub user_key_file: String,
    /// Exactly one of this and the file is set.
    pub token: Secret,
    /// Read at each notification, surrounding white space trimmed.
    pub token_file: String,
    pub title: String,
    pub message: String,
    pub url: String,
    pub url_title: String,
    pub device: String,
    pub sound: String,
    pub priority: String,
    pub retry: Duration,
    pub expire: Duration,
    /// Zero: kept for ever.
    pub ttl: Duration,
    /// Exclusive with `monospace`.
    pub html: bool,
    pub monospace: bool,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            send_resolved: true,
            http_config: None,
            user_key: Secret::default(),
            user_key_file: String::new(),
            token: Secret::default(),
            token_file: String::new(),
            title: r#"{{ template "pushover.default.title" . }}"#.to_owned(),
            message: r#"{{ template "pushover.default.message" . }}"#.to_owned(),
            url: r#"{{ template "pushover.default.url" . }}"#.to_owned(),
            url_title: String::new(),
            device: String::new(),
            sound: String::new(),
            priority: r#"{{ if eq .Status "firing" }}2{{ else }}0{{ end }}"#.to_owned(),
            retry: Duration::from_secs(60),
            expire: Duration::from_secs(3600),
            ttl: Duration::ZERO,
            html: false,
            monospace: false,
        }
    }
}
