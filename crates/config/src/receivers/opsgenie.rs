//! `opsgenie_configs`.

use bellwether_integrations::http::HttpConfig;
use bellwether_integrations::opsgenie::config::{Config, Responder};

use super::{IntegrationSettings, adopt, adopt_http, at_most_one, end_with_slash, present};
use crate::block::{Block, BlockReader, Problem, Visitor};
use crate::config::Global;
use crate::value::{HttpUrl, check_template};

impl Block for Config {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.shown("send_resolved", &mut self.send_resolved);
        v.field("http_config", &mut self.http_config);
        v.field("api_key", &mut self.api_key);
        v.field("api_key_file", &mut self.api_key_file);
        v.field("api_url", &mut HttpUrl(&mut self.api_url));
        v.field("message", &mut self.message);
        v.field("description", &mut self.description);
        v.field("source", &mut self.source);
        v.field("details", &mut self.details);
        v.field("entity", &mut self.entity);
        v.field("responders", &mut self.responders);
        v.field("actions", &mut self.actions);
        v.field("tags", &mut self.tags);
        v.field("note", &mut self.note);
        v.field("priority", &mut self.priority);
        v.field("update_alerts", &mut self.update_alerts);
    }

    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        at_most_one(
            !self.api_key.is_empty(),
            !self.api_key_file.is_empty(),
            ["api_key", "api_key_file"],
        )?;
        // One that is null has no fields that could be right.
        self.responders.iter().try_for_each(check_responder)
    }
}

impl IntegrationSettings for Config {
    fn merge(&mut self, global: &Global) -> Result<(), &'static str> {
        adopt_http(&mut self.http_config, global);
        adopt(&mut self.api_url, &global.opsgenie_api_url);
        present(&self.api_url, "no global OpsGenie URL set")?;
        end_with_slash(&mut self.api_url);
        if self.api_key.is_empty() && self.api_key_file.is_empty() {
            self.api_key.clone_from(&global.opsgenie_api_key);
            self.api_key_file.clone_from(&global.opsgenie_api_key_file);
        }
        if self.api_key.is_empty() && self.api_key_file.is_empty() {
            return Err("no global OpsGenie API Key set either inline or in a file");
        }
        Ok(())
    }

    fn http_with_relative_paths(&mut self) -> Option<&mut HttpConfig> {
        self.http_config.as_mut()
    }
}

impl Block for Responder {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.field("id", &mut self.id);
        v.field("name", &mut self.name);
        v.field("username", &mut self.username);
        v.field("type", &mut self.kind);
    }
}

fn check_responder(responder: &Responder) -> Result<(), Problem> {
    let shown = format!(
        "{{{} {} {} {}}}",
        responder.id, responder.name, responder.username, responder.kind
    );
    let refuse = |rule: String| {
        Err(Problem::at("responders", format!("opsGenieConfig responder {shown} {rule}")))
    };
    if responder.id.is_empty() && responder.name.is_empty() && responder.username.is_empty() {
        return refuse("has to have at least one of id, username or name specified".to_owned());
    }
    if responder.kind.contains("{{") {
        return match check_template(&responder.kind) {
            Ok(()) => Ok(()),
            Err(error) => refuse(format!("type contains invalid template syntax: {error}")),
        };
    }
    if !RESPONDER_KINDS.contains(&responder.kind.to_lowercase().as_str()) {
        let kinds = RESPONDER_KINDS.join("|");
        return refuse(format!("type does not match valid options ^({kinds})$"));
    }
    Ok(())
}

const RESPONDER_KINDS: [&str; 5] = ["team", "teams", "user", "escalation", "schedule"];
