//! What an operator can set for one Teams workflow.

use bellwether_model::Secret;

use crate::http::HttpConfig;

/// One entry of `msteamsv2_configs`. Texts are templates.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub send_resolved: bool,
    /// The global one if the receiver gave none; `None` means the defaults.
    pub http_config: Option<HttpConfig>,
    /// Exactly one of this and the file is set.
    pub webhook_url: Secret,
    /// Read at each notification, surrounding white space trimmed.
    pub webhook_url_file: String,
    pub title: String,
    pub text: String,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            send_resolved: true,
            http_config: None,
            webhook_url: Secret::default(),
            webhook_url_file: String::new(),
            title: r#"{{ template "msteamsv2.default.title" . }}"#.to_owned(),
            text: r#"{{ template "msteamsv2.default.text" . }}"#.to_owned(),
        }
    }
}
