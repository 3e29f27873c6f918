//! `webhook_configs`.

use bellwether_integrations::http::HttpConfig;
use bellwether_integrations::webhook::config::Config;

use super::{IntegrationSettings, adopt_http, exactly_one};
use crate::block::{Block, BlockReader, Problem, Visitor};
use crate::config::Global;
use crate::value::{GoDuration, TemplateUrl};

impl Block for Config {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.shown("send_resolved", &mut self.send_resolved);
        v.field("http_config", &mut self.http_config);
        v.field("url", &mut TemplateUrl(&mut self.url));
        v.shown("url_file", &mut self.url_file);
        v.shown("max_alerts", &mut self.max_alerts);
        v.shown("timeout", &mut GoDuration::OrNanoseconds(&mut self.timeout));
        v.field("payload", &mut self.payload);
    }

    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        exactly_one(!self.url.is_empty(), !self.url_file.is_empty(), ["url", "url_file"])
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
