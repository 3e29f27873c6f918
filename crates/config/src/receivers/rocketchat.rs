//! `rocketchat_configs`. Inside `fields` and `actions`, names are run together.

use bellwether_integrations::http::HttpConfig;
use bellwether_integrations::rocketchat::config::{Action, Config, Field};

use super::{IntegrationSettings, adopt, adopt_http, at_most_one};
use crate::block::{Block, BlockReader, Problem, Visitor};
use crate::config::Global;
use crate::value::{HttpUrl, Required};

impl Block for Config {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.shown("send_resolved", &mut self.send_resolved);
        v.field("http_config", &mut self.http_config);
        v.field("api_url", &mut HttpUrl(&mut self.api_url));
        v.field("token_id", &mut self.token_id);
        v.field("token_id_file", &mut self.token_id_file);
        v.field("token", &mut self.token);
        v.field("token_file", &mut self.token_file);
        v.field("channel", &mut self.channel);
        v.field("color", &mut self.color);
        v.field("title", &mut self.title);
        v.field("title_link", &mut self.title_link);
        v.field("text", &mut self.text);
        v.field("message_text", &mut self.message_text);
        v.field(
            "fields",
            &mut Required { list: &mut self.fields, message: "a field cannot be null" },
        );
        v.shown("short_fields", &mut self.short_fields);
        v.field("emoji", &mut self.emoji);
        v.field("icon_url", &mut self.icon_url);
        v.field("image_url", &mut self.image_url);
        v.field("thumb_url", &mut self.thumb_url);
        v.shown("link_names", &mut self.link_names);
        v.field(
            "actions",
            &mut Required { list: &mut self.actions, message: "a action cannot be null" },
        );
    }

    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        at_most_one(self.token.is_some(), !self.token_file.is_empty(), ["token", "token_file"])?;
        at_most_one(
            self.token_id.is_some(),
            !self.token_id_file.is_empty(),
            ["token_id", "token_id_file"],
        )
    }
}

impl IntegrationSettings for Config {
    fn merge(&mut self, global: &Global) -> Result<(), &'static str> {
        adopt_http(&mut self.http_config, global);
        adopt(&mut self.api_url, &global.rocketchat_api_url);
        if self.token_id.is_none() && self.token_id_file.is_empty() {
            self.token_id.clone_from(&global.rocketchat_token_id);
            self.token_id_file.clone_from(&global.rocketchat_token_id_file);
        }
        if self.token_id.is_none() && self.token_id_file.is_empty() {
            return Err("no global Rocketchat TokenID set either inline or in a file");
        }
        if self.token.is_none() && self.token_file.is_empty() {
            self.token.clone_from(&global.rocketchat_token);
            self.token_file.clone_from(&global.rocketchat_token_file);
        }
        if self.token.is_none() && self.token_file.is_empty() {
            return Err("no global Rocketchat Token set either inline or in a file");
        }
        Ok(())
    }

    fn http_with_relative_paths(&mut self) -> Option<&mut HttpConfig> {
        self.http_config.as_mut()
    }
}

impl Block for Field {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.shown("short", &mut self.short);
        v.shown("title", &mut self.title);
        v.shown("value", &mut self.value);
    }
}

impl Block for Action {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.shown("type", &mut self.kind);
        v.shown("text", &mut self.text);
        v.shown("url", &mut self.url);
        v.shown("imageurl", &mut self.image_url);
        v.shown("iswebview", &mut self.is_web_view);
        v.shown("webviewheightratio", &mut self.webview_height_ratio);
        v.shown("msg", &mut self.msg);
        v.shown("msginchatwindow", &mut self.msg_in_chat_window);
        v.shown("msgprocessingtype", &mut self.msg_processing_type);
    }
}
