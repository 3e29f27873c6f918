//! `pagerduty_configs`.

use bellwether_integrations::AnyValue as Any;
use bellwether_integrations::http::HttpConfig;
use bellwether_integrations::pagerduty::config::{Config, Image, Link};

use super::{IntegrationSettings, adopt, adopt_http, at_most_one, present};
use crate::block::{Block, BlockReader, Problem, Visitor, refuse_if};
use crate::config::Global;
use crate::value::{GoDuration, HttpUrl};

impl Block for Config {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.shown("send_resolved", &mut self.send_resolved);
        v.field("http_config", &mut self.http_config);
        v.field("service_key", &mut self.service_key);
        v.field("service_key_file", &mut self.service_key_file);
        v.field("routing_key", &mut self.routing_key);
        v.field("routing_key_file", &mut self.routing_key_file);
        v.field("url", &mut HttpUrl(&mut self.url));
        v.field("client", &mut self.client);
        v.field("client_url", &mut self.client_url);
        v.field("description", &mut self.description);
        v.field("details", &mut self.details);
        v.field("images", &mut self.images);
        v.field("links", &mut self.links);
        v.field("source", &mut self.source);
        v.field("severity", &mut self.severity);
        v.field("class", &mut self.class);
        v.field("component", &mut self.component);
        v.field("group", &mut self.group);
        v.shown("timeout", &mut GoDuration::OrNanoseconds(&mut self.timeout));
    }

    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        let keys = [!self.routing_key.is_empty(), !self.service_key.is_empty()];
        let files = [!self.routing_key_file.is_empty(), !self.service_key_file.is_empty()];
        refuse_if(
            !keys.contains(&true) && !files.contains(&true),
            "",
            "missing service or routing key in PagerDuty config",
        )?;
        at_most_one(
            !self.routing_key.is_empty(),
            !self.routing_key_file.is_empty(),
            ["routing_key", "routing_key_file"],
        )?;
        at_most_one(
            !self.service_key.is_empty(),
            !self.service_key_file.is_empty(),
            ["service_key", "service_key_file"],
        )?;
        if self.source.is_empty() {
            self.source.clone_from(&self.client);
        }
        for (name, template) in Config::DETAILS {
            let text = || Any::Text(template.to_owned());
            self.details.entry(name.to_owned()).or_insert_with(text);
        }
        Ok(())
    }
}

impl IntegrationSettings for Config {
    fn merge(&mut self, global: &Global) -> Result<(), &'static str> {
        adopt_http(&mut self.http_config, global);
        adopt(&mut self.url, &global.pagerduty_url);
        present(&self.url, "no global PagerDuty URL set")
    }

    fn http_with_relative_paths(&mut self) -> Option<&mut HttpConfig> {
        self.http_config.as_mut()
    }
}

impl Block for Image {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.field("src", &mut self.src);
        v.field("alt", &mut self.alt);
        v.field("href", &mut self.href);
    }
}

impl Block for Link {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.field("href", &mut self.href);
        v.field("text", &mut self.text);
    }
}
