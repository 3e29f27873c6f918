//! Opsgenie: an alert per group, created by the first notification and closed by the last.
//!
//! Opsgenie knows the alert by its alias, the hash of the group's key: creating it again only counts
//! it once more. Because an alert that exists keeps its texts, `update_alerts` sends them again by
//! requests of their own. A sequence stops at its first failure, and is repeated as a whole.
//!
//! The common labels of the group become details, in addition to the configured ones.

use std::collections::BTreeMap;

use bellwether_model::Secret;

use crate::exchange::{BuildError, Exchange, Integration};
use crate::http::{Method, Request};
use crate::outcome::BeginError;
use crate::renderer::Renderer;
use crate::templates::{SecretText, Templates, TextTemplate};
use crate::url;

pub mod config;
mod exchange;
mod message;

use self::config::Config;

/// One configured Opsgenie account.
#[derive(Debug)]
pub struct Opsgenie {
    api_key: SecretText,
    /// Its path ends with a slash.
    api_url: Secret,
    message: TextTemplate,
    description: TextTemplate,
    source: TextTemplate,
    details: BTreeMap<String, TextTemplate>,
    entity: TextTemplate,
    responders: Vec<Responder>,
    actions: TextTemplate,
    tags: TextTemplate,
    note: TextTemplate,
    priority: TextTemplate,
    update_alerts: bool,
}

#[derive(Debug)]
struct Responder {
    id: TextTemplate,
    name: TextTemplate,
    username: TextTemplate,
    kind: TextTemplate,
}

impl Opsgenie {
    /// # Errors
    /// None; the result is what all integrations have in common.
    pub fn build(config: &Config, templates: &mut Templates) -> Result<Self, BuildError> {
        let Config {
            // Whether to notify of resolved alerts is decided before an attempt begins.
            send_resolved: _,
            // The courier's.
            http_config: _,
            api_key,
            api_key_file,
            api_url,
            message,
            description,
            source,
            details,
            entity,
            responders,
            actions,
            tags,
            note,
            priority,
            update_alerts,
        } = config;
        let responders = responders.iter().map(|responder| Responder {
            id: templates.text("responders", &responder.id),
            name: templates.text("responders", &responder.name),
            username: templates.text("responders", &responder.username),
            kind: templates.text("responders", &responder.kind),
        });
        let responders = responders.collect();
        let details =
            details.iter().map(|(name, text)| (name.clone(), templates.text("details", text)));
        let details = details.collect();
        Ok(Opsgenie {
            api_key: templates.secret("api_key", api_key, api_key_file),
            api_url: Secret::new(api_url.as_str()),
            message: templates.text("message", message),
            description: templates.text("description", description),
            source: templates.text("source", source),
            details,
            entity: templates.text("entity", entity),
            responders,
            actions: templates.text("actions", actions),
            tags: templates.text("tags", tags),
            note: templates.text("note", note),
            priority: templates.text("priority", priority),
            update_alerts: *update_alerts,
        })
    }

    /// Creates the alert, or counts it once more.
    fn creating(&self, renderer: &mut Renderer<'_>) -> Vec<Request> {
        let message::Created { body, message, description } = message::create(self, renderer);
        let mut requests = vec![Request::post_json(self.at("v2/alerts"), body)];
        if self.update_alerts {
            let alias = renderer.group_hash();
            for (name, text) in [("message", message), ("description", description)] {
                let url = self.at_alias(&alias, name);
                let request = Request::post_json(url, message::update(name, &text));
                requests.push(Request { method: Method::Put, ..request });
            }
        }
        requests
    }

    fn closing(&self, renderer: &mut Renderer<'_>) -> Vec<Request> {
        let url = self.at_alias(&renderer.group_hash(), "close");
        vec![Request::post_json(url, message::close(self, renderer))]
    }

    fn at(&self, path: &str) -> Secret {
        Secret::new(url::with_path(self.api_url.reveal(), path))
    }

    fn at_alias(&self, alias: &str, what: &str) -> Secret {
        let url = url::with_path(self.api_url.reveal(), &format!("v2/alerts/{alias}/{what}"));
        Secret::new(url::with_parameter(&url, "identifierType", "alias"))
    }
}

impl Integration for Opsgenie {
    fn begin(&self, renderer: &mut Renderer<'_>) -> Result<Box<dyn Exchange>, BeginError> {
        let key = renderer.secret_text(&self.api_key)?;
        let requests =
            if renderer.is_firing() { self.creating(renderer) } else { self.closing(renderer) };
        let authorized = requests
            .into_iter()
            .map(|request| request.header("Authorization", format!("GenieKey {}", key.reveal())));
        Ok(Box::new(exchange::Sequence::new(authorized.collect())))
    }
}

#[cfg(test)]
mod tests;
