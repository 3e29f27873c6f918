//! `tracing`: where to report what requests took.

use std::collections::BTreeMap;
use std::time::Duration;

use bellwether_integrations::http::{Header, TlsConfig};

use crate::block::{Block, BlockReader, FieldValue, Problem, Visitor, refuse_if};
use crate::yaml::{NodeId, Tree};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tracing {
    pub client_type: TracingClient,
    /// Never empty.
    pub endpoint: String,
    /// From 0 (nothing) to 1 (everything).
    pub sampling_fraction: f64,
    pub insecure: bool,
    pub tls_config: Option<TlsConfig>,
    pub headers: BTreeMap<String, Header>,
    /// Empty or `gzip`.
    pub compression: String,
    /// Zero: the exporter's own.
    pub timeout: Duration,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TracingClient {
    #[default]
    Grpc,
    Http,
}

impl Block for Tracing {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.field("client_type", &mut self.client_type);
        v.field("endpoint", &mut self.endpoint);
        v.field("sampling_fraction", &mut self.sampling_fraction);
        v.field("insecure", &mut self.insecure);
        v.field("tls_config", &mut self.tls_config);
        v.field("headers", &mut self.headers);
        v.field("compression", &mut self.compression);
        v.field("timeout", &mut self.timeout);
    }

    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        refuse_if(self.endpoint.is_empty(), "endpoint", "tracing endpoint must be set")?;
        if !["", "gzip"].contains(&self.compression.as_str()) {
            let message = format!(
                "invalid compression type {} provided, valid options: gzip",
                self.compression
            );
            return Err(Problem::at("compression", message));
        }
        Ok(())
    }
}

impl FieldValue for TracingClient {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
        let clients = [("grpc", TracingClient::Grpc), ("http", TracingClient::Http)];
        let found = reader.one_of(node, &clients, |name| {
            format!("expected tracing client type to be to be http or grpc, but got {name}")
        });
        if let Some(client) = found {
            *self = client;
        }
    }

    fn clear(&mut self) {
        *self = TracingClient::default();
    }

    fn is_empty(&mut self) -> bool {
        false
    }

    fn tree(&mut self) -> Tree {
        Tree::text(match self {
            TracingClient::Grpc => "grpc",
            TracingClient::Http => "http",
        })
    }
}
