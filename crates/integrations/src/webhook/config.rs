//! What an operator can set for one webhook.

use std::time::Duration;

use bellwether_model::Secret;

use crate::any_value::AnyValue;
use crate::http::HttpConfig;

/// One entry of `webhook_configs`. Exactly one of `url` and `url_file` is set.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub send_resolved: bool,
    /// The global one if the receiver gave none; `None` means the defaults.
    pub http_config: Option<HttpConfig>,
    /// A URL, or a template of one if it contains `{{`. Empty: see `url_file`.
    pub url: Secret,
    /// Read at each notification, surrounding white space trimmed.
    pub url_file: String,
    /// How many alerts one message may carry; 0: all.
    pub max_alerts: u64,
    /// Limit for one request; zero: only the delivery's own deadline.
    pub timeout: Duration,
    /// Replaces the body if it is given; its texts are templates.
    pub payload: Option<AnyValue>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            send_resolved: true,
            http_config: None,
            url: Secret::default(),
            url_file: String::new(),
            max_alerts: 0,
            timeout: Duration::ZERO,
            payload: None,
        }
    }
}
