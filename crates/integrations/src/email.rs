//! E-mail: one message per notification through an SMTP server.
//!
//! The only receiver that does not use HTTP. Its server, sender and credentials usually come from
//! the global block; TLS is implicit on port 465 and by `STARTTLS` elsewhere, unless configured otherwise.
//!
//! A mail goes out even if a template fails: a subject or body has a fallback, a header that only
//! mail programs read stays empty, and what people see as sender and recipients falls back to those
//! of the envelope. Only a recipient whose template fails stops it. And it goes out whole: everything
//! is rendered before the connection is opened.
//!
//! Quirk kept: each attempt has a message id of its own, so a mail that was taken although the
//! answer got lost comes twice; mail servers do not agree on what to make of equal ids.

use std::sync::Arc;

use bellwether_model::{Notification, Outcome, Secret};

use crate::exchange::{BuildError, Exchange, Integration, Step};
use crate::http::{RequestError, Response};
use crate::mail::{Mail, MailAccount, MailServer, Security};
use crate::outcome::{BeginError, check_response, delivered};
use crate::renderer::{Limit, Renderer};
use crate::secret::SecretSource;
use crate::templates::{Templates, TextTemplate};

mod address;
pub mod config;
mod header;
mod message;
mod quoted_printable;

use self::address::parse_list;
use self::config::{Config, Threading};
use self::message::{MessageIdentity, MessageParts};

/// Limit: bytes of one rendition of the text. Beyond it alerts are left out: few mail servers take
/// more than ten megabytes, and escapes make a text up to three times as long.
pub const BODY_BYTES_MAX: usize = 2 << 20;

/// One configured recipient, or list of them.
#[derive(Debug)]
pub struct Email {
    server: Arc<MailServer>,
    /// The name of this machine.
    host: String,
    from: TextTemplate,
    to: TextTemplate,
    /// Without the two above and the subject.
    headers: Vec<Header>,
    html: TextTemplate,
    text: TextTemplate,
    threading: Threading,
}

#[derive(Debug)]
struct Header {
    name: String,
    text: TextTemplate,
    purpose: Purpose,
}

/// What a header is for decides which fallback replaces it.
#[derive(Clone, Copy, Debug)]
enum Purpose {
    Subject,
    From,
    To,
    Other,
}

impl Email {
    /// `host`: the name of this machine, which appears in message ids.
    ///
    /// # Errors
    /// If the server's port is neither a number nor the name of a port of mail servers.
    pub fn build(
        config: &Config,
        host: &str,
        templates: &mut Templates,
    ) -> Result<Self, BuildError> {
        let Config {
            // Whether to notify of resolved alerts is decided before an attempt begins.
            send_resolved: _,
            to,
            from,
            headers: _,
            html,
            text,
            threading,
            ..
        } = config;
        let is_plain = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic());
        Ok(Email {
            server: Arc::new(server(config)?),
            host: if is_plain { host } else { "localhost.localdomain" }.to_owned(),
            from: templates.text("from", from),
            to: templates.text("to", to),
            headers: config
                .headers_completed()
                .into_iter()
                .map(|(name, text)| Header {
                    text: templates.text("headers", &text),
                    purpose: Purpose::of(&name),
                    name,
                })
                .collect(),
            html: templates.html("html", html),
            text: templates.text("text", text),
            threading: threading.clone(),
        })
    }

    fn thread(&self, notification: &Notification, group_hash: &str) -> Option<String> {
        let Threading { enabled, thread_by_date } = &self.threading;
        let day = match thread_by_date.as_str() {
            "none" => String::new(),
            _ => notification.now.rfc3339_millis()[..10].to_owned(),
        };
        enabled.then(|| format!("<alert-{}-{day}@alertmanager>", &group_hash[..16]))
    }
}

impl Integration for Email {
    fn begin(&self, renderer: &mut Renderer<'_>) -> Result<Box<dyn Exchange>, BeginError> {
        let from = renderer.or_default(&self.from, &format!("alertmanager@{}", self.host));
        let to = renderer.required(&self.to)?;
        let senders = parse_list(&from)
            .map_err(|error| BeginError::refused(format!("parse 'from' addresses: {error}")))?;
        let [sender] = <[String; 1]>::try_from(senders).map_err(|senders| {
            let count = senders.len();
            BeginError::refused(format!("must be exactly one 'from' address (got: {count})"))
        })?;
        let recipients = parse_list(&to)
            .map_err(|error| BeginError::refused(format!("parse 'to' addresses: {error}")))?;
        let headers = self.headers.iter().map(|Header { name, text, purpose }| {
            let text = match purpose {
                Purpose::Subject => renderer.line(text),
                Purpose::From => renderer.or_default(text, &sender),
                Purpose::To => renderer.or_default(text, &recipients.join(", ")),
                Purpose::Other => renderer.or_default(text, ""),
            };
            (name.as_str(), text)
        });
        let headers = headers.collect();
        let mut body = |text: &TextTemplate| {
            (!text.is_empty()).then(|| renderer.prose_within(text, Limit::Bytes(BODY_BYTES_MAX)))
        };
        let (text, html) = (body(&self.text), body(&self.html));
        let notification = renderer.notification();
        let group_hash = renderer.group_hash();
        let thread = self.thread(notification, &group_hash);
        let parts = MessageParts { headers, thread, text, html };
        let subject = format!("{} {group_hash}", notification.integration);
        let identity =
            MessageIdentity { now: notification.now, subject: &subject, host: &self.host };
        let message = parts.encode(&identity);
        let server = Arc::clone(&self.server);
        Ok(Box::new(OneMail(Box::new(Mail { server, from: sender, to: recipients, message }))))
    }
}

/// One mail, one answer.
struct OneMail(Box<Mail>);

impl Exchange for OneMail {
    fn begin(&mut self) -> Step {
        Step::Mail(self.0.clone())
    }

    fn receive(&mut self, answer: Result<Response, RequestError>) -> Step {
        Step::Done(
            check_response("email", answer)
                .map_or_else(|outcome: Outcome| outcome, |_| delivered()),
        )
    }
}

impl Purpose {
    fn of(name: &str) -> Self {
        match name {
            "Subject" => Purpose::Subject,
            "From" => Purpose::From,
            "To" => Purpose::To,
            _ => Purpose::Other,
        }
    }
}

fn server(config: &Config) -> Result<MailServer, BuildError> {
    let port = config.smarthost.port.as_str();
    let implicit = config.force_implicit_tls.unwrap_or(port == "465");
    Ok(MailServer {
        host: config.smarthost.host.clone(),
        port: port_number(port)?,
        hello: if config.hello.is_empty() { "localhost" } else { &config.hello }.to_owned(),
        security: match (implicit, config.require_tls) {
            (true, _) => Security::Implicit,
            (false, Some(false)) => Security::Never,
            (false, _) => Security::StartTls,
        },
        tls: config.tls_config.clone().unwrap_or_default(),
        account: (!config.auth_username.is_empty()).then(|| MailAccount {
            username: config.auth_username.clone(),
            identity: config.auth_identity.clone(),
            password: file_first(&config.auth_password, &config.auth_password_file),
            secret: file_first(&config.auth_secret, &config.auth_secret_file),
        }),
    })
}

/// Quirk: here the file wins over the text, unlike elsewhere.
fn file_first(text: &Secret, file: &str) -> SecretSource {
    match file {
        "" => SecretSource::Given(text.clone()),
        file => SecretSource::File(file.to_owned()),
    }
}

/// A port by its number, or by the names that the ports of mail servers have.
fn port_number(port: &str) -> Result<u16, BuildError> {
    match port {
        "smtp" | "mail" => Ok(25),
        "submission" => Ok(587),
        "submissions" | "smtps" | "urd" => Ok(465),
        port => port.parse().map_err(|_| BuildError {
            field: "smarthost",
            reason: format!("{port:?} is not a valid SMTP port"),
        }),
    }
}

#[cfg(test)]
mod tests;
