//! TLS configurations of nodes whose certificates are made for one test.

use std::io;
use std::sync::{Arc, Mutex};

pub use bellwether_e2e::certificates::Authority;
use bellwether_mesh::Credentials;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// What a node presents and trusts; can be replaced while the node runs.
#[derive(Debug)]
pub struct Replaceable(Mutex<(Arc<ServerConfig>, Arc<ClientConfig>)>);

/// A node on loopback that trusts this authority, in both directions.
pub fn node_config(authority: &Authority) -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let identity = authority.sign(&["127.0.0.1", "::1"]);
    let chain = vec![certificate(&identity.cert)];
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).expect("a key");
    let mut roots = RootCertStore::empty();
    roots.add(certificate(&authority.pem)).expect("a certificate");

    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots.clone()), provider.clone());
    let server = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_client_cert_verifier(verifier.build().expect("a verifier"))
        .with_single_cert(chain.clone(), key.clone_key())
        .expect("they fit");
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .expect("they fit");
    (Arc::new(server), Arc::new(client))
}

fn certificate(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate")
}

impl Replaceable {
    pub fn new(node: (Arc<ServerConfig>, Arc<ClientConfig>)) -> Arc<Self> {
        Arc::new(Self(Mutex::new(node)))
    }

    pub fn replace(&self, node: (Arc<ServerConfig>, Arc<ClientConfig>)) {
        *self.0.lock().expect("nothing poisons it") = node;
    }
}

impl Credentials for Replaceable {
    fn server(&self) -> io::Result<Arc<ServerConfig>> {
        Ok(self.0.lock().expect("nothing poisons it").0.clone())
    }

    fn client(&self) -> io::Result<Arc<ClientConfig>> {
        Ok(self.0.lock().expect("nothing poisons it").1.clone())
    }
}
