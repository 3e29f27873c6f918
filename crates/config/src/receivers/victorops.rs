//! `victorops_configs`.

use bellwether_integrations::http::HttpConfig;
use bellwether_integrations::victorops::config::Config;

use super::{IntegrationSettings, adopt, adopt_http, at_most_one, end_with_slash, present};
use crate::block::{Block, BlockReader, Problem, Visitor, refuse_if};
use crate::config::Global;
use crate::value::HttpUrl;

impl Block for Config {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.shown("send_resolved", &mut self.send_resolved);
        v.field("http_config", &mut self.http_config);
        v.field("api_key", &mut self.api_key);
        v.field("api_key_file", &mut self.api_key_file);
        v.shown("api_url", &mut HttpUrl(&mut self.api_url));
        v.shown("routing_key", &mut self.routing_key);
        v.shown("message_type", &mut self.message_type);
        v.shown("state_message", &mut self.state_message);
        v.shown("entity_display_name", &mut self.entity_display_name);
        v.shown("monitoring_tool", &mut self.monitoring_tool);
        v.field("custom_fields", &mut self.custom_fields);
    }

    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        refuse_if(self.routing_key.is_empty(), "", "missing Routing key in VictorOps config")?;
        at_most_one(
            !self.api_key.is_empty(),
            !self.api_key_file.is_empty(),
            ["api_key", "api_key_file"],
        )?;
        match FIXED_FIELDS.iter().find(|name| self.custom_fields.contains_key(**name)) {
            Some(name) => Err(Problem::at(
                "custom_fields",
                format!(
                    "victorOps config contains custom field {name} which cannot be used as it \
                     conflicts with the fixed/static fields"
                ),
            )),
            None => Ok(()),
        }
    }
}

impl IntegrationSettings for Config {
    fn merge(&mut self, global: &Global) -> Result<(), &'static str> {
        adopt_http(&mut self.http_config, global);
        adopt(&mut self.api_url, &global.victorops_api_url);
        present(&self.api_url, "no global VictorOps URL set")?;
        end_with_slash(&mut self.api_url);
        if self.api_key.is_empty() && self.api_key_file.is_empty() {
            self.api_key.clone_from(&global.victorops_api_key);
            self.api_key_file.clone_from(&global.victorops_api_key_file);
        }
        if self.api_key.is_empty() && self.api_key_file.is_empty() {
            return Err("no global VictorOps API Key set");
        }
        Ok(())
    }

    fn http_with_relative_paths(&mut self) -> Option<&mut HttpConfig> {
        self.http_config.as_mut()
    }
}

const FIXED_FIELDS: [&str; 7] = [
    "routing_key",
    "message_type",
    "state_message",
    "entity_display_name",
    "monitoring_tool",
    "entity_id",
    "entity_state",
];
