//! Whether the other side of a handshake owns the key of its certificate.
//!
//! The library's functions read the certificate first and accept version 3 only, with extensions
//! that they know. Here the public key is taken out of a certificate of any version, since whether
//! the certificate itself is trusted has been decided by then.
//!
//! The library has RSA keys from 2,048 bits on; here they may have 1,024, as in Go.

use std::sync::LazyLock;

use rsa::pkcs1::DecodeRsaPublicKey;
use rsa::sha2::{Sha256, Sha384, Sha512};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, aws_lc_rs};
use rustls::pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, SignatureVerificationAlgorithm,
    SubjectPublicKeyInfoDer, alg_id,
};
use rustls::{CertificateError, DigitallySignedStruct, PeerMisbehaved};

use crate::certificate::Certificate;

/// The library's algorithms, with RSA keys from 1,024 bits on.
pub fn signature_algorithms() -> WebPkiSupportedAlgorithms {
    static ALGORITHMS: LazyLock<WebPkiSupportedAlgorithms> = LazyLock::new(|| {
        let library = aws_lc_rs::default_provider().signature_verification_algorithms;
        let mapping: Vec<_> =
            library.mapping.iter().map(|(scheme, all)| (*scheme, with_small_keys(all))).collect();
        WebPkiSupportedAlgorithms { all: with_small_keys(library.all), mapping: mapping.leak() }
    });
    *ALGORITHMS
}

/// As the library's function of this name.
pub fn verify_tls12_signature(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, rustls::Error> {
    let key = public_key(certificate)?;
    let key = webpki::RawPublicKeyEntity::try_from(&key);
    let key = key.map_err(|_| CertificateError::BadEncoding)?;
    let algorithms = signature_algorithms();
    let known = algorithms.mapping.iter().find(|(scheme, _)| *scheme == signed.scheme);
    let (_, candidates) = known.ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
    // A scheme of TLS 1.2 does not say which curve is meant: the one of the key.
    for algorithm in *candidates {
        match key.verify_signature(*algorithm, message, signed.signature()) {
            Ok(()) => return Ok(HandshakeSignatureValid::assertion()),
            Err(webpki::Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_)) => {}
            Err(_) => break,
        }
    }
    Err(CertificateError::BadSignature.into())
}

/// As the library's function of this name.
pub fn verify_tls13_signature(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, rustls::Error> {
    let key = public_key(certificate)?;
    rustls::crypto::verify_tls13_signature_with_raw_key(
        message,
        &key,
        signed,
        &signature_algorithms(),
    )
}

/// The key of a certificate of any version.
fn public_key<'a>(
    certificate: &'a CertificateDer<'_>,
) -> Result<SubjectPublicKeyInfoDer<'a>, CertificateError> {
    let certificate = Certificate::parse(certificate).ok_or(CertificateError::BadEncoding)?;
    Ok(certificate.public_key())
}

fn with_small_keys(
    algorithms: &[&'static dyn SignatureVerificationAlgorithm],
) -> &'static [&'static dyn SignatureVerificationAlgorithm] {
    let each = algorithms.iter().map(|inner| match verification(inner.signature_alg_id()) {
        Some(verify) => Box::leak(Box::new(AnyRsa { inner: *inner, verify })),
        None => *inner,
    });
    each.collect::<Vec<_>>().leak()
}

/// One of the library's algorithms for RSA, also for smaller keys.
#[derive(Debug)]
struct AnyRsa {
    inner: &'static dyn SignatureVerificationAlgorithm,
    verify: Verify,
}

type Verify = fn(&rsa::PublicKey, &[u8], &[u8]) -> rsa::Result<()>;

fn verification(algorithm: AlgorithmIdentifier) -> Option<Verify> {
    match algorithm {
        alg_id::RSA_PKCS1_SHA256 => Some(rsa::PublicKey::pkcs1v15_verify::<Sha256>),
        alg_id::RSA_PKCS1_SHA384 => Some(rsa::PublicKey::pkcs1v15_verify::<Sha384>),
        alg_id::RSA_PKCS1_SHA512 => Some(rsa::PublicKey::pkcs1v15_verify::<Sha512>),
        alg_id::RSA_PSS_SHA256 => Some(rsa::PublicKey::pss_verify::<Sha256>),
        alg_id::RSA_PSS_SHA384 => Some(rsa::PublicKey::pss_verify::<Sha384>),
        alg_id::RSA_PSS_SHA512 => Some(rsa::PublicKey::pss_verify::<Sha512>),
        _ => None,
    }
}

impl SignatureVerificationAlgorithm for AnyRsa {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        // The crate refuses keys below 1,024 bits, which is Go's limit as well.
        match rsa::PublicKey::from_pkcs1_der(public_key) {
            Ok(key) if super::small_rsa::is_small(&key) => {
                (self.verify)(&key, message, signature).map_err(|_| InvalidSignature)
            }
            _ => self.inner.verify_signature(public_key, message, signature),
        }
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.inner.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.inner.signature_alg_id()
    }
}
