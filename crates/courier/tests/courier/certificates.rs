//! TLS servers whose certificates are made for one test.

use std::sync::Arc;

use bellwether_courier::parse_identity;
pub use bellwether_e2e::certificates::{
    Authority, Identity, self_signed, self_signed_small_rsa, self_signed_small_rsa_version_1,
    self_signed_version_1,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

/// A server that shows `identity`; with `clients` it demands a certificate of that authority.
pub fn server_config(
    identity: &Identity,
    clients: Option<&Authority>,
    versions: &[&'static SupportedProtocolVersion],
) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(versions)
        .expect("supported versions");
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            let cert = CertificateDer::from_pem_slice(authority.pem.as_bytes()).expect("PEM");
            roots.add(cert).expect("a certificate");
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.expect("a verifier"))
        }
    };
    builder.with_cert_resolver(parse_identity(&identity.cert, &identity.key).expect("they fit"))
}
