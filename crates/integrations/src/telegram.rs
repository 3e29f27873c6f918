//! Telegram: a bot's message to a chat, HTML unless another parse mode is chosen.
//!
//! The bot's token is part of the URL, so no error may show where a request went.
//! Whatever Telegram answers, another try is worth while: it limits senders by the minute, and a
//! chat that is not found today may be again when its bot is.

pub mod config;

use bellwether_model::{FailureReason, Outcome, Secret};
use serde_json::Value;

use self::config::Config;
use crate::exchange::{BuildError, Exchange, Integration, OneRequest};
use crate::http::{Request, RequestError, Response};
use crate::outcome::{BeginError, delivered, failure_reason};
use crate::renderer::{Limit, Renderer};
use crate::secret::SecretSource;
use crate::templates::{Templates, TextTemplate};
use bellwether_encoding::json::Object;

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
                "HTML" => templates.html("message", message),
                _ => templates.text("message", message),
            },
            quiet: *disable_notifications,
            parse_mode: parse_mode.clone(),
        })
    }
}

impl Integration for Telegram {
    fn begin(&self, renderer: &mut Renderer<'_>) -> Result<Box<dyn Exchange>, BeginError> {
        let token = renderer.secret(&self.token)?;
        let chat = self.chat_id(renderer)?;
        let text = renderer.prose_within(&self.message, MESSAGE_MAX);
        let mut body = String::new();
        let mut message = Object::begin(&mut body);
        // Compat: all values are texts.
        message.string("chat_id", &chat.to_string());
        if self.quiet {
            message.string("disable_notification", "true");
        }
        message.string("disable_web_page_preview", "true");
        if self.thread != 0 {
            message.string("message_thread_id", &self.thread.to_string());
        }
        message.non_empty("parse_mode", &self.parse_mode);
        message.string("text", &text);
        message.end();
        body.push('\n');
        let url = format!("{}/bot{}/sendMessage", self.api_url, token.reveal());
        Ok(OneRequest::exchange(Request::post_json(Secret::new(url), body), judge))
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

fn judge(answer: Result<Response, RequestError>) -> Outcome {
    let response = match answer {
        Ok(response) => response,
        Err(RequestError::Unusable(detail)) => {
            return Outcome::Refused { reason: FailureReason::Other, detail };
        }
        Err(RequestError::DeadlinePassed) => {
            let detail = "context deadline exceeded".to_owned();
            return retry(FailureReason::ContextDeadlineExceeded, detail);
        }
        Err(RequestError::Transport(detail)) => return retry(FailureReason::Other, detail),
        Err(RequestError::TimedOut(_)) => {
            return retry(FailureReason::Other, "no answer in time".to_owned());
        }
    };
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    if response.status / 100 == 2 && body["ok"] == true {
        return delivered();
    }
    let code = body["error_code"].as_u64().and_then(|code| u16::try_from(code).ok());
    let code = code.unwrap_or(response.status);
    let said = body["description"].as_str().unwrap_or("no description");
    let wait = body["parameters"]["retry_after"].as_u64().map(std::time::Duration::from_secs);
    Outcome::Retry {
        after: wait.or(response.retry_after),
        reason: if wait.is_some() { FailureReason::RateLimited } else { failure_reason(code) },
        detail: format!("telegram: {said} ({code})"),
    }
}

fn retry(reason: FailureReason, detail: String) -> Outcome {
    Outcome::Retry { after: None, reason, detail }
}

/// What Telegram takes.
const MESSAGE_MAX: Limit = Limit::Chars(4096);

#[cfg(test)]
mod tests;
