//! Rendering the texts of one notification.
//!
//! In: a [`Notification`], the configuration's [`Definitions`], and the files with secrets that have
//! been read. Out: rendered texts, on demand.
//!
//! A template that fails never loses a notification. The fallback for a failed text depends on what
//! it is for, so there are three ways to ask for one:
//!
//! - [`Renderer::line`] and [`Renderer::prose`] for what people read: a title, a body. A plain built-in
//!   text takes its place and says so.
//! - [`Renderer::or_default`] for what programs read and can do without: a colour, an icon, a priority. A
//!   given word takes its place.
//! - [`Renderer::required`] for what nothing can replace, such as a recipient. The attempt is refused.
//!
//! Each failure is remembered as a [`TemplateFault`] for the log, and the other texts are rendered as if
//! nothing had happened.

use bellwether_model::{Notification, Secret};
use bellwether_template::{Error, Interrupt, Limits, Prepared, Value as TemplateValue};
use serde_json::value::RawValue;

use crate::any_value::AnyValue;
use crate::data::{Data, Status};
use crate::outcome::BeginError;
use crate::secret::{Files, SecretSource};
use crate::templates::route_labels::RouteLabels;
use crate::templates::value::{Host, template_value};
use crate::templates::{
    Definitions, Form, Language, SecretText, Structure, TemplateFault, TextTemplate,
};

mod fitting;
mod idempotency;
mod plain;
mod route_labels;

pub use self::fitting::Limit;

/// Renders texts for one attempt.
pub struct Renderer<'a> {
    definitions: &'a Definitions,
    notification: &'a Notification,
    files: &'a Files,
    data: Data<'a>,
    /// Alerts of the notification that [`Renderer::limit_alerts`] left out.
    left_out: u64,
    host: Host,
    interrupt: Interrupt<'a>,
    /// The data as templates see it; made when the first template wants it.
    value: Option<TemplateValue>,
    faults: Vec<TemplateFault>,
    /// What must not be seen where a request is shown instead of sent.
    secrets: Vec<Secret>,
}

impl<'a> Renderer<'a> {
    pub fn new(
        definitions: &'a Definitions,
        notification: &'a Notification,
        files: &'a Files,
    ) -> Self {
        Renderer::interruptible(definitions, notification, files, &|| None)
    }

    /// One whose templates fail from the time on when `interrupt` has a reason.
    pub fn interruptible(
        definitions: &'a Definitions,
        notification: &'a Notification,
        files: &'a Files,
        interrupt: Interrupt<'a>,
    ) -> Self {
        let data = Data::new(notification, &notification.alerts, &definitions.external_url);
        let host = Host::new(notification.now, RouteLabels::default());
        let mut renderer = Renderer {
            definitions,
            notification,
            files,
            data,
            left_out: 0,
            host,
            interrupt,
            value: None,
            faults: Vec::new(),
            secrets: Vec::new(),
        };
        renderer.render_route_labels();
        renderer
    }

    /// From here on, only the first `max` alerts are included, also in what all have in common;
    /// 0 means all. Returns how many are left out.
    pub fn limit_alerts(&mut self, max: u64) -> u64 {
        let all = &self.notification.alerts;
        let included = match usize::try_from(max) {
            Ok(max) if max > 0 => all.get(..max).unwrap_or(all),
            _ => all,
        };
        let route_labels = std::mem::take(&mut self.data.route_labels);
        self.data = Data::new(self.notification, included, &self.definitions.external_url);
        self.data.route_labels = route_labels;
        self.value = None;
        self.left_out = (all.len() - included.len()) as u64;
        self.left_out
    }

    /// A text of one line that people read. If its template fails: the status and the group's
    /// labels.
    pub fn line(&mut self, text: &TextTemplate) -> String {
        match self.render(text) {
            Ok(rendered) => rendered,
            Err(error) => self.plain_line(text, &error),
        }
    }

    /// A text of any length that people read. If its template fails: the status, the group's
    /// labels, and the first alerts.
    pub fn prose(&mut self, text: &TextTemplate) -> String {
        match self.render(text) {
            Ok(rendered) => rendered,
            Err(error) => self.plain_prose(text, &error),
        }
    }

    /// A text that programs read, or that decorates. If its template fails: `otherwise`.
    pub fn or_default(&mut self, text: &TextTemplate, otherwise: &str) -> String {
        self.render(text).unwrap_or_else(|_| otherwise.to_owned())
    }

    /// A text without which nothing can be sent.
    ///
    /// # Errors
    /// If its template fails.
    pub fn required(&mut self, text: &TextTemplate) -> Result<String, BeginError> {
        self.render(text)
            .map_err(|error| BeginError::Template(format!("{}: {}", text.field, error.text)))
    }

    /// A secret that is not a template; without white space around it if it comes from a file.
    ///
    /// # Errors
    /// If its file has not been read yet, or could not be.
    pub fn secret(&mut self, source: &SecretSource) -> Result<Secret, BeginError> {
        let secret = source.trimmed(self.files)?;
        Ok(self.noted(secret))
    }

    /// A secret that is not a template, with all its white space.
    ///
    /// # Errors
    /// As [`Renderer::secret`].
    pub fn secret_untrimmed(&mut self, source: &SecretSource) -> Result<Secret, BeginError> {
        let secret = source.untrimmed(self.files)?;
        Ok(self.noted(secret))
    }

    /// A secret that is a template.
    ///
    /// # Errors
    /// As [`Renderer::secret`], or if the template fails. The error does not quote it.
    pub fn secret_text(&mut self, text: &SecretText) -> Result<Secret, BeginError> {
        let (field, rendered) = match text {
            SecretText::Given(text) => (text.field, self.render_quietly(text)),
            SecretText::File { field, source } => {
                let content = source.trimmed(self.files)?;
                if !content.reveal().contains("{{") {
                    return Ok(self.noted(content));
                }
                let prepared = self.definitions.set.prepare(content.reveal());
                (*field, prepared.and_then(|prepared| self.run(&prepared)))
            }
        };
        rendered.map(|text| self.noted(Secret::new(text))).map_err(|_| {
            let reason = "the template failed".to_owned();
            self.faults.push(TemplateFault { field: field.into(), reason });
            BeginError::Template(format!(
                "{field}: the template failed; it may be secret and is not shown"
            ))
        })
    }

    /// A value of any shape, its texts rendered. What a text then says as YAML takes its place,
    /// unless that is a text: `"3"` becomes a number, `"[a, b]"` a list. Of texts only those in JSON,
    /// as `toJson` writes them, lose their quotes.
    pub fn structure(&mut self, structure: &Structure) -> AnyValue {
        match structure {
            Structure::Plain(value) => value.clone(),
            Structure::Text(text) => {
                let rendered = self.line(text);
                match (self.definitions.read_yaml.0)(&rendered) {
                    None => AnyValue::Text(rendered),
                    Some(AnyValue::Text(text)) => {
                        let is_json = serde_json::from_str::<&RawValue>(&rendered).is_ok();
                        AnyValue::Text(if is_json { text } else { rendered })
                    }
                    Some(value) => value.with_text_keys(),
                }
            }
            Structure::List(items) => {
                AnyValue::List(items.iter().map(|item| self.structure(item)).collect())
            }
            Structure::Map(entries) => {
                let entries = entries
                    .iter()
                    .map(|(key, value)| (AnyValue::Text(self.line(key)), self.structure(value)));
                AnyValue::Map(entries.collect())
            }
        }
    }

    pub fn notification(&self) -> &'a Notification {
        self.notification
    }

    /// The facts about the included alerts.
    pub fn data(&self) -> &Data<'a> {
        &self.data
    }

    /// Whether any included alert fires.
    pub fn is_firing(&self) -> bool {
        self.data.status == Status::Firing
    }

    /// What incident systems know the group by: a hash of its key, 64 characters.
    pub fn group_hash(&self) -> String {
        self.notification.group_key.hash()
    }

    /// The same for each attempt with the same content, another one for the next notification: a
    /// receiver that sees it twice may drop the second.
    pub fn idempotency_key(&self) -> String {
        idempotency::key(self.notification)
    }

    /// The failures so far.
    pub fn faults(&self) -> &[TemplateFault] {
        &self.faults
    }

    pub fn into_faults(self) -> Vec<TemplateFault> {
        self.faults
    }

    /// The secrets that were asked for so far; they may occur in the exchange's requests.
    pub fn secrets(&self) -> &[Secret] {
        &self.secrets
    }

    fn noted(&mut self, secret: Secret) -> Secret {
        self.secrets.push(secret.clone());
        secret
    }

    fn render(&mut self, text: &TextTemplate) -> Result<String, Error> {
        self.render_quietly(text).inspect_err(|error| self.note_fault(text, error))
    }

    fn note_fault(&mut self, text: &TextTemplate, error: &Error) {
        let reason = error.text.clone();
        self.faults.push(TemplateFault { field: text.field.into(), reason });
    }

    fn render_quietly(&mut self, text: &TextTemplate) -> Result<String, Error> {
        match &text.form {
            Form::Literal(literal) => Ok(literal.to_string()),
            Form::Template { prepared, .. } => match &**prepared {
                Ok(prepared) => self.run(prepared),
                Err(error) => Err(error.clone()),
            },
        }
    }

    fn run(&mut self, prepared: &Prepared) -> Result<String, Error> {
        let value = self.value.get_or_insert_with(|| template_value(&self.data));
        prepared.render_unless(value, &self.host, Limits::default(), self.interrupt)
    }
}

/// Whether a fallback for this text must be escaped.
fn is_html(text: &TextTemplate) -> bool {
    matches!(&text.form, Form::Template { language: Language::Html, .. })
}

#[cfg(test)]
mod tests;
