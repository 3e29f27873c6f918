//! Whether an authority has signed a certificate of version 1 or 2.
//!
//! The library follows chains of version 3 only. It is shown the certificate in that form, without
//! extensions, and the signature is checked over what was signed. Everything else about the chain
//! is the library's: dates, names of issuers, constraints of the authorities in between.

use std::sync::Arc;

use rustls::pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, SignatureVerificationAlgorithm, UnixTime,
};
use rustls::{CertificateError, OtherError, RootCertStore};

use super::signatures::signature_algorithms;
use crate::certificate::Upgraded;

/// Verifies the certificate of a client; the intermediate ones are of version 3, as Go demands.
pub fn verify_old_client(
    certificate: &Upgraded<'_>,
    intermediates: &[CertificateDer<'_>],
    roots: &RootCertStore,
    now: UnixTime,
) -> Result<(), rustls::Error> {
    let Upgraded { der, shown, signed } = certificate;
    let algorithms = signature_algorithms().all;
    let algorithms: Vec<_> =
        algorithms.iter().map(|inner| OverOriginal { inner: *inner, shown, signed }).collect();
    let algorithms: Vec<&dyn SignatureVerificationAlgorithm> =
        algorithms.iter().map(|algorithm| algorithm as _).collect();
    let certificate = webpki::EndEntityCert::try_from(der).map_err(refusal)?;
    let usage = webpki::KeyUsage::client_auth();
    let path = certificate.verify_for_usage(
        &algorithms,
        &roots.roots,
        intermediates,
        now,
        usage,
        None,
        None,
    );
    path.map(drop).map_err(refusal)
}

fn refusal(error: webpki::Error) -> rustls::Error {
    use webpki::Error::{
        CertExpired, CertNotValidYet, InvalidSignatureForPublicKey, UnknownIssuer,
    };
    let refusal = match error {
        UnknownIssuer => CertificateError::UnknownIssuer,
        InvalidSignatureForPublicKey => CertificateError::BadSignature,
        CertExpired { time, not_after } => CertificateError::ExpiredContext { time, not_after },
        CertNotValidYet { time, not_before } => {
            CertificateError::NotValidYetContext { time, not_before }
        }
        other => CertificateError::Other(OtherError(Arc::new(other))),
    };
    refusal.into()
}

/// An algorithm that checks the signature of one certificate over other bytes than it is given.
#[derive(Debug)]
struct OverOriginal<'a> {
    inner: &'static dyn SignatureVerificationAlgorithm,
    shown: &'a [u8],
    signed: &'a [u8],
}

impl SignatureVerificationAlgorithm for OverOriginal<'_> {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let message = if message == self.shown { self.signed } else { message };
        self.inner.verify_signature(public_key, message, signature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.inner.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.inner.signature_alg_id()
    }
}
