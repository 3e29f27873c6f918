//! What an operator can set for one Opsgenie account.

use std::collections::BTreeMap;

use bellwether_model::Secret;

use crate::http::HttpConfig;

/// One entry of `opsgenie_configs`. Texts are templates except where noted.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub send_resolved: bool,
    /// The global one if the receiver gave none; `None` means the defaults.
    pub http_config: Option<HttpConfig>,
    /// Wins over the file if both are set, which the global block can cause.
    pub api_key: Secret,
    pub api_key_file: String,
    /// As written; its path ends with a slash.
    pub api_url: String,
    pub message: String,
    pub description: String,
    pub source: String,
    pub details: BTreeMap<String, String>,
    pub entity: String,
    pub responders: Vec<Responder>,
    pub actions: String,
    pub tags: String,
    pub note: String,
    pub priority: String,
    /// Also send the message and description of an alert that exists.
    pub update_alerts: bool,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            send_resolved: true,
            http_config: None,
            api_key: Secret::default(),
            api_key_file: String::new(),
            api_url: String::new(),
            message: r#"{{ template "opsgenie.default.message" . }}"#.to_owned(),
            description: r#"{{ template "opsgenie.default.description" . }}"#.to_owned(),
            source: r#"{{ template "opsgenie.default.source" . }}"#.to_owned(),
            details: BTreeMap::new(),
            entity: String::new(),
            responders: Vec::new(),
            actions: String::new(),
            tags: String::new(),
            note: String::new(),
            priority: String::new(),
            update_alerts: false,
        }
    }
}

/// Whom to call: one of the three names is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Responder {
    pub id: String,
    pub name: String,
    pub username: String,
    /// `team`, `teams`, `user`, `escalation` or `schedule` in any case, or a template.
    pub kind: String,
}
