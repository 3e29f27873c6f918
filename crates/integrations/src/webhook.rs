//! A webhook: one POST of the group as JSON to a URL of the operator's.
//!
//! The body is a published format (version 4) that many programs parse, so its bytes equal those
//! of the Go Alertmanager: the order of the keys, the escapes, the zones of the times.
//!
//! Two quirks are kept. The receiver's name is quoted as if it went into a regular expression. And
//! `max_alerts` cuts the list before status and common labels are taken, so they describe only the
//! alerts that are told.

use std::sync::Arc;
use std::time::Duration;

use bellwether_model::{Notification, Secret};

use crate::exchange::{BuildError, Exchange, Integration};
use crate::http::UrlSource;

pub mod config;
mod exchange;
mod message;

use self::config::Config;
use self::exchange::WebhookExchange;

/// One configured webhook.
#[derive(Debug)]
pub struct Webhook {
    url: UrlSource,
    /// 0: no limit.
    max_alerts: u64,
    timeout: Option<Duration>,
    external_url: Arc<str>,
}

impl Webhook {
    /// `external_url`: under which the server is reached from outside, without a slash at its end.
    ///
    /// # Errors
    /// If the configuration needs templates: a `{{` in the URL, or any `payload`.
    pub fn build(config: &Config, external_url: &str) -> Result<Self, BuildError> {
        let Config {
            // Whether resolved alerts are told is decided before an attempt begins.
            send_resolved: _,
            // The courier's.
            http_config: _,
            url,
            url_file,
            max_alerts,
            timeout,
            payload,
        } = config;
        if payload.is_some() {
            return Err(BuildError::NeedsTemplates { field: "payload" });
        }
        if url.reveal().contains("{{") {
            return Err(BuildError::NeedsTemplates { field: "url" });
        }
        Ok(Webhook {
            url: url_source(url, url_file),
            max_alerts: *max_alerts,
            timeout: (!timeout.is_zero()).then_some(*timeout),
            external_url: external_url.into(),
        })
    }
}

impl Integration for Webhook {
    fn begin(&self, notification: &Notification) -> Box<dyn Exchange> {
        let body = message::render(notification, self.max_alerts, &self.external_url);
        Box::new(WebhookExchange::new(self.url.clone(), body, self.timeout))
    }
}

fn url_source(url: &Secret, url_file: &str) -> UrlSource {
    if url.is_empty() { UrlSource::File(url_file.to_owned()) } else { UrlSource::Text(url.clone()) }
}

#[cfg(test)]
mod tests;
