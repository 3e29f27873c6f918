//! `slack_configs`.

use bellwether_integrations::http::{Authorization, HttpConfig};
use bellwether_integrations::slack::config::{Action, Config, Confirmation, Field};

use super::{IntegrationSettings, adopt, adopt_http, at_most_one};
use crate::block::{Block, BlockReader, Problem, Visitor, refuse_if};
use crate::config::Global;
use crate::value::{GoDuration, HttpUrl, Required, SecretUrl};

impl Block for Config {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.shown("send_resolved", &mut self.send_resolved);
        v.field("http_config", &mut self.http_config);
        v.field("api_url", &mut SecretUrl(&mut self.api_url));
        v.field("api_url_file", &mut self.api_url_file);
        v.field("app_token", &mut self.app_token);
        v.field("app_token_file", &mut self.app_token_file);
        v.field("app_url", &mut HttpUrl(&mut self.app_url));
        v.field("channel", &mut self.channel);
        v.field("username", &mut self.username);
        v.field("color", &mut self.color);
        v.field("title", &mut self.title);
        v.field("title_link", &mut self.title_link);
        v.field("pretext", &mut self.pretext);
        v.field("text", &mut self.text);
        v.field("message_text", &mut self.message_text);
        v.field(
            "fields",
            &mut Required { list: &mut self.fields, message: "a field cannot be null" },
        );
        v.shown("short_fields", &mut self.short_fields);
        v.field("footer", &mut self.footer);
        v.field("fallback", &mut self.fallback);
        v.field("callback_id", &mut self.callback_id);
        v.field("icon_emoji", &mut self.icon_emoji);
        v.field("icon_url", &mut self.icon_url);
        v.field("image_url", &mut self.image_url);
        v.field("thumb_url", &mut self.thumb_url);
        v.shown("link_names", &mut self.link_names);
        v.field("mrkdwn_in", &mut self.mrkdwn_in);
        v.field(
            "actions",
            &mut Required { list: &mut self.actions, message: "a action cannot be null" },
        );
        v.shown("update_message", &mut self.update_message);
        v.shown("post_updates_to_thread", &mut self.post_updates_to_thread);
        v.shown("timeout", &mut GoDuration::OrNanoseconds(&mut self.timeout));
    }

    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        at_most_one(
            !self.api_url.is_empty(),
            !self.api_url_file.is_empty(),
            ["api_url", "api_url_file"],
        )?;
        at_most_one(
            !self.app_token.is_empty(),
            !self.app_token_file.is_empty(),
            ["app_token", "app_token_file"],
        )?;
        let has_url = !self.api_url.is_empty() || !self.api_url_file.is_empty();
        let has_token = !self.app_token.is_empty() || !self.app_token_file.is_empty();
        at_most_one(has_url, has_token, ["api_url/api_url_file", "app_token/app_token_file"])?;
        // What is missing may come from `global`, so it is looked at again after merging.
        check_bot_options(self).map_err(|(option, message)| Problem::at(option, message))
    }
}

impl IntegrationSettings for Config {
    fn merge(&mut self, global: &Global) -> Result<(), &'static str> {
        adopt(&mut self.app_url, &global.slack_app_url);
        if self.app_url.is_empty() {
            return Err("no global Slack App URL set");
        }
        let has_authorization =
            self.http_config.as_ref().is_some_and(|http| http.authorization.is_some());
        let has_token =
            |config: &Config| !config.app_token.is_empty() || !config.app_token_file.is_empty();
        // Compat: a local URL keeps the global token away, a local URL file does not.
        if !has_token(self) && !has_authorization && self.api_url.is_empty() {
            self.app_token.clone_from(&global.slack_app_token);
            self.app_token_file.clone_from(&global.slack_app_token_file);
        }
        if self.api_url.is_empty() && self.api_url_file.is_empty() {
            self.api_url.clone_from(&global.slack_api_url);
            self.api_url_file.clone_from(&global.slack_api_url_file);
        }
        if self.api_url.is_empty() && self.api_url_file.is_empty() && !has_token(self) {
            return Err("no Slack API URL nor App token set either inline or in a file");
        }
        adopt_http(&mut self.http_config, global);
        if has_token(self) {
            let http = self.http_config.get_or_insert_default();
            if http.authorization.is_some() {
                return Err("http authorization can't be set when using Slack App tokens");
            }
            http.authorization = Some(Authorization {
                kind: "Bearer".to_owned(),
                credentials: self.app_token.clone(),
                credentials_file: self.app_token_file.clone(),
                credentials_ref: String::new(),
            });
            self.api_url = bellwether_model::Secret::new(self.app_url.as_str());
        }
        check_bot_options(self).map_err(|(_, message)| message)
    }

    fn http_with_relative_paths(&mut self) -> Option<&mut HttpConfig> {
        self.http_config.as_mut()
    }
}

/// Both options need a bot's token, so messages must go where a token is used. `Err` names the option,
/// and says why.
fn check_bot_options(config: &Config) -> Result<(), (&'static str, &'static str)> {
    let options = [
        (config.update_message, UPDATE_MESSAGE),
        (config.post_updates_to_thread, POST_UPDATES_TO_THREAD),
    ];
    for (_, option) in options.into_iter().filter(|(is_set, _)| *is_set) {
        if config.api_url.is_empty() {
            if !config.api_url_file.is_empty() {
                return Err((option.name, option.with_file));
            }
        } else if config.api_url.reveal() != POST_MESSAGE_URL {
            return Err((option.name, option.with_other_url));
        }
    }
    Ok(())
}

/// The texts of an option that needs a bot's token.
struct BotOption {
    name: &'static str,
    with_file: &'static str,
    with_other_url: &'static str,
}

const UPDATE_MESSAGE: BotOption = BotOption {
    name: "update_message",
    with_file: "update_message can't be used with api_url_file",
    with_other_url: "update_message can only be used with bot tokens. api_url must be set to \
                     https://slack.com/api/chat.postMessage",
};
const POST_UPDATES_TO_THREAD: BotOption = BotOption {
    name: "post_updates_to_thread",
    with_file: "post_updates_to_thread can't be used with api_url_file",
    with_other_url: "post_updates_to_thread can only be used with bot tokens. api_url must be set \
                     to https://slack.com/api/chat.postMessage",
};

impl Block for Field {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.field("title", &mut self.title);
        v.field("value", &mut self.value);
        v.field("short", &mut self.short);
    }

    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        refuse_if(self.title.is_empty(), "", "missing title in Slack field configuration")?;
        refuse_if(self.value.is_empty(), "", "missing value in Slack field configuration")
    }
}

impl Block for Action {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.field("type", &mut self.kind);
        v.field("text", &mut self.text);
        v.field("url", &mut self.url);
        v.field("style", &mut self.style);
        v.field("name", &mut self.name);
        v.field("value", &mut self.value);
        v.field("confirm", &mut self.confirm);
    }

    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        refuse_if(
            self.url.is_empty() && self.name.is_empty(),
            "",
            "missing name or url in Slack action configuration",
        )?;
        refuse_if(self.kind.is_empty(), "", "missing type in Slack action configuration")?;
        refuse_if(self.text.is_empty(), "", "missing text in Slack action configuration")?;
        if !self.url.is_empty() {
            self.name.clear();
            self.value.clear();
            self.confirm = None;
        }
        Ok(())
    }
}

impl Block for Confirmation {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.field("text", &mut self.text);
        v.field("title", &mut self.title);
        v.field("ok_text", &mut self.ok_text);
        v.field("dismiss_text", &mut self.dismiss_text);
    }

    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        refuse_if(self.text.is_empty(), "", "missing text in Slack confirmation configuration")
    }
}

const POST_MESSAGE_URL: &str = "https://slack.com/api/chat.postMessage";
