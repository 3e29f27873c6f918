//! The requests of one message, and what the answers mean.
//!
//! 1. The message is sent with its markup.
//! 2. If Telegram cannot read the markup, or shows more characters than it takes, the text is sent
//!    without any, followed by what Telegram said.

use std::time::Duration;

use bellwether_encoding::json::Object;
use bellwether_model::duration::format_go;
use bellwether_model::{FailureReason, Outcome, Secret};
use serde_json::Value;

use super::{known, retry};
use crate::exchange::{Exchange, Step};
use crate::http::{Request, RequestError, Response};
use crate::outcome::{delivered, failure_reason};
use crate::renderer::Limit;

pub struct TelegramExchange {
    message: Message,
    /// The same without markup; `None` if it has none, or was sent.
    plain: Option<Message>,
}

/// One message as Telegram's `sendMessage` takes it.
pub struct Message {
    pub url: Secret,
    pub chat: i64,
    /// 0: the chat itself.
    pub thread: i64,
    pub quiet: bool,
    /// Empty: no markup.
    pub parse_mode: String,
    pub text: String,
    /// Zero: no limit.
    pub timeout: Duration,
}

impl TelegramExchange {
    pub fn new(message: Message, plain: Option<Message>) -> Self {
        TelegramExchange { message, plain }
    }
}

impl Exchange for TelegramExchange {
    fn begin(&mut self) -> Step {
        Step::Send(self.message.request())
    }

    fn receive(&mut self, answer: Result<Response, RequestError>) -> Step {
        let response = match answer {
            Ok(response) => response,
            Err(error) => return Step::Done(not_answered(error)),
        };
        let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        if response.status / 100 == 2 && body["ok"] == true {
            return Step::Done(delivered());
        }
        let said = body["description"].as_str().unwrap_or("no description");
        if is_about_markup(said)
            && let Some(plain) = self.plain.take()
        {
            return Step::Send(plain.saying(said).request());
        }
        Step::Done(refused(&response, &body, said))
    }
}

impl Message {
    fn request(&self) -> Request {
        let Message { url, chat, thread, quiet, parse_mode, text, timeout } = self;
        let mut body = String::new();
        let mut message = Object::begin(&mut body);
        // Compat: all values are texts.
        message.string("chat_id", &chat.to_string());
        if *quiet {
            message.string("disable_notification", "true");
        }
        message.string("disable_web_page_preview", "true");
        if *thread != 0 {
            message.string("message_thread_id", &thread.to_string());
        }
        message.non_empty("parse_mode", parse_mode);
        message.string("text", text);
        message.end();
        body.push('\n');
        Request::post_json(url.clone(), body).timeout(*timeout)
    }

    /// With what Telegram said about the markup, for the people who can mend the template.
    fn saying(self, said: &str) -> Self {
        let said = Limit::Utf16(SAID_MAX).cut(said);
        let note = format!("\n\n[without markup, since Telegram said: {said}]");
        let left = PLAIN_MAX - note.encode_utf16().count();
        Message { text: Limit::Utf16(left).cut(&self.text) + &note, ..self }
    }
}

/// Compat: the words are Telegram's own; there is no code for it.
fn is_about_markup(said: &str) -> bool {
    let said = said.to_lowercase();
    said.contains("can't parse") || said.contains("message is too long")
}

fn not_answered(error: RequestError) -> Outcome {
    match error {
        RequestError::Unusable(detail) => Outcome::Refused { reason: FailureReason::Other, detail },
        RequestError::Denied(detail) => {
            Outcome::Refused { reason: FailureReason::AddressDenied, detail }
        }
        RequestError::DeadlinePassed => {
            let detail = "context deadline exceeded".to_owned();
            retry(FailureReason::ContextDeadlineExceeded, detail)
        }
        RequestError::Transport(detail) => retry(FailureReason::Other, detail),
        RequestError::TimedOut(after) => {
            let after = format_go(i64::try_from(after.as_nanos()).unwrap_or(i64::MAX));
            let detail = format!("configured telegram timeout reached ({after})");
            retry(FailureReason::Other, detail)
        }
    }
}

fn refused(response: &Response, body: &Value, said: &str) -> Outcome {
    let code = body["error_code"].as_u64().and_then(|code| u16::try_from(code).ok());
    let code = code.unwrap_or(response.status);
    let wait = body["parameters"]["retry_after"].as_u64().map(Duration::from_secs);
    let is_known = code == 429 || known::DESCRIPTIONS.contains(&said);
    Outcome::Retry {
        after: wait.or(response.retry_after),
        reason: if is_known { failure_reason(code) } else { FailureReason::Other },
        detail: format!("telegram: {} ({code})", shown(said, is_known)),
    }
}

/// Compat: upstream's client leaves out the kind of error, `Bad Request: `, of those that it knows.
fn shown(said: &str, is_known: bool) -> &str {
    match said.split_once(": ") {
        Some((_, rest)) if is_known && !rest.contains(": ") => rest,
        _ => said,
    }
}

/// What Telegram takes of a text without markup, whichever way it counts.
const PLAIN_MAX: usize = 4096;

/// Limit: how much of what Telegram said the message repeats.
const SAID_MAX: usize = 300;
