//! `webex_configs`.

use bellwether_integrations::http::HttpConfig;
use bellwether_integrations::webex::config::Config;

use super::{IntegrationSettings, adopt, adopt_http, present};
use crate::block::{Block, BlockReader, Problem, Visitor, refuse_if};
use crate::config::Global;
use crate::value::HttpUrl;

impl Block for Config {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.shown("send_resolved", &mut self.send_resolved);
        v.field("http_config", &mut self.http_config);
        v.field("api_url", &mut HttpUrl(&mut self.api_url));
        v.field("message", &mut self.message);
        v.shown("room_id", &mut self.room_id);
    }

    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        refuse_if(self.room_id.is_empty(), "", "missing room_id on webex_config")?;
        let http = self.http_config.as_ref();
        refuse_if(
            http.is_none_or(|http| http.authorization.is_none()),
            "",
            "missing webex_configs.http_config.authorization",
        )
    }
}

impl IntegrationSettings for Config {
    fn merge(&mut self, global: &Global) -> Result<(), &'static str> {
        adopt_http(&mut self.http_config, global);
        adopt(&mut self.api_url, &global.webex_api_url);
        present(&self.api_url, "no global Webex URL set")
    }

    fn http_with_relative_paths(&mut self) -> Option<&mut HttpConfig> {
        self.http_config.as_mut()
    }
}
