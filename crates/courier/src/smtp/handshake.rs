//! TLS for connections to mail servers.

use std::sync::Arc;
use std::time::Duration;

use bellwether_integrations::http::RequestError;
use bellwether_integrations::mail::MailServer;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::connection::Stream;
use crate::error::unusable;
use crate::network;
use crate::progress::Progress;
use crate::tls::{self, TlsMaterial, reject_secret_refs};

/// Limit: for the TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Settings for the handshake with one server.
pub struct TlsHandshake {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl TlsHandshake {
    /// Reads the files again: they are replaced when certificates are renewed.
    pub async fn prepare(server: &MailServer, progress: &Progress) -> Result<Self, RequestError> {
        let failed = progress.begin("parse TLS configuration");
        let tls = server.tls.clone();
        let read = tokio::task::spawn_blocking(move || TlsMaterial::read(&tls)).await;
        let material = read.map_err(|_| failed("reading files was interrupted".to_owned()))?;
        let material = material.map_err(|unreadable| {
            let (what, path, error) = (unreadable.what, unreadable.path, unreadable.source);
            failed(format!("unable to read {what} {path}: {error}"))
        })?;
        let wrong = |error: String| unusable(format!("parse TLS configuration: {error}"));
        reject_secret_refs(&server.tls).map_err(|error| wrong(error.to_string()))?;
        let settings: ClientConfig =
            tls::client_config(&server.tls, &material).map_err(|error| wrong(error.to_string()))?;
        let name = match server.tls.server_name.as_str() {
            "" => server.host.clone(),
            name => name.to_owned(),
        };
        let name = ServerName::try_from(name).map_err(|error| wrong(error.to_string()))?;
        Ok(TlsHandshake { connector: TlsConnector::from(Arc::new(settings)), name })
    }

    /// Performs the handshake.
    pub async fn secure(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> Result<Stream, String> {
        let connecting = self.connector.connect(self.name.clone(), stream);
        match timeout(HANDSHAKE_TIMEOUT, connecting).await {
            Ok(Ok(stream)) => Ok(Stream::secured(stream)),
            Ok(Err(error)) => Err(network::describe(&error)),
            Err(_) => Err("TLS handshake timeout".to_owned()),
        }
    }
}
