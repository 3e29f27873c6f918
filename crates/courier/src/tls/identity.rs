//! The certificate and key that we show, as a client or as a server.
//!
//! In: both in PEM form. Out: what the TLS library shows in handshakes, or the fault of one of
//! them. Certificates of any version are accepted, as in Go.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use super::provider;
use super::small_rsa::SmallRsaKey;
use crate::certificate::Certificate;

/// Why a certificate and its key cannot be used. The texts are Go's where it has the same case.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    #[error("tls: failed to find any PEM data in certificate input")]
    NoCertificate,
    #[error("x509: malformed certificate")]
    MalformedCertificate,
    #[error("tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input")]
    NoKey,
    #[error("tls: failed to parse private key: {0}")]
    MalformedKey(String),
    #[error("tls: private key does not match public key")]
    Mismatch,
}

impl IdentityError {
    /// Whether the certificate is at fault, rather than the key.
    pub fn is_of_certificate(&self) -> bool {
        match self {
            IdentityError::NoCertificate | IdentityError::MalformedCertificate => true,
            IdentityError::NoKey | IdentityError::MalformedKey(_) | IdentityError::Mismatch => {
                false
            }
        }
    }
}

/// The first certificate is our own; those after it lead to an authority.
pub fn parse_identity(cert: &str, key: &str) -> Result<Arc<SingleCertAndKey>, IdentityError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(cert.as_bytes()).collect();
    let chain = chain.map_err(|_| IdentityError::MalformedCertificate)?;
    let own = chain.first().ok_or(IdentityError::NoCertificate)?;
    let own = Certificate::parse(own).ok_or(IdentityError::MalformedCertificate)?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| IdentityError::NoKey)?;
    let key: Arc<dyn rustls::sign::SigningKey> = match SmallRsaKey::parse(&key) {
        Some(key) => Arc::new(key),
        None => provider()
            .key_provider
            .load_private_key(key)
            .map_err(|error| IdentityError::MalformedKey(error.to_string()))?,
    };
    // A key that cannot say what its public part is counts as the right one.
    if key.public_key().is_some_and(|public| public != own.public_key()) {
        return Err(IdentityError::Mismatch);
    }
    Ok(Arc::new(SingleCertAndKey::from(CertifiedKey::new(chain, key))))
}
