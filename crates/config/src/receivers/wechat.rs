//! `wechat_configs`.

use bellwether_integrations::http::HttpConfig;
use bellwether_integrations::wechat::config::{Config, MessageType};

use super::{IntegrationSettings, adopt, adopt_http, at_most_one, end_with_slash, present};
use crate::block::{Block, BlockReader, FieldValue, Problem, Visitor};
use crate::config::Global;
use crate::value::HttpUrl;
use crate::yaml::{NodeId, Tree};

impl Block for Config {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.shown("send_resolved", &mut self.send_resolved);
        v.field("http_config", &mut self.http_config);
        v.field("api_secret", &mut self.api_secret);
        v.field("api_secret_file", &mut self.api_secret_file);
        v.field("corp_id", &mut self.corp_id);
        v.field("message", &mut self.message);
        v.field("api_url", &mut HttpUrl(&mut self.api_url));
        v.field("to_user", &mut self.to_user);
        v.field("to_party", &mut self.to_party);
        v.field("to_tag", &mut self.to_tag);
        v.field("agent_id", &mut self.agent_id);
        v.field("message_type", &mut self.message_type);
    }

    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        at_most_one(
            !self.api_secret.is_empty(),
            !self.api_secret_file.is_empty(),
            ["api_secret", "api_secret_file"],
        )
    }
}

impl IntegrationSettings for Config {
    fn merge(&mut self, global: &Global) -> Result<(), &'static str> {
        adopt_http(&mut self.http_config, global);
        adopt(&mut self.api_url, &global.wechat_api_url);
        present(&self.api_url, "no global Wechat URL set")?;
        if self.api_secret.is_empty() && self.api_secret_file.is_empty() {
            self.api_secret.clone_from(&global.wechat_api_secret);
            self.api_secret_file.clone_from(&global.wechat_api_secret_file);
        }
        if self.api_secret.is_empty() && self.api_secret_file.is_empty() {
            return Err("no global Wechat Api Secret set either inline or in a file");
        }
        adopt(&mut self.corp_id, &global.wechat_api_corp_id);
        present(&self.corp_id, "no global Wechat CorpID set")?;
        end_with_slash(&mut self.api_url);
        Ok(())
    }

    fn http_with_relative_paths(&mut self) -> Option<&mut HttpConfig> {
        self.http_config.as_mut()
    }
}

impl FieldValue for MessageType {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
        let types = [
            ("", MessageType::Text),
            ("text", MessageType::Text),
            ("markdown", MessageType::Markdown),
        ];
        let found = reader.one_of(node, &types, |name| {
            format!("weChat message type {name:?} does not match valid options ^(text|markdown)$")
        });
        if let Some(message_type) = found {
            *self = message_type;
        }
    }

    fn clear(&mut self) {
        *self = MessageType::default();
    }

    fn is_empty(&mut self) -> bool {
        false
    }

    fn tree(&mut self) -> Tree {
        Tree::text(match self {
            MessageType::Text => "text",
            MessageType::Markdown => "markdown",
        })
    }
}
