//! The texts of one configuration: what the template files define, and each field's text, ready.
//!
//! In, once per load: the operator's template files and, from every receiver that is built, the
//! texts of its fields. Out: [`TextTemplate`]s that a [`Renderer`](crate::renderer::Renderer) renders once per
//! notification without parsing anything.
//!
//! An invalid template is not refused here: the configuration has been accepted by other
//! programs, and its other fields can still say what is wrong. It becomes a [`TemplateFault`] now,
//! for the log, and again at each notification, where a plain text is sent instead.
//!
//! Templates know the alerts through `value` (the types that templates see) and `functions`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bellwether_model::{Secret, Timestamp};
use bellwether_template::{Error, Limits, Prepared, Templates as Set};

mod defaults;
mod functions;
pub(crate) mod route_labels;
mod text;
pub(crate) mod time;
pub(crate) mod value;

use crate::any_value::AnyValue;
use crate::mentions::Mentions;
use crate::secret::SecretSource;
use crate::templates::route_labels::RouteLabels;
use crate::templates::value::{Host, facts_value};

pub use time::{format_time, parse_time};
pub use value::{AlertFacts, Facts};

/// What all texts of one configuration share; receivers are built with it.
pub struct Templates {
    set: Set,
    external_url: Arc<str>,
    read_yaml: ReadYaml,
    /// Receivers are alike: most of their texts are the defaults.
    prepared: BTreeMap<(Language, String), Arc<Result<Prepared, Error>>>,
    faults: Vec<TemplateFault>,
}

/// What remains of [`Templates`] once everything is built: what a notification still needs.
#[derive(Clone)]
pub struct Definitions {
    pub(crate) set: Set,
    /// Under which the server is reached from outside, without a slash at its end.
    pub(crate) external_url: Arc<str>,
    pub(crate) read_yaml: ReadYaml,
    pub(crate) mentions: Mentions,
    pub(crate) route_labels: BTreeMap<String, Arc<Result<Prepared, Error>>>,
}

/// Reads a text as YAML; `None` if it is not YAML. The parser is that of the configuration's crate.
#[derive(Clone, Copy)]
pub struct ReadYaml(pub fn(&str) -> Option<AnyValue>);

/// A field's text, ready to be rendered.
#[derive(Clone)]
pub struct TextTemplate {
    pub(crate) field: &'static str,
    pub(crate) form: Form,
}

#[derive(Clone)]
pub(crate) enum Form {
    /// Nothing to render.
    Literal(Arc<str>),
    Template {
        language: Language,
        prepared: Arc<Result<Prepared, Error>>,
    },
}

/// How values are escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    Plain,
    Html,
}

/// A text that is secret, is a template, and may be in a file.
#[derive(Clone, Debug)]
pub enum SecretText {
    Given(TextTemplate),
    /// Read at each attempt, surrounding white space trimmed.
    File {
        field: &'static str,
        source: SecretSource,
    },
}

/// A value of any shape with texts in it, as the webhook's `payload`.
#[derive(Clone, Debug)]
pub enum Structure {
    Text(TextTemplate),
    /// A scalar that is not a text.
    Plain(AnyValue),
    List(Vec<Structure>),
    /// Keys are texts too.
    Map(Vec<(TextTemplate, Structure)>),
}

/// A text that could not be rendered. Nothing was lost but that text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateFault {
    /// The field as the configuration calls it.
    pub field: Cow<'static, str>,
    /// In the words of Go's template packages.
    pub reason: String,
}

// === impl Templates ===

impl Templates {
    /// Parses the built-in templates and `files`, pairs of a file's name without its folder and its
    /// text; of equal definitions the last one counts.
    ///
    /// # Errors
    /// If a file is not a valid template, in the words of Go's template packages.
    pub fn load<'a>(
        external_url: &str,
        read_yaml: ReadYaml,
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, Error> {
        let mut set = defaults::set();
        for (name, text) in files {
            set.parse(name, text)?;
        }
        Ok(Templates {
            set,
            external_url: external_url.into(),
            read_yaml,
            prepared: BTreeMap::new(),
            faults: Vec::new(),
        })
    }

    /// The text of a field that becomes plain text.
    pub fn text(&mut self, field: &'static str, source: &str) -> TextTemplate {
        self.ready(field, source, Language::Plain)
    }

    /// The text of a field that becomes HTML: values are escaped for where they stand.
    pub fn html(&mut self, field: &'static str, source: &str) -> TextTemplate {
        self.ready(field, source, Language::Html)
    }

    /// The text of a field that is secret and may be in a file instead.
    pub fn secret(&mut self, field: &'static str, given: &Secret, file: &str) -> SecretText {
        match SecretSource::new(given, file) {
            source @ SecretSource::File(_) => SecretText::File { field, source },
            SecretSource::Given(text) => SecretText::Given(self.text(field, text.reveal())),
        }
    }

    /// A field of any shape. Keys that are not texts are dropped.
    pub fn structure(&mut self, field: &'static str, value: &AnyValue) -> Structure {
        match value {
            AnyValue::Text(text) => Structure::Text(self.text(field, text)),
            AnyValue::List(items) => {
                Structure::List(items.iter().map(|item| self.structure(field, item)).collect())
            }
            AnyValue::Map(entries) => {
                let mut map = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    if let AnyValue::Text(key) = key {
                        map.push((self.text(field, key), self.structure(field, value)));
                    }
                }
                Structure::Map(map)
            }
            AnyValue::Null
            | AnyValue::Bool(_)
            | AnyValue::Int(_)
            | AnyValue::Uint(_)
            | AnyValue::Float(_) => Structure::Plain(value.clone()),
        }
    }

    /// Renders a text with data that was made up, as plain text or as HTML.
    ///
    /// # Errors
    /// In the words of Go's template packages.
    pub fn try_out(
        &self,
        text: &str,
        language: Language,
        facts: &Facts,
        now: Timestamp,
    ) -> Result<String, Error> {
        let prepared = match language {
            Language::Plain => self.set.prepare(text)?,
            Language::Html => self.set.prepare_html(text)?,
        };
        let host = Host::new(now, RouteLabels::from(facts.route_labels.clone()));
        prepared.render(&facts_value(facts), &host, Limits::default())
    }

    /// The invalid templates so far, each once.
    pub fn faults(&self) -> &[TemplateFault] {
        &self.faults
    }

    /// What notifications need, once every receiver is built. `route_labels` are the values of all
    /// routes' labels.
    pub fn finish<'a>(
        mut self,
        route_labels: impl IntoIterator<Item = &'a str>,
    ) -> (Definitions, Vec<TemplateFault>) {
        let mut ready = BTreeMap::new();
        for label in route_labels {
            if let Form::Template { prepared, .. } = self.text("route label", label).form {
                ready.insert(label.to_owned(), prepared);
            }
        }
        let Templates { set, external_url, read_yaml, prepared: _, faults } = self;
        let mentions = Mentions::default();
        (Definitions { set, external_url, read_yaml, mentions, route_labels: ready }, faults)
    }

    fn ready(&mut self, field: &'static str, source: &str, language: Language) -> TextTemplate {
        if is_literal(source, language) {
            return TextTemplate { field, form: Form::Literal(source.into()) };
        }
        let key = (language, source.to_owned());
        if let Some(prepared) = self.prepared.get(&key) {
            let prepared = Arc::clone(prepared);
            return TextTemplate { field, form: Form::Template { language, prepared } };
        }
        let prepared = match language {
            Language::Plain => self.set.prepare(source),
            Language::Html => self.set.prepare_html(source),
        };
        if let Err(error) = &prepared {
            self.faults.push(TemplateFault { field: field.into(), reason: error.text.clone() });
        }
        let prepared = Arc::new(prepared);
        self.prepared.insert(key, Arc::clone(&prepared));
        TextTemplate { field, form: Form::Template { language, prepared } }
    }
}

/// Whether a text stands for itself. HTML does not: its comments vanish, for one.
fn is_literal(source: &str, language: Language) -> bool {
    !source.contains("{{") && (language == Language::Plain || !source.contains('<'))
}

// === impl Definitions ===

impl Definitions {
    pub fn with_mentions(self, mentions: Mentions) -> Self {
        Definitions { mentions, ..self }
    }

    pub fn mentions(&self) -> Mentions {
        self.mentions
    }
}

// === impl TextTemplate ===

impl TextTemplate {
    /// Whether there is nothing to render at all: the field was left out, or set to nothing.
    pub fn is_empty(&self) -> bool {
        matches!(&self.form, Form::Literal(text) if text.is_empty())
    }
}

/// The field only: the text may be a secret.
impl fmt::Debug for TextTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({})", self.field)
    }
}

// === impl TemplateFault ===

impl fmt::Display for TemplateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.reason)
    }
}

#[cfg(test)]
mod tests;
