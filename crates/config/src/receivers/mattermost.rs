//! `mattermost_configs`.

use bellwether_integrations::http::HttpConfig;
use bellwether_integrations::mattermost::config::{Attachment, Config, Field, Priority, Props};

use super::{IntegrationSettings, adopt_http, at_most_one};
use crate::block::{Block, BlockReader, Problem, Visitor, refuse_if};
use crate::config::Global;
use crate::value::{Required, SecretUrl};

impl Block for Config {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.shown("send_resolved", &mut self.send_resolved);
        v.field("http_config", &mut self.http_config);
        v.field("webhook_url", &mut SecretUrl(&mut self.webhook_url));
        v.field("webhook_url_file", &mut self.webhook_url_file);
        v.field("channel", &mut self.channel);
        v.field("username", &mut self.username);
        v.field("text", &mut self.text);
        v.field("fallback", &mut self.fallback);
        v.field("color", &mut self.color);
        v.field("pretext", &mut self.pretext);
        v.field("author_name", &mut self.author_name);
        v.field("author_link", &mut self.author_link);
        v.field("author_icon", &mut self.author_icon);
        v.field("title", &mut self.title);
        v.field("title_link", &mut self.title_link);
        v.field(
            "fields",
            &mut Required { list: &mut self.fields, message: "a field cannot be null" },
        );
        v.field("thumb_url", &mut self.thumb_url);
        v.field("footer", &mut self.footer);
        v.field("footer_icon", &mut self.footer_icon);
        v.field("image_url", &mut self.image_url);
        v.field("icon_url", &mut self.icon_url);
        v.field("icon_emoji", &mut self.icon_emoji);
        v.field(
            "attachments",
            &mut Required { list: &mut self.attachments, message: "a attachment cannot be null" },
        );
        v.field("type", &mut self.kind);
        v.field("props", &mut self.props);
        v.field("priority", &mut self.priority);
    }

    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        at_most_one(
            !self.webhook_url.is_empty(),
            !self.webhook_url_file.is_empty(),
            ["webhook_url", "webhook_url_file"],
        )
    }
}

impl IntegrationSettings for Config {
    fn merge(&mut self, global: &Global) -> Result<(), &'static str> {
        adopt_http(&mut self.http_config, global);
        if self.webhook_url.is_empty() && self.webhook_url_file.is_empty() {
            self.webhook_url.clone_from(&global.mattermost_webhook_url);
            self.webhook_url_file.clone_from(&global.mattermost_webhook_url_file);
        }
        if self.webhook_url.is_empty() && self.webhook_url_file.is_empty() {
            return Err("missing webhook_url or webhook_url_file on mattermost_config");
        }
        Ok(())
    }

    fn http_with_relative_paths(&mut self) -> Option<&mut HttpConfig> {
        self.http_config.as_mut()
    }
}

impl Block for Attachment {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.field("fallback", &mut self.fallback);
        v.field("color", &mut self.color);
        v.field("pretext", &mut self.pretext);
        v.field("text", &mut self.text);
        v.field("author_name", &mut self.author_name);
        v.field("author_link", &mut self.author_link);
        v.field("author_icon", &mut self.author_icon);
        v.field("title", &mut self.title);
        v.field("title_link", &mut self.title_link);
        v.field(
            "fields",
            &mut Required { list: &mut self.fields, message: "a field cannot be null" },
        );
        v.field("thumb_url", &mut self.thumb_url);
        v.field("footer", &mut self.footer);
        v.field("footer_icon", &mut self.footer_icon);
        v.field("image_url", &mut self.image_url);
    }
}

impl Block for Field {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.field("title", &mut self.title);
        v.field("value", &mut self.value);
        v.field("short", &mut self.short);
    }

    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        refuse_if(self.title.is_empty(), "", "missing title in Mattermost field configuration")?;
        refuse_if(self.value.is_empty(), "", "missing value in Mattermost field configuration")
    }
}

impl Block for Props {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.field("card", &mut self.card);
    }
}

impl Block for Priority {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.field("priority", &mut self.priority);
        v.field("requested_ack", &mut self.requested_ack);
        v.field("persistent_notifications", &mut self.persistent_notifications);
    }
}
