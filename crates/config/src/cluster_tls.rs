//! The file of `--cluster.tls-config`: TLS between peers, who are servers and clients to each other.
//!
//! In: its text. Out: [`ClusterTls`], both halves of which must be there.

use std::path::Path;

use bellwether_integrations::http::TlsConfig;

use crate::block::{Block, BlockReader, Problem, Visitor, refuse_if};
use crate::paths::resolve_tls;
use crate::{Error, Errors, ServerTls};

#[derive(Clone, Debug)]
pub struct ClusterTls {
    /// For connections that peers open.
    pub server: ServerTls,
    /// For connections to peers.
    pub client: TlsConfig,
}

impl ClusterTls {
    /// Reads the first YAML document of the text.
    pub fn parse(text: &str) -> Result<Self, Errors> {
        let ClusterTlsBlock { server, client } = crate::parse_block(text)?;
        // An empty file holds no block whose rules could have been asked.
        let missing = |message: &str| Errors::from(Error::at_line(None, message.to_owned()));
        let server = server.ok_or_else(|| missing(NO_SERVER))?;
        let client = client.ok_or_else(|| missing(NO_CLIENT))?;
        Ok(ClusterTls { server, client })
    }

    /// Makes relative paths relative to `base`, the directory of the file.
    pub fn resolve_paths(&mut self, base: &Path) {
        self.server.resolve_paths(base);
        resolve_tls(&mut self.client, base);
    }
}

struct ClusterTlsBlock {
    server: Option<ServerTls>,
    client: Option<TlsConfig>,
}

impl Default for ClusterTlsBlock {
    /// Compat: the client's half may be absent, but not null.
    fn default() -> Self {
        ClusterTlsBlock { server: None, client: Some(TlsConfig::default()) }
    }
}

impl Block for ClusterTlsBlock {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.field("tls_server_config", &mut self.server);
        v.field("tls_client_config", &mut self.client);
    }

    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        refuse_if(self.server.is_none(), "tls_server_config", NO_SERVER)?;
        refuse_if(self.client.is_none(), "tls_client_config", NO_CLIENT)?;
        let is_absent = self.server.as_ref().is_some_and(ServerTls::is_absent);
        refuse_if(is_absent, "tls_server_config", "TLS config is not present")
    }
}

const NO_SERVER: &str = "missing 'tls_server_config' entry in the TLS configuration";
const NO_CLIENT: &str = "missing 'tls_client_config' entry in the TLS configuration";

#[cfg(test)]
mod tests;
