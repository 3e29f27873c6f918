//! `tls_server_config`: what a listener shows of itself, and whom it lets in.
//!
//! The block is the same in the web configuration file and in the one for TLS between peers. It is
//! read with the names that the Go language uses for ciphers, curves and policies; which of them
//! this build can serve is its caller's question.

use std::path::Path;

use bellwether_integrations::http::TlsVersion;
use bellwether_model::Secret;

use crate::block::{Block, BlockReader, FieldValue, Problem, Visitor, refuse_if};
use crate::http::tls::Version;
use crate::paths::join;
use crate::yaml::{NodeId, Tree};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerTls {
    /// PEM text.
    pub cert: String,
    pub key: Secret,
    /// PEM text of the authorities that vouch for clients.
    pub client_ca: String,
    /// Each file takes precedence over the text of the same name.
    pub cert_file: String,
    pub key_file: String,
    pub client_ca_file: String,
    /// `None` is [`ClientAuth::None`], not spelled out.
    pub client_auth: Option<ClientAuth>,
    /// Go's names; empty for the library's choice.
    pub cipher_suites: Vec<&'static str>,
    /// Go's names; empty for the library's choice.
    pub curve_preferences: Vec<&'static str>,
    pub min_version: Option<TlsVersion>,
    pub max_version: Option<TlsVersion>,
    /// Compat: without effect, as in Go since 1.17.
    pub prefer_server_cipher_suites: bool,
    /// If given, a client's certificate must carry one of these names, letter for letter.
    pub client_allowed_sans: Option<Vec<String>>,
}

/// What is asked of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// No certificate is asked for.
    None,
    /// One is asked for; none, or any, will do.
    Request,
    /// Any will do.
    RequireAny,
    /// If one is given, it must be vouched for.
    VerifyIfGiven,
    /// It must be vouched for.
    RequireAndVerify,
}

impl ServerTls {
    /// Whether nothing in it asks for TLS.
    pub fn is_absent(&self) -> bool {
        !self.has_cert() && !self.has_key() && !self.has_client_ca() && self.client_auth.is_none()
    }

    /// Makes relative paths relative to `base`; absolute and empty ones stay.
    pub fn resolve_paths(&mut self, base: &Path) {
        join(base, &mut self.cert_file);
        join(base, &mut self.key_file);
        join(base, &mut self.client_ca_file);
    }

    fn has_cert(&self) -> bool {
        !self.cert.is_empty() || !self.cert_file.is_empty()
    }

    fn has_key(&self) -> bool {
        !self.key.is_empty() || !self.key_file.is_empty()
    }

    fn has_client_ca(&self) -> bool {
        !self.client_ca.is_empty() || !self.client_ca_file.is_empty()
    }
}

impl Block for ServerTls {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.field("cert", &mut self.cert);
        v.field("key", &mut self.key);
        v.field("client_ca", &mut self.client_ca);
        v.field("cert_file", &mut self.cert_file);
        v.field("key_file", &mut self.key_file);
        v.field("client_auth_type", &mut Policy(&mut self.client_auth));
        v.field("client_ca_file", &mut self.client_ca_file);
        let ciphers = &mut self.cipher_suites;
        v.field("cipher_suites", &mut Names { what: "cipher", known: &CIPHERS, list: ciphers });
        let curves = &mut self.curve_preferences;
        v.field("curve_preferences", &mut Names { what: "curve", known: &CURVES, list: curves });
        v.field("min_version", &mut Version(&mut self.min_version));
        v.field("max_version", &mut Version(&mut self.max_version));
        v.field("prefer_server_cipher_suites", &mut self.prefer_server_cipher_suites);
        v.field("client_allowed_sans", &mut self.client_allowed_sans);
    }

    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        if self.is_absent() {
            return Ok(());
        }
        refuse_if(!self.has_cert(), "", "missing one of cert or cert_file")?;
        refuse_if(!self.has_key(), "", "missing one of key or key_file")?;
        let asks_nothing = matches!(self.client_auth, None | Some(ClientAuth::None));
        refuse_if(
            self.has_client_ca() && asks_nothing,
            "",
            "client CA's have been configured without a Client Auth Policy",
        )?;
        let versions = self.min_version.zip(self.max_version);
        refuse_if(
            versions.is_some_and(|(min, max)| max < min),
            "max_version",
            "max_version is below min_version",
        )
    }
}

/// Where a policy may stand.
struct Policy<'a>(&'a mut Option<ClientAuth>);

impl FieldValue for Policy<'_> {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
        // Compat: the empty text means that none is set.
        let policy = |text: &str| match POLICIES.iter().find(|(name, _)| *name == text) {
            Some((_, policy)) => Ok(Some(*policy)),
            None if text.is_empty() => Ok(None),
            None => Err(format!("invalid ClientAuth: {text}")),
        };
        if let Some(policy) = reader.parsed(node, policy) {
            *self.0 = policy;
        }
    }

    fn clear(&mut self) {
        *self.0 = None;
    }

    fn is_empty(&mut self) -> bool {
        self.0.is_none()
    }

    fn tree(&mut self) -> Tree {
        let name = POLICIES.iter().find(|(_, policy)| Some(*policy) == *self.0);
        name.map_or(Tree::Null, |(text, _)| Tree::text(text))
    }
}

/// Where a list of names may stand, all of which are known.
struct Names<'a> {
    /// For the error: "unknown cipher: …".
    what: &'static str,
    known: &'static [&'static str],
    list: &'a mut Vec<&'static str>,
}

impl FieldValue for Names<'_> {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
        self.list.clear();
        for (index, item) in reader.items(node).unwrap_or_default().iter().enumerate() {
            let mut name = String::new();
            reader.within(&format!("[{index}]"), |reader| {
                reader.fill(&mut name, *item);
                match self.known.iter().find(|known| **known == name) {
                    Some(known) => self.list.push(known),
                    None => reader.error(*item, &format!("unknown {}: {name}", self.what)),
                }
            });
        }
    }

    fn clear(&mut self) {
        self.list.clear();
    }

    fn is_empty(&mut self) -> bool {
        self.list.is_empty()
    }

    fn tree(&mut self) -> Tree {
        Tree::List(self.list.iter().map(|name| Tree::text(name)).collect())
    }
}

const POLICIES: [(&str, ClientAuth); 6] = [
    ("NoClientCert", ClientAuth::None),
    ("RequestClientCert", ClientAuth::Request),
    ("RequireAnyClientCert", ClientAuth::RequireAny),
    // Compat: an older name of the same.
    ("RequireClientCert", ClientAuth::RequireAny),
    ("VerifyClientCertIfGiven", ClientAuth::VerifyIfGiven),
    ("RequireAndVerifyClientCert", ClientAuth::RequireAndVerify),
];

/// The suites that Go counts as secure.
const CIPHERS: [&str; 13] = [
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
];

const CURVES: [&str; 4] = ["CurveP256", "CurveP384", "CurveP521", "X25519"];
