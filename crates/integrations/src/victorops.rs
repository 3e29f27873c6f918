//! VictorOps (Splunk On-Call): one event per notification, on a URL made of two keys.
//!
//! The API key and the routing key are the end of the URL's path, so the URL is as secret as they
//! are. The incident is known by the hash of the group's key.
//!
//! The kind of event is the operator's choice while alerts fire, but only among those that open an
//! incident or inform about it; when all are resolved it is `RECOVERY`.

use std::collections::BTreeMap;

use bellwether_model::Secret;

use crate::exchange::{BuildError, Exchange, Integration, OneRequest};
use crate::http::Request;
use crate::outcome::{BeginError, check_response, delivered};
use crate::renderer::Renderer;
use crate::secret::SecretSource;
use crate::templates::{Templates, TextTemplate};
use crate::url;

pub mod config;
mod message;

use self::config::Config;

/// One configured VictorOps team.
#[derive(Debug)]
pub struct VictorOps {
    /// Its path ends with a slash.
    api_url: Secret,
    api_key: SecretSource,
    routing_key: TextTemplate,
    message_type: TextTemplate,
    state_message: TextTemplate,
    entity_display_name: TextTemplate,
    monitoring_tool: TextTemplate,
    custom_fields: BTreeMap<String, TextTemplate>,
}

impl VictorOps {
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
            routing_key,
            message_type,
            state_message,
            entity_display_name,
            monitoring_tool,
            custom_fields,
        } = config;
        let custom_fields = custom_fields
            .iter()
            .map(|(name, text)| (name.clone(), templates.text("custom_fields", text)));
        let custom_fields = custom_fields.collect();
        Ok(VictorOps {
            api_url: Secret::new(api_url.as_str()),
            api_key: SecretSource::new(api_key, api_key_file),
            routing_key: templates.text("routing_key", routing_key),
            message_type: templates.text("message_type", message_type),
            state_message: templates.text("state_message", state_message),
            entity_display_name: templates.text("entity_display_name", entity_display_name),
            monitoring_tool: templates.text("monitoring_tool", monitoring_tool),
            custom_fields,
        })
    }
}

impl Integration for VictorOps {
    fn begin(&self, renderer: &mut Renderer<'_>) -> Result<Box<dyn Exchange>, BeginError> {
        let api_key = renderer.secret(&self.api_key)?;
        let routing_key = renderer.required(&self.routing_key)?;
        let path = format!("{}/{routing_key}", api_key.reveal());
        let url = Secret::new(url::with_path(self.api_url.reveal(), &path));
        let request = Request::post_json(url, message::event(self, renderer));
        Ok(OneRequest::exchange(request, |answer| match check_response("victorops", answer) {
            Ok(_) => delivered(),
            Err(outcome) => outcome,
        }))
    }
}

#[cfg(test)]
mod tests;
