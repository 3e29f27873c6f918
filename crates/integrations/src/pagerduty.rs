//! PagerDuty: one event per notification, which opens, updates or resolves an incident.
//!
//! There are two Events APIs. A routing key belongs to version 2, whose URL can be set; a service key
//! belongs to version 1, whose URL is fixed. If both kinds of keys are set, version 1 is used. Both
//! know the incident by the hash of the group's key, so an event that arrives twice changes nothing.
//!
//! Events have a size limit. One that exceeds it is sent without its details, and says so.
//!
//! The versions refuse in different ways: when events come too fast, version 1 says 403 and
//! version 2 says 429.

use std::time::Duration;

use bellwether_model::{FailureReason, Outcome, Secret};

use crate::exchange::{BuildError, Exchange, Integration, OneRequest};
use crate::http::Request;
use crate::outcome::BeginError;
use crate::renderer::Renderer;
use crate::templates::{SecretText, Structure, Templates, TextTemplate};

pub mod config;
mod exchange;
mod message;

use self::config::Config;

/// One configured PagerDuty service.
#[derive(Debug)]
pub struct PagerDuty {
    api: Api,
    client: TextTemplate,
    client_url: TextTemplate,
    description: TextTemplate,
    /// Sorted by name.
    details: Vec<(String, Structure)>,
    /// Zero: no limit.
    timeout: Duration,
}

#[derive(Debug)]
enum Api {
    V1 { service_key: SecretText },
    V2(Box<V2>),
}

/// What only version 2 has.
#[derive(Debug)]
struct V2 {
    routing_key: SecretText,
    url: Secret,
    source: TextTemplate,
    severity: TextTemplate,
    class: TextTemplate,
    component: TextTemplate,
    group: TextTemplate,
    images: Vec<Image>,
    links: Vec<Link>,
}

#[derive(Debug)]
struct Image {
    src: TextTemplate,
    alt: TextTemplate,
    href: TextTemplate,
}

#[derive(Debug)]
struct Link {
    href: TextTemplate,
    text: TextTemplate,
}

impl PagerDuty {
    /// # Errors
    /// None; the result is what all integrations have in common.
    pub fn build(config: &Config, templates: &mut Templates) -> Result<Self, BuildError> {
        let Config {
            // Whether to notify of resolved alerts is decided before an attempt begins.
            send_resolved: _,
            // The courier's.
            http_config: _,
            service_key,
            service_key_file,
            // Of version 2 only.
            routing_key: _,
            routing_key_file: _,
            url: _,
            client,
            client_url,
            description,
            details,
            images: _,
            links: _,
            source: _,
            severity: _,
            class: _,
            component: _,
            group: _,
            timeout,
        } = config;
        let api = if service_key.is_empty() && service_key_file.is_empty() {
            Api::V2(Box::new(V2::build(config, templates)))
        } else {
            let service_key = templates.secret("service_key", service_key, service_key_file);
            Api::V1 { service_key }
        };
        let details = details
            .iter()
            .map(|(name, value)| (name.clone(), templates.structure("details", value)))
            .collect();
        Ok(PagerDuty {
            api,
            client: templates.text("client", client),
            client_url: templates.text("client_url", client_url),
            description: templates.text("description", description),
            details,
            timeout: *timeout,
        })
    }
}

impl V2 {
    fn build(config: &Config, templates: &mut Templates) -> Self {
        let severity = match config.severity.as_str() {
            "" => SEVERITY,
            severity => severity,
        };
        let images = config.images.iter().map(|image| Image {
            src: templates.text("images", &image.src),
            alt: templates.text("images", &image.alt),
            href: templates.text("images", &image.href),
        });
        let images = images.collect();
        let links = config.links.iter().map(|link| Link {
            href: templates.text("links", &link.href),
            text: templates.text("links", &link.text),
        });
        let links = links.collect();
        V2 {
            routing_key: templates.secret(
                "routing_key",
                &config.routing_key,
                &config.routing_key_file,
            ),
            url: Secret::new(config.url.as_str()),
            source: templates.text("source", &config.source),
            severity: templates.text("severity", severity),
            class: templates.text("class", &config.class),
            component: templates.text("component", &config.component),
            group: templates.text("group", &config.group),
            images,
            links,
        }
    }
}

impl Integration for PagerDuty {
    fn begin(&self, renderer: &mut Renderer<'_>) -> Result<Box<dyn Exchange>, BeginError> {
        match &self.api {
            Api::V1 { service_key } => {
                let key = key(renderer, service_key, "service key", "v1")?;
                let body = message::v1(self, &key, renderer);
                let request = Request::post_json(Secret::new(URL_V1), body).timeout(self.timeout);
                Ok(OneRequest::exchange(request, exchange::judge_v1))
            }
            Api::V2(v2) => {
                let key = key(renderer, &v2.routing_key, "routing key", "v2")?;
                let body = message::v2(self, v2, &key, renderer);
                let request = Request::post_json(v2.url.clone(), body).timeout(self.timeout);
                Ok(OneRequest::exchange(request, exchange::judge_v2))
            }
        }
    }
}

/// The key that an event is for.
fn key(
    renderer: &mut Renderer<'_>,
    text: &SecretText,
    name: &str,
    version: &str,
) -> Result<Secret, BeginError> {
    let key = renderer.secret_text(text).map_err(|error| {
        let said = match &error {
            BeginError::File(_) => format!("failed to read {name} from file"),
            BeginError::Template(_) | BeginError::NeedsFile(_) | BeginError::Ended(_) => {
                format!("failed to template PagerDuty {version} message")
            }
        };
        error.said(&said).classified()
    })?;
    if key.is_empty() {
        let detail = format!("{name} cannot be empty");
        return Err(Outcome::Refused { reason: FailureReason::ConfigError, detail }.into());
    }
    Ok(key)
}

const URL_V1: &str = "https://events.pagerduty.com/generic/2010-04-15/create_event.json";

/// If none is configured.
const SEVERITY: &str = "error";

#[cfg(test)]
mod tests;
