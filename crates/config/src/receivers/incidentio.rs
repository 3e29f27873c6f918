//! `incidentio_configs`.

use bellwether_integrations::http::HttpConfig;
use bellwether_integrations::incidentio::config::Config;

use super::{IntegrationSettings, adopt_http, at_most_one, exactly_one};
use crate::block::{Block, BlockReader, Problem, Visitor, refuse_if};
use crate::config::Global;
use crate::value::{GoDuration, HttpUrl};

impl Block for Config {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.shown("send_resolved", &mut self.send_resolved);
        v.field("http_config", &mut self.http_config);
        v.shown("url", &mut HttpUrl(&mut self.url));
        v.shown("url_file", &mut self.url_file);
        v.field("alert_source_token", &mut self.alert_source_token);
        v.field("alert_source_token_file", &mut self.alert_source_token_file);
        v.shown("max_alerts", &mut self.max_alerts);
        v.shown("timeout", &mut GoDuration::OrNanoseconds(&mut self.timeout));
        v.field("metadata", &mut self.metadata);
    }

    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        exactly_one(!self.url.is_empty(), !self.url_file.is_empty(), ["url", "url_file"])?;
        at_most_one(
            !self.alert_source_token.is_empty(),
            !self.alert_source_token_file.is_empty(),
            ["alert_source_token", "alert_source_token_file"],
        )?;
        let has_token =
            !self.alert_source_token.is_empty() || !self.alert_source_token_file.is_empty();
        // Compat: a receiver without its own http_config is not asked for a token.
        let Some(http) = &self.http_config else { return Ok(()) };
        refuse_if(
            http.authorization.is_some() && has_token,
            "",
            "cannot specify alert_source_token or alert_source_token_file when using \
             http_config.authorization",
        )?;
        refuse_if(
            http.authorization.is_none() && !has_token,
            "",
            "at least one of alert_source_token, alert_source_token_file or \
             http_config.authorization must be configured",
        )
    }
}

impl IntegrationSettings for Config {
    fn merge(&mut self, global: &Global) -> Result<(), &'static str> {
        adopt_http(&mut self.http_config, global);
        Ok(())
    }

    fn http_with_relative_paths(&mut self) -> Option<&mut HttpConfig> {
        None
    }
}
