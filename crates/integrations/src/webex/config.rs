//! What an operator can set for one Webex space.

use crate::http::HttpConfig;

/// One entry of `webex_configs`. Texts are templates except where noted.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub send_resolved: bool,
    /// The global one if the receiver gave none; `None` means the defaults.
    pub http_config: Option<HttpConfig>,
    /// As written; the global one if empty in the file.
    pub api_url: String,
    pub message: String,
    /// Never empty.
    pub room_id: String,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            send_resolved: true,
            http_config: None,
            api_url: String::new(),
            message: r#"{{ template "webex.default.message" . }}"#.to_owned(),
            room_id: String::new(),
        }
    }
}
