//! What an operator can set for one incident.io alert source.

use std::collections::BTreeMap;
use std::time::Duration;

use bellwether_model::Secret;

use crate::http::HttpConfig;

/// One entry of `incidentio_configs`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub send_resolved: bool,
    /// The global one if the receiver gave none; `None` means the defaults.
    pub http_config: Option<HttpConfig>,
    /// Exactly one of this and the file is set.
    pub url: String,
    pub url_file: String,
    pub alert_source_token: Secret,
    /// Read at each notification, surrounding white space trimmed.
    pub alert_source_token_file: String,
    /// How many alerts one message may carry; 0: all.
    pub max_alerts: u64,
    /// Limit for one request; zero: only the delivery's own deadline.
    pub timeout: Duration,
    /// Sent along with the alerts. The values are templates.
    pub metadata: BTreeMap<String, String>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            send_resolved: true,
            http_config: None,
            url: String::new(),
            url_file: String::new(),
            alert_source_token: Secret::default(),
            alert_source_token_file: String::new(),
            max_alerts: 0,
            timeout: Duration::ZERO,
            metadata: BTreeMap::new(),
        }
    }
}
