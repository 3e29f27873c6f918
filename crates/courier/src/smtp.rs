//! Delivers single mails over SMTP (RFC 5321).
//!
//! In: a [`Mail`] and the deadline of the delivery that it belongs to. Out: the server's last reply,
//! as a [`Response`] whose status is the SMTP code, or why the mail was not accepted. Each mail has
//! a connection of its own: mails are rare, and mail servers drop idle clients.
//!
//! [`SmtpSession`] sends commands, [`auth`] authenticates, [`connection`] reads and writes lines.
//!
//! Once the server has accepted the mail it counts as delivered, whatever happens to `QUIT`. Every
//! failure before that is retried, also a refusal by the server: mailboxes are full or grey-listed
//! today and not tomorrow. Texts begin with the step that failed, as in the Go Alertmanager:
//! `send RCPT command: 550 no such user`.

use std::time::Duration;

use bellwether_integrations::http::{RequestError, Response};
use bellwether_integrations::mail::{Mail, MailServer, Security};
use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use crate::error::{denied, transport};
use crate::firewall::NetworkPolicy;
use crate::network::{ConnectError, dial};
use crate::progress::Progress;
use crate::redactor::Redactor;

use self::connection::Stream;
use self::handshake::TlsHandshake;
use self::session::SmtpSession;

mod auth;
mod connection;
mod handshake;
mod session;

/// Limit: for one address of the server to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Delivers one mail.
///
/// Ends at `deadline` at the latest; `progress` names the step then. Credentials are added to
/// `redactor`.
pub async fn deliver(
    mail: &Mail,
    policy: &NetworkPolicy,
    redactor: &Redactor,
    progress: &Progress,
    deadline: Instant,
) -> Result<Response, RequestError> {
    timeout_at(deadline, connect_and_send(mail, policy, redactor, progress, deadline))
        .await
        .unwrap_or(Err(RequestError::DeadlinePassed))
}

async fn connect_and_send(
    mail: &Mail,
    policy: &NetworkPolicy,
    redactor: &Redactor,
    progress: &Progress,
    deadline: Instant,
) -> Result<Response, RequestError> {
    let server = &*mail.server;
    let (stream, handshake) = match server.security {
        Security::Never => (Stream::plain(connect(server, policy, progress).await?), None),
        Security::StartTls => {
            let handshake = TlsHandshake::prepare(server, progress).await?;
            (Stream::plain(connect(server, policy, progress).await?), Some(handshake))
        }
        Security::Implicit => {
            let handshake = TlsHandshake::prepare(server, progress).await?;
            let step = "establish TLS connection to server";
            let failed = progress.begin(step);
            let trying = |address| progress.set(format!("{step}: dial tcp {address}"));
            let (host, port) = (&server.host, server.port);
            let stream = dial(host, port, CONNECT_TIMEOUT, &policy.firewall, trying).await;
            (
                handshake
                    .secure(stream.map_err(|error| unconnected(step, error))?)
                    .await
                    .map_err(failed)?,
                None,
            )
        }
    };
    let failed = progress.begin("create SMTP client");
    let mut session = SmtpSession::open(stream).await.map_err(failed)?;
    let result = send(&mut session, handshake, mail, policy, redactor, progress).await;
    session.quit(deadline).await;
    result
}

/// Everything between the greeting and `QUIT`. `handshake` is there if the connection is to be
/// secured by `STARTTLS`.
async fn send(
    session: &mut SmtpSession,
    handshake: Option<TlsHandshake>,
    mail: &Mail,
    policy: &NetworkPolicy,
    redactor: &Redactor,
    progress: &Progress,
) -> Result<Response, RequestError> {
    let server = &*mail.server;
    let failed = progress.begin("send EHLO command");
    session.hello(&server.hello).await.map_err(failed)?;
    if let Some(handshake) = handshake {
        if session.extension("STARTTLS").is_none() {
            return Err(transport(format!(
                "'require_tls' is true (default) but \"{}\" does not advertise the STARTTLS \
                 extension",
                server.address()
            )));
        }
        let failed = progress.begin("send STARTTLS command");
        session.start_tls(&handshake, &server.hello).await.map_err(failed)?;
    }
    if let Some(account) = &server.account {
        progress.set("authenticate");
        let in_clear = policy.plaintext_auth;
        let authenticated =
            auth::authenticate(account, session, &server.host, in_clear, redactor).await;
        authenticated.map_err(transport)?;
    }
    let failed = progress.begin("send MAIL command");
    session.mail_from(&mail.from).await.map_err(failed)?;
    let failed = progress.begin("send RCPT command");
    for recipient in &mail.to {
        session.rcpt_to(recipient).await.map_err(failed)?;
    }
    let failed = progress.begin("send DATA command");
    session.data().await.map_err(failed)?;
    let failed = progress.begin("delivery failure");
    let reply = session.body(&mail.message).await.map_err(failed)?;
    let body = Bytes::from(reply.text);
    Ok(Response { status: reply.code, content_type: None, retry_after: None, body })
}

async fn connect(
    server: &MailServer,
    policy: &NetworkPolicy,
    progress: &Progress,
) -> Result<TcpStream, RequestError> {
    let step = "establish connection to server";
    progress.set(step);
    let trying = |address| progress.set(format!("{step}: dial tcp {address}"));
    let stream = dial(&server.host, server.port, CONNECT_TIMEOUT, &policy.firewall, trying).await;
    stream.map_err(|error| unconnected(step, error))
}

fn unconnected(step: &str, error: ConnectError) -> RequestError {
    match error {
        ConnectError::Failed(text) => transport(format!("{step}: {text}")),
        ConnectError::Denied(text) => denied(format!("{step}: {text}")),
    }
}
