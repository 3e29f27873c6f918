//! incident.io: the group as JSON, in the form of the webhook's.
//!
//! The body is the webhook's with another version, and goes with a token. incident.io makes one alert
//! of its own of each group, so the first of the group's alerts is all that it needs: if the body is
//! larger than it takes, the others are left out and counted.

use std::time::Duration;

use bellwether_model::Secret;

use crate::exchange::{BuildError, Exchange, Integration, OneRequest};
use crate::http::Request;
use crate::outcome::BeginError;
use crate::renderer::Renderer;
use crate::secret::SecretSource;
use crate::templates::{Templates, TextTemplate};

pub mod config;
mod exchange;
mod message;

use self::config::Config;

/// One configured alert source.
#[derive(Debug)]
pub struct IncidentIo {
    url: SecretSource,
    /// Empty if `http_config` authorizes instead.
    token: SecretSource,
    /// 0: no limit.
    max_alerts: u64,
    /// Zero: no limit.
    timeout: Duration,
    /// Sorted by name.
    metadata: Vec<(String, TextTemplate)>,
}

impl IncidentIo {
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
            alert_source_token,
            alert_source_token_file,
            max_alerts,
            timeout,
            metadata,
        } = config;
        let metadata =
            metadata.iter().map(|(name, value)| (name.clone(), templates.text("metadata", value)));
        Ok(IncidentIo {
            url: SecretSource::new(&Secret::new(url.as_str()), url_file),
            token: SecretSource::new(alert_source_token, alert_source_token_file),
            max_alerts: *max_alerts,
            timeout: *timeout,
            metadata: metadata.collect(),
        })
    }
}

impl Integration for IncidentIo {
    fn begin(&self, renderer: &mut Renderer<'_>) -> Result<Box<dyn Exchange>, BeginError> {
        let url = renderer.secret(&self.url)?;
        // Compat: read at each attempt; see docs/compat.md#secret-files.
        let token = renderer.secret(&self.token)?;
        let left_out = renderer.limit_alerts(self.max_alerts);
        let rendered = |(name, value): &(String, _)| (name.clone(), renderer.line(value));
        let metadata: Vec<_> = self.metadata.iter().map(rendered).collect();
        let body = message::body(renderer, &metadata, left_out);
        let mut request = Request::post_json(url, body).timeout(self.timeout);
        if !token.is_empty() {
            request = request.header("Authorization", format!("Bearer {}", token.reveal()));
        }
        Ok(OneRequest::exchange(request, exchange::judge))
    }
}

#[cfg(test)]
mod tests;
