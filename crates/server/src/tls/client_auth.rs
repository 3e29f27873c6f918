//! Verifies the certificates of TLS clients.
//!
//! In: the policy, the authorities, the names that are allowed. Out: the verifier that the library
//! asks. Two of Go's five policies take any certificate, a certificate may be its own authority,
//! and certificates of version 1 are accepted; the library's verifier supports none of these, so
//! ours wraps it.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use bellwether_config::{ClientAuth, ServerTls};
use bellwether_courier::{
    Certificate, is_only_unsigned, signature_algorithms, verify_old_client, verify_tls12_signature,
    verify_tls13_signature,
};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme,
};

use super::{certificates, text};

/// `None` if no certificate is asked for; blocks on files.
pub fn build(
    config: &ServerTls,
    provider: &Arc<CryptoProvider>,
) -> anyhow::Result<Option<Arc<dyn ClientCertVerifier>>> {
    let (wanted, required) = match config.client_auth.unwrap_or(ClientAuth::None) {
        ClientAuth::None => return Ok(None),
        ClientAuth::Request => (Wanted::Any, false),
        ClientAuth::RequireAny => (Wanted::Any, true),
        ClientAuth::VerifyIfGiven => (Wanted::VouchedFor(trust(config, provider)?), false),
        ClientAuth::RequireAndVerify => (Wanted::VouchedFor(trust(config, provider)?), true),
    };
    let allowed_names = config.client_allowed_sans.clone();
    Ok(Some(Arc::new(Verifier {
        wanted,
        // Compat: a client without a certificate does not have an allowed name either.
        required: required || allowed_names.is_some(),
        allowed_names,
    })))
}

/// The given authorities, or else those that the system trusts.
fn trust(config: &ServerTls, provider: &Arc<CryptoProvider>) -> anyhow::Result<Trust> {
    let unusable = || match config.client_ca_file.as_str() {
        "" => "the client CAs cannot be used".to_owned(),
        path => format!("the client CAs in {path} cannot be used"),
    };
    let pem = text("client_ca_file", &config.client_ca_file, &config.client_ca)?;
    let authorities = if config.client_ca_file.is_empty() && config.client_ca.is_empty() {
        rustls_native_certs::load_native_certs().certs
    } else {
        certificates(&pem).with_context(unusable)?
    };
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(authorities.iter().cloned());
    if roots.is_empty() {
        bail!("no client CA is given or trusted by the system");
    }
    let roots = Arc::new(roots);
    let chains =
        WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(provider));
    Ok(Trust { chains: chains.build().with_context(unusable)?, roots, authorities })
}

#[derive(Debug)]
struct Verifier {
    wanted: Wanted,
    required: bool,
    allowed_names: Option<Vec<String>>,
}

#[derive(Debug)]
enum Wanted {
    /// The client owns the key of its certificate; no more is known.
    Any,
    VouchedFor(Trust),
}

#[derive(Debug)]
struct Trust {
    /// For certificates of version 3.
    chains: Arc<dyn ClientCertVerifier>,
    /// For older ones.
    roots: Arc<RootCertStore>,
    authorities: Vec<CertificateDer<'static>>,
}

impl Trust {
    fn check(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), rustls::Error> {
        let parsed = Certificate::parse(certificate).ok_or(CertificateError::BadEncoding)?;
        let verdict = match parsed.upgraded() {
            None => self.chains.verify_client_cert(certificate, intermediates, now).map(drop),
            Some(old) => verify_old_client(&old, intermediates, &self.roots, now),
        };
        match verdict {
            // Compat: a certificate among the authorities is good for itself, which is how one
            // that signs itself is used by all. Its dates have been checked by then.
            Err(error) if is_only_unsigned(&error) && self.authorities.contains(certificate) => {
                Ok(())
            }
            verdict => verdict,
        }
    }
}

impl ClientCertVerifier for Verifier {
    fn client_auth_mandatory(&self) -> bool {
        self.required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        match &self.wanted {
            Wanted::Any => &[],
            Wanted::VouchedFor(trust) => trust.chains.root_hint_subjects(),
        }
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        match &self.wanted {
            Wanted::Any => {}
            Wanted::VouchedFor(trust) => trust.check(end_entity, intermediates, now)?,
        }
        if let Some(allowed) = &self.allowed_names {
            let names = Certificate::parse(end_entity).and_then(|it| it.alternative_names());
            let names = names.ok_or(CertificateError::BadEncoding)?;
            if !names.iter().any(|name| allowed.contains(name)) {
                return Err(CertificateError::ApplicationVerificationFailure.into());
            }
        }
        Ok(ClientCertVerified::assertion())
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
