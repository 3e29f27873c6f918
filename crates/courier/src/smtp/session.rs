//! The commands of SMTP.
//!
//! Each method sends one command and ends with the expected reply, or with the text of another
//! one. The order of the commands is the caller's.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::connection::{Connection, Reply, Stream};
use super::handshake::TlsHandshake;

/// Limit: how long the reply to `QUIT` is awaited; nothing depends on it.
const QUIT_TIMEOUT: Duration = Duration::from_secs(1);

/// An open session.
pub struct SmtpSession {
    /// `None` once the connection is lost.
    connection: Option<Connection>,
    /// What the server offers: keywords and their parameters.
    extensions: Vec<(String, String)>,
}

impl SmtpSession {
    /// Waits for the server's greeting.
    pub async fn open(stream: Stream) -> Result<Self, String> {
        let mut connection = Connection::new(stream);
        expected(connection.reply_in_time().await?, |code| code == 220)?;
        Ok(SmtpSession { connection: Some(connection), extensions: Vec::new() })
    }

    /// Sends `EHLO` with our `name`, or `HELO`, and notes what the server offers.
    pub async fn hello(&mut self, name: &str) -> Result<(), String> {
        self.extensions.clear();
        let reply = self.command(&format!("EHLO {name}")).await?;
        if reply.code != 250 {
            // A server from before there were extensions.
            let reply = self.command(&format!("HELO {name}")).await?;
            return expected(reply, |code| code == 250).map(drop);
        }
        // The first line is the server's name.
        self.extensions = reply.text.lines().skip(1).map(extension).collect();
        Ok(())
    }

    /// The parameters of a keyword that the server offers.
    pub fn extension(&self, keyword: &str) -> Option<&str> {
        let same = |name: &str| name.eq_ignore_ascii_case(keyword);
        self.extensions.iter().find(|(name, _)| same(name)).map(|(_, text)| text.as_str())
    }

    pub fn is_secure(&self) -> bool {
        self.connection.as_ref().is_some_and(Connection::is_secure)
    }

    /// `STARTTLS`, and `EHLO` again: replies from before the handshake are not trusted.
    pub async fn start_tls(&mut self, handshake: &TlsHandshake, name: &str) -> Result<(), String> {
        expected(self.command("STARTTLS").await?, |code| code == 220)?;
        let connection = self.connection.take().ok_or_else(lost)?;
        let stream = connection.into_stream()?.into_inner();
        self.connection = Some(Connection::new(handshake.secure(stream).await?));
        self.hello(name).await
    }

    pub async fn mail_from(&mut self, address: &str) -> Result<(), String> {
        let mut command = format!("MAIL FROM:<{address}>");
        if self.extension("8BITMIME").is_some() {
            command.push_str(" BODY=8BITMIME");
        }
        if self.extension("SMTPUTF8").is_some() {
            command.push_str(" SMTPUTF8");
        }
        expected(self.command(&command).await?, |code| code == 250).map(drop)
    }

    pub async fn rcpt_to(&mut self, address: &str) -> Result<(), String> {
        let reply = self.command(&format!("RCPT TO:<{address}>")).await?;
        expected(reply, |code| code / 10 == 25).map(drop)
    }

    /// Announces the message.
    pub async fn data(&mut self) -> Result<(), String> {
        expected(self.command("DATA").await?, |code| code == 354).map(drop)
    }

    /// Sends a message whose lines end with CRLF, and waits until the server has accepted it.
    pub async fn body(&mut self, message: &[u8]) -> Result<Reply, String> {
        let stuffed = stuffed(message);
        let connection = self.connection.as_mut().ok_or_else(lost)?;
        let reply = match connection.write(&stuffed).await {
            Ok(()) => connection.reply().await,
            Err(error) => Err(error),
        };
        let reply = reply.inspect_err(|_| self.connection = None)?;
        expected(reply, |code| code == 250)
    }

    /// Sends a command and waits for its reply.
    pub async fn command(&mut self, line: &str) -> Result<Reply, String> {
        let connection = self.connection.as_mut().ok_or_else(lost)?;
        // Without a reply it is unknown what the next one would answer.
        connection.command(line).await.inspect_err(|_| self.connection = None)
    }

    /// `QUIT`, if the connection is still there.
    pub async fn quit(mut self, deadline: Instant) {
        let deadline = deadline.min(Instant::now() + QUIT_TIMEOUT);
        // Nothing depends on how it ends.
        let _ = timeout_at(deadline, self.command("QUIT")).await;
    }
}

fn lost() -> String {
    "the connection is lost".to_owned()
}

/// The reply if its code is as expected, else its text.
pub fn expected(reply: Reply, is_expected: impl Fn(u16) -> bool) -> Result<Reply, String> {
    if is_expected(reply.code) { Ok(reply) } else { Err(reply.to_string()) }
}

fn extension(line: &str) -> (String, String) {
    let (keyword, parameters) = line.split_once(' ').unwrap_or((line, ""));
    (keyword.to_owned(), parameters.to_owned())
}

/// The message with its end; a dot at the beginning of a line is doubled, as it would be the end.
fn stuffed(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + 64);
    for line in message.split_inclusive(|&byte| byte == b'\n') {
        if line.first() == Some(&b'.') {
            out.push(b'.');
        }
        out.extend_from_slice(line);
    }
    out.extend_from_slice(b".\r\n");
    out
}
