//! Telegram: a bot's message to a chat, HTML unless another parse mode is chosen.
//!
//! The bot's token is part of the URL, so no error may show where a request went.
//! Whatever Telegram answers, another try is worth while: it limits senders by the minute, and a
//! chat that is not found today may be again when its bot is.

pub mod config;
mod exchange;
mod known;

use std::time::Duration;

use bellwether_model::{FailureReason, Outcome, Secret};

use self::config::Config;
use self::exchange::{Message, TelegramExchange};
use crate::exchange::{BuildError, Exchange, Integration};
use crate::html;
use crate::outcome::BeginError;
use crate::renderer::{Limit, Renderer};
use crate::secret::SecretSource;
use crate::templates::{Templates, TextTemplate};

/// One configured chat.
#[derive(Debug)]
pub struct Telegram {
    api_url: String,
    token: SecretSource,
    chat: Chat,
    /// 0: the chat itself.
    thread: i64,
    message: TextTemplate,
    quiet: bool,
    parse_mode: String,
    /// Zero: no limit.
    timeout: Duration,
}

#[derive(Debug)]
enum Chat {
    Id(i64),
    File(SecretSource),
}

impl Telegram {
    /// # Errors
    /// None; the result is what all integrations have in common.
    pub fn build(config: &Config, templates: &mut Templates) -> Result<Self, BuildError> {
        let Config {
            send_resolved: _,
            http_config: _,
            api_url,
            bot_token,
            bot_token_file,
            chat_id,
            chat_id_file,
            message_thread_id,
            message,
            disable_notifications,
            parse_mode,
            timeout,
        } = config;
        Ok(Telegram {
            api_url: api_url.clone(),
            // Compat: the file counts before the token.
            token: match bot_token_file.as_str() {
                "" => SecretSource::new(bot_token, ""),
                file => SecretSource::new(&Secret::default(), file),
            },
            chat: match chat_id_file.as_str() {
                "" => Chat::Id(*chat_id),
                file => Chat::File(SecretSource::new(&Secret::default(), file)),
            },
            thread: *message_thread_id,
            message: match parse_mode.as_str() {
                HTML => templates.html("message", message),
                _ => templates.text("message", message),
            },
            quiet: *disable_notifications,
            parse_mode: parse_mode.clone(),
            timeout: *timeout,
        })
    }
}

impl Integration for Telegram {
    fn begin(&self, renderer: &mut Renderer<'_>) -> Result<Box<dyn Exchange>, BeginError> {
        let token = renderer.secret(&self.token)?;
        let chat = self.chat_id(renderer)?;
        let limit = if self.parse_mode == HTML { HTML_MAX } else { MESSAGE_MAX };
        let text = renderer.prose_within(&self.message, limit);
        let url = Secret::new(format!("{}/bot{}/sendMessage", self.api_url, token.reveal()));
        let plain = (!self.parse_mode.is_empty()).then(|| Message {
            url: url.clone(),
            chat,
            thread: self.thread,
            quiet: self.quiet,
            parse_mode: String::new(),
            text: if self.parse_mode == HTML { html::visible_text(&text) } else { text.clone() },
            timeout: self.timeout,
        });
        let parse_mode = self.parse_mode.clone();
        let (thread, quiet, timeout) = (self.thread, self.quiet, self.timeout);
        let message = Message { url, chat, thread, quiet, parse_mode, text, timeout };
        Ok(Box::new(TelegramExchange::new(message, plain)))
    }
}

impl Telegram {
    fn chat_id(&self, renderer: &mut Renderer<'_>) -> Result<i64, BeginError> {
        let source = match &self.chat {
            Chat::Id(id) => return Ok(*id),
            Chat::File(source) => source,
        };
        let content = renderer.secret(source)?;
        content.reveal().parse().map_err(|_| {
            BeginError::Ended(retry(
                FailureReason::Other,
                "chat_id_file holds no chat id".to_owned(),
            ))
        })
    }
}

fn retry(reason: FailureReason, detail: String) -> Outcome {
    Outcome::Retry { after: None, reason, detail }
}

const HTML: &str = "HTML";

/// What Telegram takes, before it reads any markup.
const MESSAGE_MAX: Limit = Limit::Chars(4096);

/// What Telegram takes of HTML: <https://core.telegram.org/bots/api#sendmessage>. The bytes are not
/// documented; the Go Alertmanager 0.35 has the same two limits.
const HTML_MAX: Limit = Limit::VisibleHtml { chars: 4096, bytes: 32_768 };

#[cfg(test)]
mod tests;
