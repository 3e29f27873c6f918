//! Our own RSA keys of 1,024 to 2,047 bits.
//!
//! The TLS library's cryptography refuses them; Go takes them, and old certificates that are still
//! in use have them.

use std::sync::Arc;

use rsa::pkcs1::{DecodeRsaPrivateKey, EncodeRsaPublicKey};
use rsa::pkcs8::DecodePrivateKey;
use rsa::sha2::{Sha256, Sha384, Sha512};
use rsa::traits::PublicKeyParts;
use rustls::pki_types::{PrivateKeyDer, SubjectPublicKeyInfoDer, alg_id};
use rustls::sign::{Signer, SigningKey, public_key_to_spki};
use rustls::{SignatureAlgorithm, SignatureScheme};

/// Whether the TLS library refuses it for its size.
pub fn is_small(key: &impl PublicKeyParts) -> bool {
    key.n().bit_width_vartime() < 2048
}

/// A key that signs handshakes.
#[derive(Clone, Debug)]
pub struct SmallRsaKey {
    key: Arc<rsa::PrivateKey>,
    /// In PKCS #1 form.
    public_key: Vec<u8>,
}

impl SmallRsaKey {
    /// `None` if it is no RSA key, or one that the TLS library accepts.
    pub fn parse(key: &PrivateKeyDer<'_>) -> Option<Self> {
        let key = match key {
            PrivateKeyDer::Pkcs1(der) => {
                rsa::PrivateKey::from_pkcs1_der(der.secret_pkcs1_der()).ok()?
            }
            PrivateKeyDer::Pkcs8(der) => {
                rsa::PrivateKey::from_pkcs8_der(der.secret_pkcs8_der()).ok()?
            }
            _ => return None,
        };
        if !is_small(&key) {
            return None;
        }
        let public_key = key.to_public_key().to_pkcs1_der().ok()?.as_bytes().to_vec();
        Some(SmallRsaKey { key: Arc::new(key), public_key })
    }
}

impl SigningKey for SmallRsaKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        // SHA-512 needs 1,040 bits with PSS.
        let scheme = *SCHEMES.iter().find(|scheme| offered.contains(scheme))?;
        Some(Box::new(SmallRsaSigner { key: self.key.clone(), scheme }))
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        Some(public_key_to_spki(&alg_id::RSA_ENCRYPTION, &self.public_key))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::RSA
    }
}

#[derive(Debug)]
struct SmallRsaSigner {
    key: Arc<rsa::PrivateKey>,
    scheme: SignatureScheme,
}

impl Signer for SmallRsaSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        let signed = match self.scheme {
            SignatureScheme::RSA_PSS_SHA256 => self.key.pss_sign::<Sha256>(message),
            SignatureScheme::RSA_PSS_SHA384 => self.key.pss_sign::<Sha384>(message),
            SignatureScheme::RSA_PKCS1_SHA256 => self.key.pkcs1v15_sign::<Sha256>(message),
            SignatureScheme::RSA_PKCS1_SHA384 => self.key.pkcs1v15_sign::<Sha384>(message),
            _ => self.key.pkcs1v15_sign::<Sha512>(message),
        };
        signed.map_err(|error| rustls::Error::General(format!("signing failed: {error}")))
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme
    }
}

/// In the order of preference.
const SCHEMES: [SignatureScheme; 5] = [
    SignatureScheme::RSA_PSS_SHA256,
    SignatureScheme::RSA_PSS_SHA384,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
];
