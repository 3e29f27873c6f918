//! `telegram_configs`.

use bellwether_integrations::http::HttpConfig;
use bellwether_integrations::telegram::config::Config;

use super::{IntegrationSettings, adopt, adopt_http, at_most_one};
use crate::block::{Block, BlockReader, Problem, Visitor, refuse_if};
use crate::config::Global;
use crate::value::{GoDuration, HttpUrl, Int64};

impl Block for Config {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.shown("send_resolved", &mut self.send_resolved);
        v.field("http_config", &mut self.http_config);
        v.shown("api_url", &mut HttpUrl(&mut self.api_url));
        v.field("bot_token", &mut self.bot_token);
        v.field("bot_token_file", &mut self.bot_token_file);
        v.field("chat_id", &mut Int64(&mut self.chat_id));
        v.field("chat_id_file", &mut self.chat_id_file);
        v.field("message_thread_id", &mut self.message_thread_id);
        v.field("message", &mut self.message);
        v.field("disable_notifications", &mut self.disable_notifications);
        v.field("parse_mode", &mut self.parse_mode);
        v.shown("timeout", &mut GoDuration::OrNanoseconds(&mut self.timeout));
    }

    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        at_most_one(
            !self.bot_token.is_empty(),
            !self.bot_token_file.is_empty(),
            ["bot_token", "bot_token_file"],
        )?;
        refuse_if(
            self.chat_id == 0 && self.chat_id_file.is_empty(),
            "",
            "missing chat_id or chat_id_file on telegram_config",
        )?;
        at_most_one(self.chat_id != 0, !self.chat_id_file.is_empty(), ["chat_id", "chat_id_file"])?;
        refuse_if(
            !["", "Markdown", "MarkdownV2", "HTML"].contains(&self.parse_mode.as_str()),
            "parse_mode",
            "unknown parse_mode on telegram_config, must be Markdown, MarkdownV2, HTML or empty \
             string",
        )
    }
}

impl IntegrationSettings for Config {
    fn merge(&mut self, global: &Global) -> Result<(), &'static str> {
        adopt_http(&mut self.http_config, global);
        adopt(&mut self.api_url, &global.telegram_api_url);
        if self.bot_token.is_empty() && self.bot_token_file.is_empty() {
            self.bot_token.clone_from(&global.telegram_bot_token);
            self.bot_token_file.clone_from(&global.telegram_bot_token_file);
        }
        if self.bot_token.is_empty() && self.bot_token_file.is_empty() {
            return Err("missing bot_token or bot_token_file on telegram_config");
        }
        Ok(())
    }

    fn http_with_relative_paths(&mut self) -> Option<&mut HttpConfig> {
        self.http_config.as_mut()
    }
}
