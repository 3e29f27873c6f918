//! Log lines, in the two forms that operators and their tools already read.
//!
//! In: `tracing` events. Out: one line each on standard error, as Go's `slog` writes it:
//! `time=… level=INFO source=boot.rs:12 msg="Listening on" address=[::]:9093`, or the same as JSON.
//! The time has milliseconds and the local zone in the text form, nanoseconds in JSON.
//!
//! The field `component` names the part of the server, as in the Go Alertmanager, and comes first.
//! Spans are not recorded. Events of libraries are shown from WARN on: their INFO is not about this
//! server.

use std::io::Write as _;

use bellwether_encoding::json::{Escape, push_string};
use bellwether_model::quote::quoted;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::clock::Clock;

/// The least severity that is shown (`--log.level`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    Debug,
    #[default]
    Info,
    Warn,
    Error,
}

/// How a line is written (`--log.format`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    #[default]
    Logfmt,
    Json,
}

/// Turns log events into lines from now on, for the whole process.
pub fn start(level: Level, format: Format, clock: Clock) {
    let lines = Lines { least: level.as_tracing(), format, clock };
    // It fails only if lines are already written by an earlier call, which then goes on.
    let _ = tracing::subscriber::set_global_default(lines);
}

impl Level {
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.to_lowercase().as_str() {
            "debug" => Ok(Level::Debug),
            "info" => Ok(Level::Info),
            "warn" => Ok(Level::Warn),
            "error" => Ok(Level::Error),
            _ => Err(format!("unrecognized log level {text}")),
        }
    }

    fn as_tracing(self) -> tracing::Level {
        match self {
            Level::Debug => tracing::Level::DEBUG,
            Level::Info => tracing::Level::INFO,
            Level::Warn => tracing::Level::WARN,
            Level::Error => tracing::Level::ERROR,
        }
    }
}

impl Format {
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "logfmt" => Ok(Format::Logfmt),
            "json" => Ok(Format::Json),
            _ => Err(format!("unrecognized log format {text}")),
        }
    }
}

struct Lines {
    least: tracing::Level,
    format: Format,
    clock: Clock,
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let ours = metadata.target().starts_with("bellwether");
        let least = if ours { self.least } else { self.least.min(tracing::Level::WARN) };
        metadata.is_event() && *metadata.level() <= least
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        let path = metadata.file().unwrap_or("unknown");
        let source = format!(
            "{}:{}",
            path.rsplit(['/', '\\']).next().unwrap_or(path),
            metadata.line().unwrap_or(0)
        );
        let at = self.clock.now().wall;
        let level = metadata.level().as_str();
        let line = match self.format {
            Format::Logfmt => fields.logfmt(&at.rfc3339_millis(), level, &source),
            Format::Json => fields.json(&at.rfc3339_nanos(), level, &source),
        };
        // There is nowhere to report that standard error is gone.
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The fields of an event, in their order.
#[derive(Default)]
struct Fields {
    message: String,
    component: Option<String>,
    others: Vec<(&'static str, Value)>,
}

enum Value {
    Text(String),
    /// A number or a boolean, which JSON shows without quotes.
    Bare(String),
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::Text(text)) => self.message = text,
            ("component", Value::Text(text)) => self.component = Some(text),
            (name, value) => self.others.push((name, value)),
        }
    }

    fn logfmt(&self, time: &str, level: &str, source: &str) -> String {
        let mut line = format!("time={time} level={level} source={source} msg=");
        push_text(&mut line, &self.message);
        if let Some(component) = &self.component {
            line.push_str(" component=");
            push_text(&mut line, component);
        }
        for (name, value) in &self.others {
            line.push(' ');
            line.push_str(name);
            line.push('=');
            match value {
                Value::Text(text) | Value::Bare(text) => push_text(&mut line, text),
            }
        }
        line.push('\n');
        line
    }

    fn json(&self, time: &str, level: &str, source: &str) -> String {
        let mut line = String::from("{");
        let mut put = |name: &str, value: &str, is_text: bool| {
            if line.len() > 1 {
                line.push(',');
            }
            push_string(&mut line, name, Escape::Plain);
            line.push(':');
            if is_text {
                push_string(&mut line, value, Escape::Plain);
            } else {
                line.push_str(value);
            }
        };
        put("time", time, true);
        put("level", level, true);
        put("source", source, true);
        put("msg", &self.message, true);
        if let Some(component) = &self.component {
            put("component", component, true);
        }
        for (name, value) in &self.others {
            match value {
                Value::Text(text) => put(name, text, true),
                Value::Bare(text) => put(name, text, false),
            }
        }
        line.push_str("}\n");
        line
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, Value::Text(value.to_owned()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, Value::Bare(value.to_string()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, Value::Bare(value.to_string()));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, Value::Bare(value.to_string()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, Value::Bare(value.to_string()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.put(field, Value::Text(format!("{value:?}")));
    }
}

/// Appends a value of the text form, in quotes only where a reader could not split it otherwise.
fn push_text(line: &mut String, text: &str) {
    if !needs_quotes(text) {
        line.push_str(text);
        return;
    }
    line.push_str(&quoted(text));
}

fn needs_quotes(text: &str) -> bool {
    let splits = |c: char| {
        matches!(c, ' ' | '=' | '"')
            || c.is_control() && c != '\u{7f}'
            || !c.is_ascii() && (c.is_whitespace() || c == '\u{fffd}' || is_escaped(c))
    };
    text.is_empty() || text.chars().any(splits)
}

/// Whether Go's quoting does not show the character as it is.
fn is_escaped(c: char) -> bool {
    quoted(c.encode_utf8(&mut [0; 4])).starts_with("\"\\")
}

#[cfg(test)]
mod tests;
