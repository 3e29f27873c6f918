//! Heads of HTTP/1 responses, accepted as Go's client accepts them.
//!
//! In: a connection to a receiver. Out: the same connection, in which each head is in a form that
//! the HTTP library accepts, with the fields that are needed and no others: so the library's limits
//! for fields are never reached. What Go refuses ends the connection with Go's words.
//!
//! A receiver whose answer is not understood is notified again, although it has been.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bellwether_encoding::http1::{
    self, Field, Next, Rewriter, Rewritten, Rules, excerpt, fields, first_line,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Limit: bytes of one head, as in Go.
const HEAD_BYTES_MAX: usize = 10 << 20;

/// The fields that someone reads, or that say where the body ends.
const NEEDED_FIELDS: [&str; 8] = [
    "connection",
    "content-length",
    "content-type",
    "date",
    "location",
    "retry-after",
    "transfer-encoding",
    "upgrade",
];

/// Why an answer is not one, in Go's words.
#[derive(Debug, thiserror::Error)]
#[error("net/http: HTTP/1.x transport connection broken: {0}")]
pub struct AnswerFault(String);

/// A connection to a receiver.
pub struct AnswerStream<S> {
    inner: S,
    rewriter: Rewriter<AnswerRules>,
}

impl<S> AnswerStream<S> {
    pub fn new(inner: S) -> Self {
        AnswerStream { inner, rewriter: Rewriter::new(AnswerRules::default()) }
    }

    /// A connection that does not carry HTTP/1.
    pub fn untouched(inner: S) -> Self {
        AnswerStream { inner, rewriter: Rewriter::untouched(AnswerRules::default()) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for AnswerStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            let ready = this.rewriter.ready();
            if !ready.is_empty() {
                let count = ready.len().min(out.remaining());
                out.put_slice(ready.get(..count).unwrap_or_default());
                this.rewriter.consume(count);
                return Poll::Ready(Ok(()));
            }
            let before = out.filled().len();
            ready!(Pin::new(&mut this.inner).poll_read(context, out))?;
            let fresh = out.filled().get(before..).unwrap_or_default();
            if fresh.is_empty() {
                this.rewriter.end();
                if this.rewriter.ready().is_empty() {
                    return Poll::Ready(Ok(()));
                }
                continue;
            }
            if this.rewriter.passes(fresh) {
                return Poll::Ready(Ok(()));
            }
            let pushed = this.rewriter.push(fresh);
            out.set_filled(before);
            pushed.map_err(|fault| io::Error::other(AnswerFault(fault)))?;
            if this.rewriter.is_within_head() && !this.rewriter.rules().is_asked {
                // It answers no request; the library closes the connection.
                this.rewriter.end();
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for AnswerStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.rewriter.rules().is_asked = true;
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.rewriter.rules().is_asked = true;
        Pin::new(&mut self.inner).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[derive(Debug, Default)]
struct AnswerRules {
    /// Whether something was written since the last answer.
    is_asked: bool,
}

impl Rules for AnswerRules {
    fn first_line(&mut self, line: &[u8]) -> Result<Option<Rewritten>, String> {
        StatusLine::parse(line).map(|_| None)
    }

    fn head(&mut self, head: &[u8]) -> Result<Rewritten, String> {
        if !self.is_asked {
            return Ok(Rewritten { head: head.to_vec(), next: Next::Beyond });
        }
        let (line, block) = first_line(head);
        let line = StatusLine::parse(line)?;
        self.is_asked = line.is_interim();
        let fields = fields(block).map_err(|malformed| malformed.to_string())?;
        Ok(rewritten(&line, &fields))
    }

    fn too_long(&mut self) -> Result<Rewritten, String> {
        Err(format!("net/http: server response headers exceeded {HEAD_BYTES_MAX} bytes; aborted"))
    }

    fn head_bytes_max(&self) -> usize {
        HEAD_BYTES_MAX
    }
}

/// `HTTP/1.1 200 OK`.
#[derive(Debug, PartialEq, Eq)]
pub struct StatusLine {
    version: (u8, u8),
    pub code: u16,
    /// `OK`
    pub reason: String,
}

impl StatusLine {
    /// # Errors
    /// With Go's words.
    pub fn parse(line: &[u8]) -> Result<Self, String> {
        let malformed = |what: &str, text: &[u8]| format!("malformed {what} {:?}", excerpt(text));
        let space = line.iter().position(|byte| *byte == b' ');
        let space = space.ok_or_else(|| malformed("HTTP response", line))?;
        let (version, status) = line.split_at(space);
        let status = status.trim_ascii_start();
        let end = status.iter().position(|byte| *byte == b' ').unwrap_or(status.len());
        let (code, reason) = status.split_at(end);
        let number = match code {
            [b'1'..=b'9', b'0'..=b'9', b'0'..=b'9'] => {
                code.iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0'))
            }
            _ => return Err(malformed("HTTP status code", code)),
        };
        let version = http1::version(version).ok_or_else(|| malformed("HTTP version", version))?;
        Ok(StatusLine { version, code: number, reason: excerpt(reason.trim_ascii()) })
    }

    /// Whether another answer to the same request follows.
    fn is_interim(&self) -> bool {
        matches!(self.code, 100 | 102..=199)
    }

    /// Only from 1.1 on connections are kept by default, and bodies may come in chunks.
    fn is_current(&self) -> bool {
        self.version >= (1, 1)
    }
}

fn rewritten(line: &StatusLine, fields: &[Field<'_>]) -> Rewritten {
    let minor = u8::from(line.is_current());
    let mut head = format!("HTTP/1.{minor} {:03} \r\n", line.code).into_bytes();
    let mut length = None;
    let mut in_chunks = false;
    let mut is_clear = true;
    for field in fields {
        let needed = NEEDED_FIELDS.iter().any(|name| field.is(name));
        if !needed || (!line.is_current() && field.is("transfer-encoding")) {
            continue;
        }
        if field.is("transfer-encoding") {
            is_clear &= !in_chunks && field.value.eq_ignore_ascii_case(b"chunked");
            in_chunks = true;
        }
        if field.is("content-length") {
            let parsed = std::str::from_utf8(&field.value).ok().and_then(|text| text.parse().ok());
            is_clear &= parsed.is_some() && (length.is_none() || length == parsed);
            length = parsed;
        }
        head.extend_from_slice(field.name);
        head.extend_from_slice(b": ");
        head.extend_from_slice(&field.value);
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    let next = match line.code {
        101 => Next::Beyond,
        100..=199 | 204 | 304 => Next::Head,
        _ if !is_clear => Next::Beyond,
        _ if in_chunks => Next::Chunks,
        _ => length.map_or(Next::Beyond, Next::Body),
    };
    Rewritten { head, next }
}

#[cfg(test)]
mod tests;
