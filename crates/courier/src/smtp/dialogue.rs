//! The conversation with a mail server, command by command.
//!
//! Each method says one thing and ends with the server's consent, or with the text of what it said
//! instead. The order of the commands is the caller's.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::Handshake;
use super::wire::{Reply, Stream, Wire};

/// Limit: how long the server's farewell is waited for; nothing depends on it.
const QUIT_TIMEOUT: Duration = Duration::from_secs(1);

/// A conversation that has begun.
pub struct Dialogue {
    /// `None` once the connection is lost.
    wire: Option<Wire>,
    /// What the server says it can do: a keyword and its parameters.
    extensions: Vec<(String, String)>,
}

impl Dialogue {
    /// Waits for the server's greeting.
    pub async fn begin(stream: Stream) -> Result<Self, String> {
        let mut wire = Wire::new(stream);
        expected(wire.prompt_reply().await?, |code| code == 220)?;
        Ok(Dialogue { wire: Some(wire), extensions: Vec::new() })
    }

    /// Introduces us as `name` and learns what the server can do.
    pub async fn hello(&mut self, name: &str) -> Result<(), String> {
        self.extensions.clear();
        let reply = self.ask(&format!("EHLO {name}")).await?;
        if reply.code != 250 {
            // A server from before there were extensions.
            let reply = self.ask(&format!("HELO {name}")).await?;
            return expected(reply, |code| code == 250).map(drop);
        }
        // The first line is the server's name.
        self.extensions = reply.text.lines().skip(1).map(extension).collect();
        Ok(())
    }

    /// The parameters of a keyword that the server named.
    pub fn extension(&self, keyword: &str) -> Option<&str> {
        let same = |name: &str| name.eq_ignore_ascii_case(keyword);
        self.extensions.iter().find(|(name, _)| same(name)).map(|(_, text)| text.as_str())
    }

    pub fn is_secure(&self) -> bool {
        self.wire.as_ref().is_some_and(Wire::is_secure)
    }

    /// Secures the connection and introduces us anew: what was said before does not count.
    pub async fn secure(&mut self, handshake: &Handshake, name: &str) -> Result<(), String> {
        expected(self.ask("STARTTLS").await?, |code| code == 220)?;
        let wire = self.wire.take().ok_or_else(lost)?;
        let stream = wire.into_stream()?.into_inner();
        self.wire = Some(Wire::new(handshake.secured(stream).await?));
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
        expected(self.ask(&command).await?, |code| code == 250).map(drop)
    }

    pub async fn recipient(&mut self, address: &str) -> Result<(), String> {
        let reply = self.ask(&format!("RCPT TO:<{address}>")).await?;
        expected(reply, |code| code / 10 == 25).map(drop)
    }

    /// Asks for leave to send the message.
    pub async fn data(&mut self) -> Result<(), String> {
        expected(self.ask("DATA").await?, |code| code == 354).map(drop)
    }

    /// Sends a message whose lines end with CRLF, and waits until the server has taken it.
    pub async fn body(&mut self, message: &[u8]) -> Result<Reply, String> {
        let stuffed = stuffed(message);
        let wire = self.wire.as_mut().ok_or_else(lost)?;
        let reply = match wire.write(&stuffed).await {
            Ok(()) => wire.reply().await,
            Err(error) => Err(error),
        };
        let reply = reply.inspect_err(|_| self.wire = None)?;
        expected(reply, |code| code == 250)
    }

    /// Says something and hears what the server says to it.
    pub async fn ask(&mut self, line: &str) -> Result<Reply, String> {
        let wire = self.wire.as_mut().ok_or_else(lost)?;
        // Without a reply there is nobody to go on talking to.
        wire.ask(line).await.inspect_err(|_| self.wire = None)
    }

    /// Takes leave, if there is somebody to take leave of.
    pub async fn leave(mut self, deadline: Instant) {
        let deadline = deadline.min(Instant::now() + QUIT_TIMEOUT);
        // Nothing depends on how it ends.
        let _ = timeout_at(deadline, self.ask("QUIT")).await;
    }
}

fn lost() -> String {
    "the connection is lost".to_owned()
}

/// The reply if its code is one of those hoped for, else its text.
pub fn expected(reply: Reply, is_hoped_for: impl Fn(u16) -> bool) -> Result<Reply, String> {
    if is_hoped_for(reply.code) { Ok(reply) } else { Err(reply.to_string()) }
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
