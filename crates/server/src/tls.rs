//! TLS as a server: turns `tls_server_config` into the library's settings.
//!
//! In: the block as the operator wrote it, and the files that it names. Out: settings for new
//! connections, or why there are none. The names in it are Go's; what the library does not support
//! (TLS 1.0 and 1.1, suites with CBC, the curve P-521) is refused, not ignored.

mod client_auth;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use bellwether_config::ServerTls;
use bellwether_courier::{parse_identity, signature_algorithms};
use bellwether_integrations::http::TlsVersion;
use rustls::crypto::aws_lc_rs::{self, kx_group};
use rustls::crypto::{CryptoProvider, SupportedKxGroup};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ServerConfig, SupportedCipherSuite, SupportedProtocolVersion, version};

/// The files that the settings depend on.
pub fn files(config: &ServerTls) -> Vec<PathBuf> {
    [&config.cert_file, &config.key_file, &config.client_ca_file]
        .into_iter()
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
        .collect()
}

/// Settings for connections that others open; blocks on files.
pub fn server_config(config: &ServerTls) -> anyhow::Result<ServerConfig> {
    let (provider, versions) = (provider(config)?, versions(config)?);
    let verifier = client_auth::build(config, &provider)?;
    let chain = text("cert_file", &config.cert_file, &config.cert)?;
    let key = text("key_file", &config.key_file, config.key.reveal())?;
    let identity = parse_identity(&chain, &key).with_context(|| {
        let named = |field, path: &str| match path {
            "" => format!("{field} in the configuration"),
            path => path.to_owned(),
        };
        let (cert, key) = (named("cert", &config.cert_file), named("key", &config.key_file));
        format!("failed to load X509KeyPair ({cert}, {key})")
    })?;
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions)
        .context("no connection is possible with these versions, ciphers and curves")?;
    let builder = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    Ok(builder.with_cert_resolver(identity))
}

/// What the file holds, or else the text itself.
fn text(field: &str, path: &str, text: &str) -> anyhow::Result<String> {
    if path.is_empty() {
        return Ok(text.to_owned());
    }
    std::fs::read_to_string(path).with_context(|| format!("failed to read {field} ({path})"))
}

fn certificates(pem: &str) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => bail!("no certificate in PEM form found"),
        Err(error) => bail!("a certificate is not in PEM form: {error}"),
    }
}

/// The library's algorithms that the operator allows.
fn provider(config: &ServerTls) -> anyhow::Result<Arc<CryptoProvider>> {
    let mut provider = CryptoProvider {
        signature_verification_algorithms: signature_algorithms(),
        ..aws_lc_rs::default_provider()
    };
    let wanted = &config.cipher_suites;
    if let Some(name) = wanted.iter().find(|name| name.contains("_CBC_")) {
        bail!("cipher_suites: {name} is not possible here: suites with CBC are not supported");
    }
    if !wanted.is_empty() {
        // Compat: the list is about TLS 1.2 only; the suites of 1.3 cannot be chosen.
        provider.cipher_suites.retain(|suite| match suite {
            SupportedCipherSuite::Tls13(_) => true,
            SupportedCipherSuite::Tls12(suite) => {
                wanted.iter().any(|name| suite.common.suite.as_str() == Some(name))
            }
        });
    }
    if !config.curve_preferences.is_empty() {
        let groups = config.curve_preferences.iter().map(|name| curve(name));
        provider.kx_groups = groups.collect::<anyhow::Result<_>>()?;
    }
    Ok(Arc::new(provider))
}

fn curve(name: &str) -> anyhow::Result<&'static dyn SupportedKxGroup> {
    match name {
        "X25519" => Ok(kx_group::X25519),
        "CurveP256" => Ok(kx_group::SECP256R1),
        "CurveP384" => Ok(kx_group::SECP384R1),
        other => bail!("curve_preferences: {other} is not possible here"),
    }
}

/// The versions between the two limits.
fn versions(config: &ServerTls) -> anyhow::Result<Vec<&'static SupportedProtocolVersion>> {
    let min = config.min_version.unwrap_or(TlsVersion::Tls12);
    let max = config.max_version.unwrap_or(TlsVersion::Tls13);
    for (field, limit) in [("min_version", min), ("max_version", max)] {
        if limit < TlsVersion::Tls12 {
            bail!("{field} below TLS12 is not possible here: TLS 1.0 and 1.1 are not supported");
        }
    }
    let known = [(TlsVersion::Tls12, &version::TLS12), (TlsVersion::Tls13, &version::TLS13)];
    let fitting = known.into_iter().filter(|(version, _)| (min..=max).contains(version));
    Ok(fitting.map(|(_, version)| version).collect())
}

#[cfg(test)]
mod tests;
