//! The configuration file: YAML text to [`Config`], every mistake with its line, and back.
//!
//! In: the text of a file, which the caller has read, and the mode in which matchers are read.
//! Out: a faithful [`Config`] with all defaults filled in, the global settings merged into the
//! receivers' integrations, and all rules of the format checked; or [`Errors`], as many as could be
//! found at once. [`print`] gives the effective configuration as text, secrets hidden, which reads
//! back as itself.
//!
//! It opens no file: paths and globs stay paths and globs, relative to whatever
//! [`Config::resolve_paths`] is given. It does not know what the engine makes of all this, nor which
//! receivers a build can send to.
//!
//! Three floors: `yaml` is text to tree and back; `block` and `value` are the one list of fields
//! per block from which reading and printing follow; `config` and `receivers` are those lists.
//! `settings` reads a flat map of texts. [`decode`] turns a file's bytes into text. `merge` and `rules` look at the file as a whole. `cluster_tls` and `web` are the lists of two
//! smaller files, which have nothing to do with routes and receivers.

mod block;
mod cluster_tls;
mod config;
mod decode;
mod error;
mod http;
mod merge;
mod paths;
mod receivers;
mod rules;
mod server_tls;
mod settings;
mod value;
mod web;
mod yaml;

use bellwether_integrations::{AnyValue, IntegrationConfig};
use bellwether_model::MatcherMode;

pub use cluster_tls::ClusterTls;
pub use config::{
    Config, EventRecorder, FileOutput, Global, GroupBy, InhibitRule, KafkaOutput, NamedIntervals,
    Receiver, Route, StdoutOutput, Tracing, TracingClient, WebhookOutput,
};
pub use decode::{DecodeError, decode};
pub use error::{Error, Errors};
pub use http::parse_http_config;
pub use paths::resolve_http_paths;
pub use server_tls::{ClientAuth, ServerTls};
pub use settings::parse_settings;
pub use web::{HttpServer, RateLimit, WebConfig};

use block::{Block, BlockReader, FieldValue};
use yaml::Document;

/// A configuration without mistakes.
#[derive(Clone, Debug)]
pub struct Parsed {
    pub config: Config,
    /// What reads differently in the two matcher syntaxes; for the log.
    pub warnings: Vec<String>,
}

/// Reads the first YAML document of a text of at most 16 MiB.
pub fn parse(text: &str, mode: MatcherMode) -> Result<Parsed, Errors> {
    let document = Document::load(text)?;
    let Some(root) = document.root().filter(|root| !document.is_null(*root)) else {
        return Err(Error::at_line(None, "no route provided in config".to_owned()).into());
    };
    let mut config = Config::default();
    let mut reader = BlockReader::new(&document, mode);
    reader.fill(&mut config, root);
    let (errors, warnings) = reader.finish();
    Errors::refuse_any(errors)?;
    let mut findings = rules::Findings::new(&document);
    rules::check_globals(&config.global, &mut findings);
    merge::merge_globals(&mut config, &mut findings);
    rules::check_routes(&config, &mut findings);
    Errors::refuse_any(findings.finish())?;
    Ok(Parsed { config, warnings })
}

/// Reads a file that is one block; an empty one is the block's default.
fn parse_block<T: Block>(text: &str) -> Result<T, Errors> {
    let document = Document::load(text)?;
    let mut block = T::default();
    let mut reader = BlockReader::new(&document, MatcherMode::default());
    if let Some(root) = document.root() {
        reader.fill(&mut block, root);
    }
    let (errors, _) = reader.finish();
    Errors::refuse_any(errors)?;
    Ok(block)
}

/// Reads a text as one YAML value of any shape; `None` if it is not YAML. An empty one is null.
pub fn read_value(text: &str) -> Option<AnyValue> {
    let document = Document::load(text).ok()?;
    let mut value = AnyValue::Null;
    let mut reader = BlockReader::new(&document, MatcherMode::default());
    if let Some(root) = document.root() {
        reader.fill(&mut value, root);
    }
    let (errors, _) = reader.finish();
    errors.is_empty().then_some(value)
}

/// The effective configuration as YAML, in the Go server's order and style, secrets as `<secret>`.
///
/// Compat: the e-mail integrations of receivers that a route uses are printed with the headers that
/// have defaults, because the Go server completes them when it builds a receiver.
pub fn print(config: &Config) -> String {
    let mut shown = config.clone();
    let used = shown.route.receivers();
    for receiver in shown.receivers.iter_mut().filter(|receiver| used.contains(&receiver.name)) {
        for integration in &mut receiver.integrations {
            if let IntegrationConfig::Email(email) = integration {
                email.headers = email.headers_completed();
            }
        }
    }
    yaml::emit(&shown.tree())
}

#[cfg(test)]
mod tests;
