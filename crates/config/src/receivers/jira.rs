//! `jira_configs`.

use bellwether_integrations::http::HttpConfig;
use bellwether_integrations::jira::config::{ApiType, Config, Field};

use super::{IntegrationSettings, adopt, adopt_http, present};
use crate::block::{Block, BlockReader, FieldValue, Problem, Visitor, refuse_if};
use crate::config::Global;
use crate::value::HttpUrl;
use crate::yaml::{NodeId, Tree};

impl Block for Config {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.shown("send_resolved", &mut self.send_resolved);
        v.field("http_config", &mut self.http_config);
        v.field("api_url", &mut HttpUrl(&mut self.api_url));
        v.field("api_type", &mut self.api_type);
        v.field("project", &mut self.project);
        v.field("summary", &mut TextOrBlock(&mut self.summary));
        v.field("description", &mut TextOrBlock(&mut self.description));
        v.field("labels", &mut self.labels);
        v.field("priority", &mut self.priority);
        v.field("issue_type", &mut self.issue_type);
        v.field("reopen_transition", &mut self.reopen_transition);
        v.field("resolve_transition", &mut self.resolve_transition);
        v.field("wont_fix_resolution", &mut self.wont_fix_resolution);
        v.field("reopen_duration", &mut self.reopen_duration);
        v.field("fields", &mut self.fields);
    }

    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        refuse_if(self.project.is_empty(), "", "missing project in jira_config")?;
        refuse_if(self.issue_type.is_empty(), "", "missing issue_type in jira_config")
    }
}

impl IntegrationSettings for Config {
    fn merge(&mut self, global: &Global) -> Result<(), &'static str> {
        adopt_http(&mut self.http_config, global);
        adopt(&mut self.api_url, &global.jira_api_url);
        present(&self.api_url, "no global Jira Cloud URL set")
    }

    fn http_with_relative_paths(&mut self) -> Option<&mut HttpConfig> {
        self.http_config.as_mut()
    }
}

impl Block for Field {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.field("template", &mut self.template);
        v.field("enable_update", &mut self.enable_update);
    }
}

/// The older form is the template alone. What the file does not say keeps its default.
struct TextOrBlock<'a>(&'a mut Field);

impl FieldValue for TextOrBlock<'_> {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
        if reader.scalar_text(node).is_some() {
            self.0.template.decode(reader, node);
        } else {
            reader.decode_fields(node, self.0);
        }
    }

    fn clear(&mut self) {
        FieldValue::clear(self.0);
    }

    fn is_empty(&mut self) -> bool {
        FieldValue::is_empty(self.0)
    }

    fn tree(&mut self) -> Tree {
        FieldValue::tree(self.0)
    }
}

impl FieldValue for ApiType {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
        let found = reader.one_of(node, &API_TYPES, |_| {
            "unknown api_type on jira_config, must be auto, cloud or datacenter".to_owned()
        });
        if let Some(api_type) = found {
            *self = api_type;
        }
    }

    fn clear(&mut self) {
        *self = ApiType::default();
    }

    fn is_empty(&mut self) -> bool {
        false
    }

    fn tree(&mut self) -> Tree {
        Tree::text(match self {
            ApiType::Auto => "auto",
            ApiType::Cloud => "cloud",
            ApiType::Datacenter => "datacenter",
        })
    }
}

const API_TYPES: [(&str, ApiType); 3] =
    [("auto", ApiType::Auto), ("cloud", ApiType::Cloud), ("datacenter", ApiType::Datacenter)];
