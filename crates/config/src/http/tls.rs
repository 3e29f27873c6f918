//! `tls_config`: whom to trust, and who we are.

use bellwether_integrations::http::{TlsConfig, TlsVersion};

use super::several;
use crate::block::{Block, BlockReader, FieldValue, Problem, Visitor, refuse_if};
use crate::yaml::{NodeId, Tree};

impl Block for TlsConfig {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.field("ca", &mut self.ca);
        v.field("cert", &mut self.cert);
        v.field("key", &mut self.key);
        v.field("ca_file", &mut self.ca_file);
        v.field("cert_file", &mut self.cert_file);
        v.field("key_file", &mut self.key_file);
        v.field("ca_ref", &mut self.ca_ref);
        v.field("cert_ref", &mut self.cert_ref);
        v.field("key_ref", &mut self.key_ref);
        v.field("server_name", &mut self.server_name);
        v.shown("insecure_skip_verify", &mut self.insecure_skip_verify);
        v.field("min_version", &mut Version(&mut self.min_version));
        v.field("max_version", &mut Version(&mut self.max_version));
    }

    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        let cas = [&self.ca, &self.ca_file, &self.ca_ref].map(|text| !text.is_empty());
        let certs = [&self.cert, &self.cert_file, &self.cert_ref].map(|text| !text.is_empty());
        let keys = [!self.key.is_empty(), !self.key_file.is_empty(), !self.key_ref.is_empty()];
        let (has_cert, has_key) = (certs.contains(&true), keys.contains(&true));
        refuse_if(several(cas), "", "at most one of ca, ca_file & ca_ref must be configured")?;
        refuse_if(
            several(certs),
            "",
            "at most one of cert, cert_file & cert_ref must be configured",
        )?;
        refuse_if(several(keys), "", "at most one of key and key_file must be configured")?;
        refuse_if(
            has_cert && !has_key,
            "",
            "exactly one of key or key_file must be configured when a client certificate is \
             configured",
        )?;
        refuse_if(
            has_key && !has_cert,
            "",
            "exactly one of cert or cert_file must be configured when a client key is configured",
        )
    }
}

/// Where a version may stand.
pub(crate) struct Version<'a>(pub &'a mut Option<TlsVersion>);

impl FieldValue for Version<'_> {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
        let found = reader.one_of(node, &VERSIONS, |name| format!("unknown TLS version: {name}"));
        if found.is_some() {
            *self.0 = found;
        }
    }

    fn clear(&mut self) {
        *self.0 = None;
    }

    fn is_empty(&mut self) -> bool {
        self.0.is_none()
    }

    fn tree(&mut self) -> Tree {
        let name = VERSIONS.iter().find(|(_, version)| Some(*version) == *self.0);
        name.map_or(Tree::Null, |(text, _)| Tree::text(text))
    }
}

const VERSIONS: [(&str, TlsVersion); 4] = [
    ("TLS10", TlsVersion::Tls10),
    ("TLS11", TlsVersion::Tls11),
    ("TLS12", TlsVersion::Tls12),
    ("TLS13", TlsVersion::Tls13),
];
