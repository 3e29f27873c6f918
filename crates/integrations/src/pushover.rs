//! Pushover: a push message to people's phones, everything in the URL's query and no body.
//!
//! The URL holds token and user key, so it is a secret although its beginning is well known. Messages
//! of the highest priority are repeated every `retry` until someone acknowledges them or `expire` passes;
//! Pushover wants both with any priority.

use std::time::Duration;

use bellwether_model::Secret;
use bytes::Bytes;

use crate::exchange::{BuildError, Exchange, Integration, OneRequest};
use crate::http::{Method, Request};
use crate::outcome::{BeginError, check_response, delivered};
use crate::renderer::Renderer;
use crate::templates::{SecretText, Templates, TextTemplate};

pub mod config;
mod message;

use self::config::Config;

/// One configured Pushover user.
#[derive(Debug)]
pub struct Pushover {
    user_key: SecretText,
    token: SecretText,
    title: TextTemplate,
    message: TextTemplate,
    url: TextTemplate,
    url_title: TextTemplate,
    device: TextTemplate,
    sound: TextTemplate,
    priority: TextTemplate,
    retry: Duration,
    expire: Duration,
    /// Zero: kept for ever.
    ttl: Duration,
    form: Form,
}

/// How the message is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Plain,
    Html,
    Monospace,
}

impl Pushover {
    /// # Errors
    /// None; the result is what all integrations have in common.
    pub fn build(config: &Config, templates: &mut Templates) -> Result<Self, BuildError> {
        let Config {
            // Whether to notify of resolved alerts is decided before an attempt begins.
            send_resolved: _,
            // The courier's.
            http_config: _,
            user_key,
            user_key_file,
            token,
            token_file,
            title,
            message,
            url,
            url_title,
            device,
            sound,
            priority,
            retry,
            expire,
            ttl,
            html,
            monospace,
        } = config;
        let form = match (html, monospace) {
            (true, _) => Form::Html,
            (false, true) => Form::Monospace,
            (false, false) => Form::Plain,
        };
        let message = match form {
            Form::Html => templates.html("message", message),
            Form::Plain | Form::Monospace => templates.text("message", message),
        };
        Ok(Pushover {
            user_key: templates.secret("user_key", user_key, user_key_file),
            token: templates.secret("token", token, token_file),
            title: templates.text("title", title),
            message,
            url: templates.text("url", url),
            url_title: templates.text("url_title", url_title),
            device: templates.text("device", device),
            sound: templates.text("sound", sound),
            priority: templates.text("priority", priority),
            retry: *retry,
            expire: *expire,
            ttl: *ttl,
            form,
        })
    }
}

impl Integration for Pushover {
    fn begin(&self, renderer: &mut Renderer<'_>) -> Result<Box<dyn Exchange>, BeginError> {
        let token = renderer.secret_text(&self.token)?;
        let user_key = renderer.secret_text(&self.user_key)?;
        let query = message::query(self, &token, &user_key, renderer);
        let request = Request {
            method: Method::Post,
            url: Secret::new(format!("{URL}?{query}")),
            headers: vec![("Content-Type".to_owned(), "text/plain".to_owned())],
            body: Bytes::new(),
            timeout: None,
        };
        Ok(OneRequest::exchange(request, |answer| match check_response("pushover", answer) {
            Ok(_) => delivered(),
            Err(outcome) => outcome,
        }))
    }
}

const URL: &str = "https://api.pushover.net/1/messages.json";

#[cfg(test)]
mod tests;
