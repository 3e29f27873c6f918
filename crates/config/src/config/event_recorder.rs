//! `event_recorder`: where a record of what happened is written.

use std::time::Duration;

use bellwether_integrations::http::{HttpConfig, TlsConfig};
use bellwether_model::Secret;

use crate::block::{Block, BlockReader, Problem, Visitor, refuse_if};
use crate::value::{SECRET_SHOWN, SecretUrl};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventRecorder {
    pub file_outputs: Vec<FileOutput>,
    pub webhook_outputs: Vec<WebhookOutput>,
    pub kafka_outputs: Vec<KafkaOutput>,
    pub stdout_outputs: Vec<StdoutOutput>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileOutput {
    pub path: String,
}

/// Zero, here and below, means the default that the field's comment names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WebhookOutput {
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

/// Has nothing to set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StdoutOutput;

impl Block for EventRecorder {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.field("file_outputs", &mut self.file_outputs);
        v.field("webhook_outputs", &mut self.webhook_outputs);
        v.field("kafka_outputs", &mut self.kafka_outputs);
        v.field("stdout_outputs", &mut self.stdout_outputs);
    }
}

impl Block for FileOutput {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.shown("path", &mut self.path);
    }

    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        refuse_if(self.path.is_empty(), "path", "event_recorder file output requires a path")
    }
}

impl Block for WebhookOutput {
    fn fields(&mut self, v: &mut dyn Visitor) {
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

    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
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
        v.shown("brokers", &mut self.brokers);
        v.shown("topic", &mut self.topic);
        v.field("client_id", &mut self.client_id);
        v.field("format", &mut self.format);
        v.field("acks", &mut self.acks);
        v.field("compression", &mut self.compression);
        v.field("buffer_size", &mut self.buffer_size);
        v.field("tls_config", &mut self.tls_config);
    }

    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        refuse_if(
            self.brokers.is_empty(),
            "brokers",
            "event_recorder kafka: at least one broker is required",
        )?;
        refuse_if(
            self.brokers.iter().any(String::is_empty),
            "brokers",
            "event_recorder kafka: broker entries must be non-empty",
        )?;
        if !["", "none", "leader", "all"].contains(&self.acks.as_str()) {
            let message = format!(
                "event_recorder kafka: unknown acks {:?}, must be \"none\", \"leader\", or \"all\"",
                self.acks
            );
            return Err(Problem::at("acks", message));
        }
        let codecs = ["", "none", "gzip", "snappy", "lz4", "zstd"];
        if !codecs.contains(&self.compression.as_str()) {
            let message =
                format!("event_recorder kafka: unknown compression {:?}", self.compression);
            return Err(Problem::at("compression", message));
        }
        refuse_if(self.topic.is_empty(), "topic", "event_recorder kafka output requires a topic")?;
        if self.format.is_empty() {
            self.format = "json".to_owned();
        }
        if !["json", "protobuf"].contains(&self.format.as_str()) {
            let message = format!(
                "event_recorder kafka: unknown format {:?}, must be \"json\" or \"protobuf\"",
                self.format
            );
            return Err(Problem::at("format", message));
        }
        Ok(())
    }
}

impl Block for StdoutOutput {
    fn fields(&mut self, _v: &mut dyn Visitor) {}
}
