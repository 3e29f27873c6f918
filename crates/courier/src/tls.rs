//! TLS settings of clients: which certificates they trust, and which one they present.
//!
//! In: `tls_config`, with certificates and keys as text or in files. Out: rustls settings, and a
//! way to see whether the files still say the same ([`TlsMaterial`]).
//!
//! Verification differs from the library's own in some points, all because Go does it so and
//! operators rely on it: the expected name may be set (`server_name`), a certificate that is itself
//! in the CA file is good for the server that shows it, and old certificates are accepted: of
//! version 1 (`signatures`, `identity`, `chain`), and with RSA keys from 1,024 bits on.

mod chain;
mod identity;
mod signatures;
mod small_rsa;

use std::io;
use std::sync::{Arc, LazyLock};

use bellwether_integrations::http::{TlsConfig, TlsVersion};
use bellwether_model::Secret;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore,
    SignatureScheme, SupportedProtocolVersion,
};

use crate::certificate::Certificate;
use crate::error::{BuildError, reject_secret_ref};

pub use chain::verify_old_client;
pub use identity::{IdentityError, parse_identity};
pub use signatures::{signature_algorithms, verify_tls12_signature, verify_tls13_signature};

/// The contents of everything that `tls_config` names.
#[derive(Clone, PartialEq, Eq)]
pub struct TlsMaterial {
    /// `None`: trust what the system trusts.
    ca: Option<Box<str>>,
    identity: Option<(Box<str>, Secret)>,
}

/// A file of TLS material that could not be read.
#[derive(Debug)]
pub struct UnreadableFile {
    pub what: &'static str,
    pub path: String,
    pub source: io::Error,
}

impl TlsMaterial {
    /// Whether it can change under way, because some of it is in files.
    pub fn may_change(config: &TlsConfig) -> bool {
        [&config.ca_file, &config.cert_file, &config.key_file].iter().any(|path| !path.is_empty())
    }

    /// Reads all files; blocks while it does.
    pub fn read(config: &TlsConfig) -> Result<Self, UnreadableFile> {
        let ca = part("CA cert", &config.ca, &config.ca_file)?;
        let cert = part("client cert", &config.cert, &config.cert_file)?;
        let key = part("client key", config.key.reveal(), &config.key_file)?;
        let identity = cert.zip(key).map(|(cert, key)| (cert, Secret::new(key)));
        Ok(TlsMaterial { ca, identity })
    }
}

/// Settings for connections as `config` wants them; HTTP/2 is not offered.
pub fn client_config(
    config: &TlsConfig,
    material: &TlsMaterial,
) -> Result<ClientConfig, BuildError> {
    let roots = match &material.ca {
        None => Roots::System,
        Some(ca) => Roots::Given(Trust::parse(ca).ok_or_else(|| {
            BuildError::unusable(named("specified CA cert", &config.ca_file), "no certificate")
        })?),
    };
    let fixed_name = match config.server_name.as_str() {
        "" => None,
        name => Some(
            ServerName::try_from(name.to_owned())
                .map_err(|error| BuildError::unusable("server_name", error))?,
        ),
    };
    let trust = if config.insecure_skip_verify { Roots::Any } else { roots };
    let builder = ClientConfig::builder_with_provider(provider().clone())
        .with_protocol_versions(&versions(config)?)
        .map_err(|error| BuildError::unusable("TLS versions", error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Verifier { trust, fixed_name }));
    let Some((cert, key)) = &material.identity else { return Ok(builder.with_no_client_auth()) };
    let identity = parse_identity(cert, key.reveal()).map_err(|error| {
        let (what, path) = match error.is_of_certificate() {
            true => ("specified client cert", &config.cert_file),
            false => ("specified client key", &config.key_file),
        };
        BuildError::unusable(named(what, path), error)
    })?;
    Ok(builder.with_client_cert_resolver(identity))
}

/// What it is, and in which file if it is in one.
fn named(what: &str, path: &str) -> String {
    if path.is_empty() { what.to_owned() } else { format!("{what} {path}") }
}

/// The same, from the files as they are now, for connections that carry no HTTP; blocks.
pub fn read_client_config(config: &TlsConfig) -> Result<ClientConfig, BuildError> {
    reject_secret_refs(config)?;
    let UnreadableFile { what, path, source } = match TlsMaterial::read(config) {
        Ok(material) => return client_config(config, &material),
        Err(unreadable) => unreadable,
    };
    Err(BuildError::Unreadable { what, path, source })
}

/// The text itself, or what the file holds.
fn part(what: &'static str, text: &str, path: &str) -> Result<Option<Box<str>>, UnreadableFile> {
    if !text.is_empty() {
        return Ok(Some(text.into()));
    }
    if path.is_empty() {
        return Ok(None);
    }
    let unreadable = |source| UnreadableFile { what, path: path.to_owned(), source };
    std::fs::read_to_string(path).map(|text| Some(text.into())).map_err(unreadable)
}

/// The versions between the two limits. Older ones than 1.2 are never spoken, as is Go's default.
fn versions(config: &TlsConfig) -> Result<Vec<&'static SupportedProtocolVersion>, BuildError> {
    let TlsConfig { min_version, max_version, .. } = config;
    if let (Some(min), Some(max)) = (min_version, max_version)
        && max < min
    {
        return Err(BuildError::unusable("max_version", "it is below min_version"));
    }
    if max_version.is_some_and(|max| max < TlsVersion::Tls12) {
        let field = "tls_config.max_version below TLS12".to_owned();
        return Err(BuildError::Unsupported { field, reason: "TLS 1.0 and 1.1 are not spoken" });
    }
    let known = [
        (TlsVersion::Tls12, &rustls::version::TLS12),
        (TlsVersion::Tls13, &rustls::version::TLS13),
    ];
    let fits = |version: TlsVersion| {
        min_version.is_none_or(|min| version >= min) && max_version.is_none_or(|max| version <= max)
    };
    Ok(known
        .into_iter()
        .filter(|(version, _)| fits(*version))
        .map(|(_, version)| version)
        .collect())
}

/// Which certificates are trusted.
#[derive(Debug)]
enum Roots {
    System,
    Given(Trust),
    Any,
}

#[derive(Debug)]
struct Trust {
    chains: Arc<WebPkiServerVerifier>,
    certificates: Vec<CertificateDer<'static>>,
}

impl Trust {
    /// `None` if the text holds no certificate; other parts of it are skipped.
    fn parse(pem: &str) -> Option<Self> {
        Self::new(CertificateDer::pem_slice_iter(pem.as_bytes()).filter_map(Result::ok).collect())
    }

    fn new(certificates: Vec<CertificateDer<'static>>) -> Option<Self> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificates.iter().cloned());
        let builder =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider().clone());
        Some(Trust { chains: builder.build().ok()?, certificates })
    }
}

/// Loaded when the first certificate is checked: where only plain HTTP is used, or no certificates
/// are installed, they are not needed.
static SYSTEM_TRUST: LazyLock<Option<Trust>> =
    LazyLock::new(|| Trust::new(rustls_native_certs::load_native_certs().certs));

fn provider() -> &'static Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
        Arc::new(CryptoProvider {
            signature_verification_algorithms: signature_algorithms(),
            ..aws_lc_rs::default_provider()
        })
    });
    &PROVIDER
}

#[derive(Debug)]
struct Verifier {
    trust: Roots,
    /// Expected instead of the name that the connection is for.
    fixed_name: Option<ServerName<'static>>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let name = self.fixed_name.as_ref().unwrap_or(server_name);
        let trust = match &self.trust {
            Roots::Any => return Ok(ServerCertVerified::assertion()),
            Roots::Given(trust) => trust,
            Roots::System => SYSTEM_TRUST.as_ref().ok_or(CertificateError::UnknownIssuer)?,
        };
        let certificate = Certificate::parse(end_entity).ok_or(CertificateError::BadEncoding)?;
        if certificate.version < 3 {
            // It has no names that could fit.
            return Err(nameless(name));
        }
        let verdict =
            trust.chains.verify_server_cert(end_entity, intermediates, name, ocsp_response, now);
        match verdict {
            Err(error) if is_only_unsigned(&error) && trust.certificates.contains(end_entity) => {
                let certificate = ParsedCertificate::try_from(end_entity)?;
                rustls::client::verify_server_name(&certificate, name)?;
                Ok(ServerCertVerified::assertion())
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        signature_algorithms().supported_schemes()
    }
}

/// Whether the only fault is that no authority has signed it, or that it is itself an authority's
/// and used by a server or client. Neither matters if the certificate is itself trusted.
///
/// The library finds both after the dates and the purpose have been checked, and before names.
pub fn is_only_unsigned(error: &rustls::Error) -> bool {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => true,
        rustls::Error::InvalidCertificate(CertificateError::Other(other)) => {
            other.0.downcast_ref() == Some(&webpki::Error::CaUsedAsEndEntity)
        }
        _ => false,
    }
}

/// A server's certificate that is for no name at all, with what to do about it.
#[derive(Debug, thiserror::Error)]
#[error(
    "certificate is not valid for any names, but wanted to match {0} (it is of version 1; make it \
     with a subjectAltName, or set insecure_skip_verify)"
)]
struct Nameless(String);

fn nameless(wanted: &ServerName<'_>) -> rustls::Error {
    let reason = Arc::new(Nameless(wanted.to_str().into_owned()));
    CertificateError::Other(OtherError(reason)).into()
}

/// The failure of a handshake, in the words of Go's `crypto/tls` where it has the same case.
pub fn describe(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(error) => {
            let reason = match error {
                CertificateError::UnknownIssuer => {
                    "certificate signed by unknown authority".to_owned()
                }
                CertificateError::BadSignature => {
                    "certificate signed by unknown authority: bad signature".to_owned()
                }
                CertificateError::Expired | CertificateError::NotValidYet => {
                    "certificate has expired or is not yet valid".to_owned()
                }
                CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYetContext { .. } => {
                    format!("certificate has expired or is not yet valid: {error}")
                }
                CertificateError::Other(other) => other.0.to_string(),
                other => other.to_string(),
            };
            format!("tls: failed to verify certificate: x509: {reason}")
        }
        rustls::Error::InvalidMessage(_) => {
            "tls: first record does not look like a TLS handshake".to_owned()
        }
        rustls::Error::AlertReceived(alert) => {
            let words = format!("{alert:?}").chars().fold(String::new(), |mut words, letter| {
                if letter.is_uppercase() && !words.is_empty() {
                    words.push(' ');
                }
                words.push(letter.to_ascii_lowercase());
                words
            });
            format!("remote error: tls: {words}")
        }
        other => format!("tls: {other}"),
    }
}

/// Rejects references to a secret manager.
pub fn reject_secret_refs(tls: &TlsConfig) -> Result<(), BuildError> {
    reject_secret_ref("ca_ref", &tls.ca_ref)?;
    reject_secret_ref("cert_ref", &tls.cert_ref)?;
    reject_secret_ref("key_ref", &tls.key_ref)
}
