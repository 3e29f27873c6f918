//! What an operator can set for one PagerDuty service.

use std::collections::BTreeMap;
use std::time::Duration;

use bellwether_model::Secret;

use crate::any_value::AnyValue;
use crate::http::HttpConfig;

/// One entry of `pagerduty_configs`. Texts are templates except where noted.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub send_resolved: bool,
    /// The global one if the receiver gave none; `None` means the defaults.
    pub http_config: Option<HttpConfig>,
    pub service_key: Secret,
    pub service_key_file: String,
    pub routing_key: Secret,
    pub routing_key_file: String,
    /// As written; the global one if empty in the file.
    pub url: String,
    pub client: String,
    pub client_url: String,
    pub description: String,
    /// Always holds at least [`Config::DETAILS`]; all texts within are templates.
    pub details: BTreeMap<String, AnyValue>,
    pub images: Vec<Image>,
    pub links: Vec<Link>,
    /// The template of `client` if it was not given.
    pub source: String,
    /// Empty: `error`.
    pub severity: String,
    pub class: String,
    pub component: String,
    pub group: String,
    /// Limit for one request; zero: only the delivery's own deadline.
    pub timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            send_resolved: true,
            http_config: None,
            service_key: Secret::default(),
            service_key_file: String::new(),
            routing_key: Secret::default(),
            routing_key_file: String::new(),
            url: String::new(),
            client: r#"{{ template "pagerduty.default.client" . }}"#.to_owned(),
            client_url: r#"{{ template "pagerduty.default.clientURL" . }}"#.to_owned(),
            description: r#"{{ template "pagerduty.default.description" .}}"#.to_owned(),
            details: BTreeMap::new(),
            images: Vec::new(),
            links: Vec::new(),
            source: String::new(),
            severity: String::new(),
            class: String::new(),
            component: String::new(),
            group: String::new(),
            timeout: Duration::ZERO,
        }
    }
}

/// An image attached to the incident.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    pub src: String,
    pub alt: String,
    pub href: String,
}

/// A link attached to the incident.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    pub href: String,
    pub text: String,
}

impl Config {
    /// Details that are present unless the operator gives others of the same name.
    pub const DETAILS: [(&str, &str); 4] = [
        ("firing", "{{ .Alerts.Firing | toJson }}"),
        ("num_firing", "{{ .Alerts.Firing | len }}"),
        ("num_resolved", "{{ .Alerts.Resolved | len }}"),
        ("resolved", "{{ .Alerts.Resolved | toJson }}"),
    ];
}
