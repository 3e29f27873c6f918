//! A webhook: one POST of the group as JSON to a URL of the operator's.
//!
//! The body is a published format (version 4) that many programs parse, so its bytes equal those
//! of the Go Alertmanager: the order of the keys, the escapes, the zones of the times.
//!
//! Two quirks are kept. The receiver's name is quoted as if it went into a regular expression. And
//! `max_alerts` cuts the list before status and common labels are taken, so they describe only the
//! alerts that are sent.

use std::time::Duration;

use crate::exchange::{BuildError, Exchange, Integration, OneRequest};
use crate::http::Request;
use crate::outcome::{BeginError, check_response, delivered};
use crate::renderer::Renderer;
use crate::templates::{SecretText, Structure, Templates};

pub mod config;
mod message;

use self::config::Config;

/// One configured webhook.
#[derive(Debug)]
pub struct Webhook {
    url: SecretText,
    /// 0: no limit.
    max_alerts: u64,
    /// Zero: no limit.
    timeout: Duration,
    payload: Option<Structure>,
}

impl Webhook {
    /// # Errors
    /// None; the result is what all integrations have in common.
    pub fn build(config: &Config, templates: &mut Templates) -> Result<Self, BuildError> {
        let Config {
            // Whether to notify of resolved alerts is decided before an attempt begins.
            send_resolved: _,
            // The courier's.
            http_config: _,
            url,
            url_file,
            max_alerts,
            timeout,
            payload,
        } = config;
        Ok(Webhook {
            url: templates.secret("url", url, url_file),
            max_alerts: *max_alerts,
            timeout: *timeout,
            payload: payload.as_ref().map(|payload| templates.structure("payload", payload)),
        })
    }
}

impl Integration for Webhook {
    fn begin(&self, renderer: &mut Renderer<'_>) -> Result<Box<dyn Exchange>, BeginError> {
        let left_out = renderer.limit_alerts(self.max_alerts);
        let url = renderer.secret_text(&self.url)?;
        if url.is_empty() {
            return Err(BeginError::refused("webhook URL is empty after templating"));
        }
        let body = match &self.payload {
            Some(payload) => message::custom(&renderer.structure(payload)),
            None => message::standard(renderer, left_out),
        };
        let request = Request::post_json(url, body)
            .header("Idempotency-Key", renderer.idempotency_key())
            .timeout(self.timeout);
        Ok(OneRequest::exchange(request, |answer| match check_response("webhook", answer) {
            Ok(_) => delivered(),
            Err(outcome) => outcome,
        }))
    }
}

#[cfg(test)]
mod tests;
