//! `msteams_configs`.

use bellwether_integrations::http::HttpConfig;
use bellwether_integrations::msteams::config::Config;

use super::{IntegrationSettings, adopt_http, exactly_one};
use crate::block::{Block, BlockReader, Problem, Visitor};
use crate::config::Global;
use crate::value::SecretUrl;

impl Block for Config {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.shown("send_resolved", &mut self.send_resolved);
        v.field("http_config", &mut self.http_config);
        v.field("webhook_url", &mut SecretUrl(&mut self.webhook_url));
        v.field("webhook_url_file", &mut self.webhook_url_file);
        v.field("title", &mut self.title);
        v.field("summary", &mut self.summary);
        v.field("text", &mut self.text);
    }

    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        exactly_one(
            !self.webhook_url.is_empty(),
            !self.webhook_url_file.is_empty(),
            ["webhook_url", "webhook_url_file"],
        )
    }
}

impl IntegrationSettings for Config {
    fn merge(&mut self, global: &Global) -> Result<(), &'static str> {
        adopt_http(&mut self.http_config, global);
        Ok(())
    }

    fn http_with_relative_paths(&mut self) -> Option<&mut HttpConfig> {
        self.http_config.as_mut()
    }
}
