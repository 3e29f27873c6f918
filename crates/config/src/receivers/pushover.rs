//! `pushover_configs`.

use bellwether_integrations::http::HttpConfig;
use bellwether_integrations::pushover::config::Config;

use super::{IntegrationSettings, adopt_http, at_most_one, exactly_one};
use crate::block::{Block, BlockReader, Problem, Visitor};
use crate::config::Global;
use crate::value::GoDuration;

impl Block for Config {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.shown("send_resolved", &mut self.send_resolved);
        v.field("http_config", &mut self.http_config);
        v.field("user_key", &mut self.user_key);
        v.field("user_key_file", &mut self.user_key_file);
        v.field("token", &mut self.token);
        v.field("token_file", &mut self.token_file);
        v.field("title", &mut self.title);
        v.field("message", &mut self.message);
        v.field("url", &mut self.url);
        v.field("url_title", &mut self.url_title);
        v.field("device", &mut self.device);
        v.field("sound", &mut self.sound);
        v.field("priority", &mut self.priority);
        v.field("retry", &mut GoDuration::Text(&mut self.retry));
        v.field("expire", &mut GoDuration::Text(&mut self.expire));
        v.field("ttl", &mut GoDuration::Text(&mut self.ttl));
        v.field("html", &mut self.html);
        v.field("monospace", &mut self.monospace);
    }

    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        exactly_one(
            !self.user_key.is_empty(),
            !self.user_key_file.is_empty(),
            ["user_key", "user_key_file"],
        )?;
        exactly_one(!self.token.is_empty(), !self.token_file.is_empty(), ["token", "token_file"])?;
        at_most_one(self.html, self.monospace, ["monospace", "html"])
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
