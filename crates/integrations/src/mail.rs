//! Mail as the integrations see it: what is sent, and through which server.
//!
//! It is answered like the HTTP requests of [`http`](crate::http): the courier hands a [`Mail`] to
//! its server, and the last reply comes back as a [`Response`](crate::http::Response) whose status
//! is an SMTP code. So an exchange judges it like every other answer.
//!
//! These are descriptions only. The courier reads the files that they name at each use, and the
//! passwords only if the server asks for one.

use std::sync::Arc;

use bytes::Bytes;

use crate::http::TlsConfig;
use crate::secret::SecretSource;

/// One message and its envelope.
///
/// Addresses are `local@domain`, without angle brackets, line ends or the names of people.
#[derive(Clone, Debug)]
pub struct Mail {
    pub server: Arc<MailServer>,
    pub from: String,
    /// Never empty.
    pub to: Vec<String>,
    /// Header and body; every line ends with CRLF. Dots at the beginning of a line stand as they
    /// are.
    pub message: Bytes,
}

/// The server that takes mails, and how to connect to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailServer {
    /// A name, or an address without brackets.
    pub host: String,
    pub port: u16,
    /// The name that we give in the greeting.
    pub hello: String,
    pub security: Security,
    pub tls: TlsConfig,
    /// `None`: we never say who we are.
    pub account: Option<MailAccount>,
}

/// When a connection becomes a secure one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// With its first byte.
    Implicit,
    /// By `STARTTLS`; a server that does not know it gets no mail.
    StartTls,
    Never,
}

/// Who we are, for servers that ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailAccount {
    pub username: String,
    /// On whose behalf we act, if not on our own.
    pub identity: String,
    /// White space around what a file holds does not count.
    pub password: SecretSource,
    /// For CRAM-MD5. White space counts.
    pub secret: SecretSource,
}

impl MailServer {
    /// `host:port`, with brackets where they are needed.
    pub fn address(&self) -> String {
        let MailServer { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}
