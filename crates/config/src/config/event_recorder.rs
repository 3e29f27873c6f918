//! `event_recorder`: where a record of what happened is written.

use std::collections::BTreeSet;
use std::time::Duration;

use bellwether_integrations::http::{HttpConfig, TlsConfig};
use bellwether_model::Secret;

use crate::block::{Block, BlockReader, FieldValue, Problem, Visitor, refuse_if};
use crate::value::{SECRET_SHOWN, SecretUrl};
use crate::yaml::{NodeId, Tree};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventRecorder {
    pub file_outputs: Vec<FileOutput>,
    pub webhook_outputs: Vec<WebhookOutput>,
    pub kafka_outputs: Vec<KafkaOutput>,
    pub stdout_outputs: Vec<StdoutOutput>,
}

/// `name`, here and below, is what metrics and logs call the output: unique among those of its kind,
/// never empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileOutput {
    pub name: String,
    pub path: String,
}

/// Zero, here and below, means the default that the field's comment names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WebhookOutput {
    pub name: String,
    pub url: Secret,
    /// `None` means the defaults; the global one plays no part.
    pub http_config: Option<HttpConfig>,
    /// 10 s.
    pub timeout: Duration,
    /// 4.
    pub workers: i64,
    /// 3.
    pub max_retries: i64,
    /// 500 ms; doubled each time, up to 30 s.
    pub retry_backoff: Duration,
    /// Whether several events go in one request.
    pub batch: bool,
    /// 100.
    pub batch_max_events: i64,
    /// 1 MiB.
    pub batch_max_bytes: i64,
    /// 100 ms.
    pub batch_flush_interval: Duration,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KafkaOutput {
    pub name: String,
    /// At least one; `host:port`.
    pub brokers: Vec<String>,
    pub topic: String,
    /// Empty: `alertmanager`.
    pub client_id: String,
    /// `json` or `protobuf`.
    pub format: String,
    /// `none`, `leader`, `all`; empty: `leader`.
    pub acks: String,
    /// `none`, `gzip`, `snappy`, `lz4`, `zstd`; empty: none.
    pub compression: String,
    /// 1024.
    pub buffer_size: i64,
    /// `None`: no TLS.
    pub tls_config: Option<TlsConfig>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StdoutOutput {
    pub name: String,
}

/// An output of one kind.
trait Output: Block {
    const KIND: Kind;

    fn name(&self) -> &str;

    /// The rules of its other fields.
    fn check_others(&mut self) -> Result<(), Problem>;
}

/// What the messages about a kind of outputs say.
struct Kind {
    name: &'static str,
    is_invalid: &'static str,
    lacks_name: &'static str,
}

macro_rules! kind {
    ($name:literal) => {
        Kind {
            name: $name,
            is_invalid: concat!("invalid event_recorder ", $name, " output configuration"),
            lacks_name: concat!("event_recorder ", $name, " output requires a name"),
        }
    };
}

impl Block for EventRecorder {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.field("file_outputs", &mut Outputs(&mut self.file_outputs));
        v.field("webhook_outputs", &mut Outputs(&mut self.webhook_outputs));
        v.field("kafka_outputs", &mut Outputs(&mut self.kafka_outputs));
        v.field("stdout_outputs", &mut Outputs(&mut self.stdout_outputs));
    }

    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        check_unique(&self.file_outputs)?;
        check_unique(&self.webhook_outputs)?;
        check_unique(&self.kafka_outputs)?;
        check_unique(&self.stdout_outputs)
    }
}

fn check_unique<T: Output>(outputs: &[T]) -> Result<(), Problem> {
    let mut names = BTreeSet::new();
    match outputs.iter().find(|output| !names.insert(output.name())) {
        None => Ok(()),
        Some(again) => Err(Problem::here(format!(
            "event_recorder output name {:?} is duplicated for type {}",
            again.name(),
            T::KIND.name
        ))),
    }
}

/// The outputs of one kind. What cannot be read in one of them is reported as a mistake of that kind,
/// and a null is an output without a name.
struct Outputs<'a, T>(&'a mut Vec<T>);

impl<T: Output> FieldValue for Outputs<'_, T> {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
        self.0.clear();
        for (index, item) in reader.items(node).unwrap_or_default().iter().enumerate() {
            reader.within(&format!("[{index}]"), |reader| {
                let mut output = T::default();
                let before = reader.errors_len();
                reader.fill(&mut output, *item);
                if reader.errors_len() > before {
                    reader.introduce_errors(before, T::KIND.is_invalid);
                } else if let Err(problem) = check_output(&mut output) {
                    reader.refuse(problem);
                }
                self.0.push(output);
            });
        }
    }

    fn clear(&mut self) {
        self.0.clear();
    }

    fn is_empty(&mut self) -> bool {
        self.0.is_empty()
    }

    fn tree(&mut self) -> Tree {
        FieldValue::tree(self.0)
    }
}

fn check_output<T: Output>(output: &mut T) -> Result<(), Problem> {
    refuse_if(output.name().is_empty(), "name", T::KIND.lacks_name)?;
    output.check_others()
}

impl Block for FileOutput {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.shown("name", &mut self.name);
        v.shown("path", &mut self.path);
    }
}

impl Output for FileOutput {
    const KIND: Kind = kind!("file");

    fn name(&self) -> &str {
        &self.name
    }

    fn check_others(&mut self) -> Result<(), Problem> {
        refuse_if(self.path.is_empty(), "path", "event_recorder file output requires a path")
    }
}

impl Block for WebhookOutput {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.shown("name", &mut self.name);
        v.shown("url", &mut SecretUrl(&mut self.url));
        v.field("http_config", &mut self.http_config);
        v.field("timeout", &mut self.timeout);
        v.field("workers", &mut self.workers);
        v.field("max_retries", &mut self.max_retries);
        v.field("retry_backoff", &mut self.retry_backoff);
        v.field("batch", &mut self.batch);
        v.field("batch_max_events", &mut self.batch_max_events);
        v.field("batch_max_bytes", &mut self.batch_max_bytes);
        v.field("batch_flush_interval", &mut self.batch_flush_interval);
    }
}

impl Output for WebhookOutput {
    const KIND: Kind = kind!("webhook");

    fn name(&self) -> &str {
        &self.name
    }

    fn check_others(&mut self) -> Result<(), Problem> {
        refuse_if(self.url.is_empty(), "url", "event_recorder webhook output requires a url")?;
        refuse_if(
            self.url.reveal() == SECRET_SHOWN,
            "url",
            "event_recorder webhook output requires an absolute http(s) url",
        )?;
        let numbers = [self.batch_max_events, self.batch_max_bytes];
        refuse_if(
            numbers.iter().any(|number| *number < 0),
            "",
            "event_recorder webhook batch settings cannot be negative",
        )?;
        let is_set =
            numbers.iter().any(|number| *number != 0) || !self.batch_flush_interval.is_zero();
        refuse_if(
            is_set && !self.batch,
            "",
            "event_recorder webhook batch settings require batch: true",
        )
    }
}

impl Block for KafkaOutput {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.shown("name", &mut self.name);
        v.shown("brokers", &mut self.brokers);
        v.shown("topic", &mut self.topic);
        v.field("client_id", &mut self.client_id);
        v.field("format", &mut self.format);
        v.field("acks", &mut self.acks);
        v.field("compression", &mut self.compression);
        v.field("buffer_size", &mut self.buffer_size);
        v.field("tls_config", &mut self.tls_config);
    }
}

impl Output for KafkaOutput {
    const KIND: Kind = kind!("kafka");

    fn name(&self) -> &str {
        &self.name
    }

    fn check_others(&mut self) -> Result<(), Problem> {
        let acks = ["", "none", "leader", "all"];
        let codecs = ["", "none", "gzip", "snappy", "lz4", "zstd"];
        let no_broker = self.brokers.is_empty() || self.brokers.iter().any(String::is_empty);
        for (is_wrong, field) in [
            (no_broker, "brokers"),
            (!acks.contains(&self.acks.as_str()), "acks"),
            (!codecs.contains(&self.compression.as_str()), "compression"),
        ] {
            let message = "event_recorder kafka output has invalid client configuration";
            refuse_if(is_wrong, field, message)?;
        }
        refuse_if(self.topic.is_empty(), "topic", "event_recorder kafka output requires a topic")?;
        if self.format.is_empty() {
            self.format = "json".to_owned();
        }
        refuse_if(
            !["json", "protobuf"].contains(&self.format.as_str()),
            "format",
            "event_recorder kafka output has an invalid format",
        )
    }
}

impl Block for StdoutOutput {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.shown("name", &mut self.name);
    }
}

impl Output for StdoutOutput {
    const KIND: Kind = kind!("stdout");

    fn name(&self) -> &str {
        &self.name
    }

    fn check_others(&mut self) -> Result<(), Problem> {
        Ok(())
    }
}
