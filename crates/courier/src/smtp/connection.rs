//! The lines of an SMTP session: commands out, replies in.
//!
//! Everything that a server sends has a limit: the length of a line, the number of lines of a
//! reply, and how long a reply is awaited.

use std::fmt;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::network;

/// Limit: bytes of one line of a reply; RFC 5321 allows 512.
pub const REPLY_LINE_MAX_BYTES: usize = 2048;
/// Limit: lines of one reply; a server that lists many extensions sends some twenty.
pub const REPLY_LINES_MAX: usize = 128;
/// Limit: what a failure's text shows of a reply; it ends in a log line.
const EXCERPT_BYTES_MAX: usize = 2048;
/// Limit: how long a server may think about a command. For the message itself it has all the time
/// there is, since giving up then may deliver it twice.
const REPLY_TIMEOUT: Duration = Duration::from_secs(60);

/// A connection, in plain text or secured.
pub struct Stream {
    inner: Box<dyn Duplex>,
    pub is_secure: bool,
}

trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// A connection with its unread input.
pub struct Connection {
    stream: Stream,
    /// Read, but not parsed yet.
    pending: Vec<u8>,
}

/// A whole reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub code: u16,
    /// The lines after their codes, with line feeds between them.
    pub text: String,
}

impl Stream {
    pub fn plain(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        Stream { inner: Box::new(stream), is_secure: false }
    }

    pub fn secured(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        Stream { inner: Box::new(stream), is_secure: true }
    }

    pub fn into_inner(self) -> impl AsyncRead + AsyncWrite + Unpin + Send + 'static {
        self.inner
    }
}

impl Connection {
    pub fn new(stream: Stream) -> Self {
        Connection { stream, pending: Vec::new() }
    }

    pub fn is_secure(&self) -> bool {
        self.stream.is_secure
    }

    /// The connection alone, to be secured.
    ///
    /// # Errors
    /// If there is unread input: someone may have injected it, so that it would pass for input of
    /// the secured connection.
    pub fn into_stream(self) -> Result<Stream, String> {
        if self.pending.is_empty() {
            Ok(self.stream)
        } else {
            Err("the server sent more than its reply before the handshake".to_owned())
        }
    }

    /// Sends a line and waits for the reply.
    pub async fn command(&mut self, line: &str) -> Result<Reply, String> {
        if line.contains(['\r', '\n']) {
            return Err("a command must not contain line ends".to_owned());
        }
        self.write(&[line.as_bytes(), b"\r\n"].concat()).await?;
        self.reply_in_time().await
    }

    /// Sends bytes as they are.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        let stream = &mut self.stream.inner;
        stream.write_all(bytes).await.map_err(|error| network::describe(&error))?;
        stream.flush().await.map_err(|error| network::describe(&error))
    }

    /// The next reply, within the time for replies to commands.
    pub async fn reply_in_time(&mut self) -> Result<Reply, String> {
        timeout(REPLY_TIMEOUT, self.reply())
            .await
            .unwrap_or_else(|_| Err(format!("no reply within {}s", REPLY_TIMEOUT.as_secs())))
    }

    /// The next reply, whenever it arrives.
    pub async fn reply(&mut self) -> Result<Reply, String> {
        let (code, mut text, mut more) = parsed(&self.line().await?)?;
        let mut lines = 1;
        while more {
            lines += 1;
            if lines > REPLY_LINES_MAX {
                return Err(format!("a reply of more than {REPLY_LINES_MAX} lines"));
            }
            let (next, line, goes_on) = parsed(&self.line().await?)?;
            if next != code {
                return Err(format!("a reply that begins as {code} and goes on as {next}"));
            }
            text.push('\n');
            text.push_str(&line);
            more = goes_on;
        }
        Ok(Reply { code, text })
    }

    /// The next line without its end.
    async fn line(&mut self) -> Result<String, String> {
        loop {
            if let Some(end) = self.pending.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.pending.drain(..=end).collect();
                let line = line[..end].strip_suffix(b"\r").unwrap_or(&line[..end]);
                return Ok(String::from_utf8_lossy(line).into_owned());
            }
            if self.pending.len() >= REPLY_LINE_MAX_BYTES {
                return Err(format!("a reply's line of more than {REPLY_LINE_MAX_BYTES} bytes"));
            }
            let mut chunk = [0; 1024];
            match self.stream.inner.read(&mut chunk).await {
                Ok(0) => return Err("EOF".to_owned()),
                Ok(read) => self.pending.extend_from_slice(&chunk[..read]),
                Err(error) => return Err(network::describe(&error)),
            }
        }
    }
}

/// Code, text, and whether more lines follow.
fn parsed(line: &str) -> Result<(u16, String, bool), String> {
    let code = line.get(..3).filter(|code| code.bytes().all(|byte| byte.is_ascii_digit()));
    let code = code.and_then(|code| code.parse().ok()).filter(|code| (200..600).contains(code));
    match (code, line.as_bytes().get(3)) {
        (Some(code), None) => Ok((code, String::new(), false)),
        (Some(code), Some(b' ')) => Ok((code, line[4..].to_owned(), false)),
        (Some(code), Some(b'-')) => Ok((code, line[4..].to_owned(), true)),
        _ => Err(format!("not a reply: {:?}", cut(line, EXCERPT_BYTES_MAX / 8))),
    }
}

fn cut(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// As it is shown in errors.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03} {}", self.code, cut(&self.text, EXCERPT_BYTES_MAX))
    }
}
