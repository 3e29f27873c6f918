//! The way to a mail server: delivers single mails over SMTP (RFC 5321).
//!
//! In: a [`Mail`] and the deadline of the delivery that it belongs to. Out: the server's last reply,
//! as a [`Response`] whose status is the SMTP code, or why the mail was not taken. Each mail has a
//! connection of its own: mails are rare, and mail servers drop idle clients.
//!
//! [`dialogue`] is the conversation with the server, [`auth`] the part of it that proves who we
//! are, and [`wire`] the lines that it consists of.
//!
//! Once the server has taken the mail it counts as delivered, whatever the farewell brings.
//! Every failure before that is worth another try, also a refusal by the server: mailboxes are full
//! or grey-listed today and not tomorrow. Texts begin with what was being done, as operators know
//! them from the Go Alertmanager: `send RCPT command: 550 no such user`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bellwether_integrations::http::{RequestError, Response};
use bellwether_integrations::mail::{Mail, MailServer, Security};
use bytes::Bytes;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use crate::error::{transport, unusable};
use crate::redactor::Redactor;
use crate::tls::{self, TlsMaterial};
use crate::transport::reject_secret_refs;

use self::dialogue::Dialogue;
use self::wire::Stream;

mod auth;
mod dialogue;
mod wire;

/// Limit: for one address of the server to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Limit: for the TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Delivers one mail.
///
/// Ends at `deadline` at the latest. What proves who we are is noted in `redactor`.
pub async fn deliver(
    mail: &Mail,
    redactor: &Redactor,
    deadline: Instant,
) -> Result<Response, RequestError> {
    timeout_at(deadline, delivered(mail, redactor, deadline))
        .await
        .unwrap_or(Err(RequestError::DeadlinePassed))
}

async fn delivered(
    mail: &Mail,
    redactor: &Redactor,
    deadline: Instant,
) -> Result<Response, RequestError> {
    let server = &*mail.server;
    let (stream, handshake) = match server.security {
        Security::Never => (Stream::plain(connected(server).await?), None),
        Security::StartTls => {
            let handshake = Handshake::prepare(server).await?;
            (Stream::plain(connected(server).await?), Some(handshake))
        }
        Security::Implicit => {
            let handshake = Handshake::prepare(server).await?;
            let failed = during("establish TLS connection to server");
            let stream = dialled(server).await.map_err(&failed)?;
            (handshake.secured(stream).await.map_err(&failed)?, None)
        }
    };
    let begun = Dialogue::begin(stream).await;
    let mut dialogue = begun.map_err(during("create SMTP client"))?;
    let told = conversed(&mut dialogue, handshake, mail, redactor).await;
    dialogue.leave(deadline).await;
    told
}

/// All that is said between the greeting and the farewell. `handshake` is there if the connection
/// is to be secured under way.
async fn conversed(
    dialogue: &mut Dialogue,
    handshake: Option<Handshake>,
    mail: &Mail,
    redactor: &Redactor,
) -> Result<Response, RequestError> {
    let server = &*mail.server;
    dialogue.hello(&server.hello).await.map_err(during("send EHLO command"))?;
    if let Some(handshake) = handshake {
        if dialogue.extension("STARTTLS").is_none() {
            return Err(transport(format!(
                "'require_tls' is true (default) but \"{}\" does not advertise the STARTTLS \
                 extension",
                server.address()
            )));
        }
        let secured = dialogue.secure(&handshake, &server.hello).await;
        secured.map_err(during("send STARTTLS command"))?;
    }
    if let Some(account) = &server.account {
        let proven = auth::prove(account, dialogue, &server.host, redactor).await;
        proven.map_err(transport)?;
    }
    dialogue.mail_from(&mail.from).await.map_err(during("send MAIL command"))?;
    for recipient in &mail.to {
        dialogue.recipient(recipient).await.map_err(during("send RCPT command"))?;
    }
    dialogue.data().await.map_err(during("send DATA command"))?;
    let reply = dialogue.body(&mail.message).await.map_err(during("delivery failure"))?;
    let body = Bytes::from(reply.text);
    Ok(Response { status: reply.code, content_type: None, retry_after: None, body })
}

async fn connected(server: &MailServer) -> Result<TcpStream, RequestError> {
    dialled(server).await.map_err(during("establish connection to server"))
}

async fn dialled(server: &MailServer) -> Result<TcpStream, String> {
    let MailServer { host, port, .. } = server;
    let found = tokio::net::lookup_host((host.as_str(), *port)).await;
    let found: Vec<SocketAddr> = found.map_err(|error| error.to_string())?.collect();
    let mut failure = format!("{host} has no address");
    for address in found {
        match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => failure = format!("dial tcp {address}: {error}"),
            Err(_) => failure = format!("dial tcp {address}: no answer in time"),
        }
    }
    Err(failure)
}

/// What makes a connection a secure one.
struct Handshake {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Handshake {
    /// Reads the files anew: they are replaced when certificates are renewed.
    async fn prepare(server: &MailServer) -> Result<Self, RequestError> {
        let failed = during("parse TLS configuration");
        let tls = server.tls.clone();
        let read = tokio::task::spawn_blocking(move || TlsMaterial::read(&tls)).await;
        let material =
            read.map_err(|_| failed("the reading of files was interrupted".to_owned()))?;
        let material = material.map_err(|unreadable| {
            failed(format!(
                "unable to read {} {}: {}",
                unreadable.what, unreadable.path, unreadable.source
            ))
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
        Ok(Handshake { connector: TlsConnector::from(Arc::new(settings)), name })
    }

    async fn secured(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> Result<Stream, String> {
        let connecting = self.connector.connect(self.name.clone(), stream);
        match timeout(HANDSHAKE_TIMEOUT, connecting).await {
            Ok(Ok(stream)) => Ok(Stream::secured(stream)),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("no TLS handshake in time".to_owned()),
        }
    }
}

fn during(what: &str) -> impl Fn(String) -> RequestError {
    move |error| transport(format!("{what}: {error}"))
}
