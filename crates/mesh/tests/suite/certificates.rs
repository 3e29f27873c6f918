//! Certificates made for one test: an authority, and nodes that it vouches for.

use std::io;
use std::sync::{Arc, Mutex};

use bellwether_mesh::Credentials;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

pub struct Authority {
    cert: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

/// What a node shows and trusts; can be replaced while it runs.
#[derive(Debug)]
pub struct Replaceable(Mutex<(Arc<ServerConfig>, Arc<ClientConfig>)>);

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name.push(DnType::CommonName, "test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().expect("a key");
        let cert = params.self_signed(&key).expect("a certificate");
        Authority { cert: cert.der().clone(), issuer: Issuer::new(params, key) }
    }

    /// A node on loopback that trusts this authority, in both directions.
    pub fn node(&self) -> (Arc<ServerConfig>, Arc<ClientConfig>) {
        let hosts = vec!["127.0.0.1".to_owned(), "::1".to_owned()];
        let params = CertificateParams::new(hosts).expect("good names");
        let key = KeyPair::generate().expect("a key");
        let cert = params.signed_by(&key, &self.issuer).expect("a certificate");
        let chain = vec![cert.der().clone()];
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");

        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(self.roots()), provider.clone());
        let server = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_client_cert_verifier(verifier.build().expect("a verifier"))
            .with_single_cert(chain.clone(), key.clone_key())
            .expect("they fit");
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(self.roots())
            .with_client_auth_cert(chain, key)
            .expect("they fit");
        (Arc::new(server), Arc::new(client))
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.cert.clone()).expect("a certificate");
        roots
    }
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
