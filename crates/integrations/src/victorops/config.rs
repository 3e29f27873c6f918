//! What an operator can set for one VictorOps (Splunk On-Call) team.

use std::collections::BTreeMap;

use bellwether_model::Secret;

use crate::http::HttpConfig;

/// One entry of `victorops_configs`. Texts are templates except where noted.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub send_resolved: bool,
    /// The global one if the receiver gave none; `None` means the defaults.
    pub http_config: Option<HttpConfig>,
    pub api_key: Secret,
    pub api_key_file: String,
    /// As written; its path ends with a slash.
    pub api_url: String,
    /// Never empty.
    pub routing_key: String,
    pub message_type: String,
    pub state_message: String,
    pub entity_display_name: String,
    pub monitoring_tool: String,
    pub custom_fields: BTreeMap<String, String>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            send_resolved: true,
            http_config: None,
            api_key: Secret::default(),
            api_key_file: String::new(),
            api_url: String::new(),
            routing_key: String::new(),
            message_type: "CRITICAL".to_owned(),
            state_message: r#"{{ template "victorops.default.state_message" . }}"#.to_owned(),
            entity_display_name: r#"{{ template "victorops.default.entity_display_name" . }}"#
                .to_owned(),
            monitoring_tool: r#"{{ template "victorops.default.monitoring_tool" . }}"#.to_owned(),
            custom_fields: BTreeMap::new(),
        }
    }
}
