//! Accepts request targets as people type them.
//!
//! In: connections. Out: the same connections, in which characters that no URL may hold are written
//! as percent escapes before the HTTP library sees them: it would refuse the request.
//!
//! Compat: `curl 'http://…/api/v2/alerts?filter=alertname="X"'` sends the quotes as they are, works
//! with upstream, and is used in many scripts.
//!
//! Only the first line of a request is touched. To find it, the length of the body before it must
//! be known; after a body without a length nothing is changed on that connection.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A listener whose connections accept such targets.
pub struct TolerantListener<L>(pub L);

/// A connection that accepts such targets.
pub struct TolerantStream<I> {
    inner: I,
    place: Place,
    /// Read from the connection, but not passed on yet.
    held: Vec<u8>,
    /// How much of `held` is ready to be passed on.
    ready: usize,
    /// How much of what is not ready was already searched for the end of a head.
    searched: usize,
}

/// What comes next on the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Head,
    /// So many bytes of a body, then a head.
    Body(u64),
    /// Something that cannot be followed.
    Beyond,
}

impl<I> TolerantStream<I> {
    pub fn new(inner: I) -> Self {
        TolerantStream { inner, place: Place::Head, held: Vec::new(), ready: 0, searched: 0 }
    }

    /// A connection that does not carry HTTP/1, and is passed on unchanged.
    pub fn untouched(inner: I) -> Self {
        TolerantStream { place: Place::Beyond, ..Self::new(inner) }
    }

    /// Decides how much of what is held may be passed on, and fixes it on the way.
    fn advance(&mut self) {
        while self.ready < self.held.len() {
            let fresh = self.held.len() - self.ready;
            match self.place {
                Place::Beyond => self.ready = self.held.len(),
                Place::Body(0) => self.place = Place::Head,
                Place::Body(left) => {
                    let taken = left.min(fresh as u64);
                    self.ready += taken as usize;
                    self.place = Place::Body(left - taken);
                }
                Place::Head => {
                    let head = self.held.get(self.ready..).unwrap_or_default();
                    match end_of_head(head, self.searched) {
                        Some(length) => self.pass_head(length),
                        // The library has its own limit for heads and responds accordingly.
                        None if fresh > HEAD_BYTES_MAX => self.place = Place::Beyond,
                        None => {
                            self.searched = fresh;
                            return;
                        }
                    }
                }
            }
        }
    }

    fn pass_head(&mut self, length: usize) {
        let head = self.held.get(self.ready..self.ready + length).unwrap_or_default();
        self.place = place_behind(head);
        self.searched = 0;
        if let Some(mended) = mended(head) {
            let end = self.ready + length;
            let mended_length = mended.len();
            self.held.splice(self.ready..end, mended);
            self.ready += mended_length;
        } else {
            self.ready += length;
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for TolerantStream<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            if this.ready > 0 {
                let count = this.ready.min(out.remaining());
                out.put_slice(this.held.get(..count).unwrap_or_default());
                this.held.drain(..count);
                this.ready -= count;
                return Poll::Ready(Ok(()));
            }
            let before = out.filled().len();
            ready!(Pin::new(&mut this.inner).poll_read(context, out))?;
            let fresh = out.filled().len() - before;
            if fresh == 0 {
                // The end: the head is incomplete; the library rejects it.
                this.ready = this.held.len();
                this.place = Place::Beyond;
                if this.ready == 0 {
                    return Poll::Ready(Ok(()));
                }
                continue;
            }
            match &mut this.place {
                Place::Beyond => return Poll::Ready(Ok(())),
                Place::Body(left) if *left >= fresh as u64 => {
                    *left -= fresh as u64;
                    return Poll::Ready(Ok(()));
                }
                Place::Body(_) | Place::Head => {
                    this.held.extend_from_slice(out.filled().get(before..).unwrap_or_default());
                    out.set_filled(before);
                    this.advance();
                }
            }
        }
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for TolerantStream<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
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

impl<L: Listener> Listener for TolerantListener<L> {
    type Io = TolerantStream<L::Io>;
    type Addr = L::Addr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = self.0.accept().await;
        (TolerantStream::new(stream), address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

/// The length of a head with the empty line behind it, if it is all there; the end is not within
/// the first `searched` bytes.
fn end_of_head(bytes: &[u8], searched: usize) -> Option<usize> {
    // The end may have begun there, though.
    let from = searched.saturating_sub(3);
    let rest = bytes.get(from..).unwrap_or_default();
    let ends = rest.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at);
    let mut ends = ends.map(|at| from + at + 1);
    ends.find(|end| {
        let before = bytes.get(..*end).unwrap_or_default();
        before.ends_with(b"\n\n") || before.ends_with(b"\r\n\r\n")
    })
}

/// What follows a head: a body of a known length, or something that cannot be followed.
fn place_behind(head: &[u8]) -> Place {
    let mut length = None;
    for line in head.split(|byte| *byte == b'\n').skip(1) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = line.split_at(colon);
        if name.eq_ignore_ascii_case(b"transfer-encoding") || name.eq_ignore_ascii_case(b"upgrade")
        {
            return Place::Beyond;
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            let value = std::str::from_utf8(value.get(1..).unwrap_or_default());
            let parsed = value.ok().and_then(|value| value.trim().parse::<u64>().ok());
            if parsed.is_none() || length.is_some() {
                return Place::Beyond;
            }
            length = parsed;
        }
    }
    length.map_or(Place::Head, Place::Body)
}

/// The head with a fixed first line; `None` if there is nothing to fix.
fn mended(head: &[u8]) -> Option<Vec<u8>> {
    let end = head.iter().position(|byte| *byte == b'\n')?;
    let (line, rest) = head.split_at(end);
    let start = line.iter().position(|byte| *byte == b' ')? + 1;
    let stop = line.iter().rposition(|byte| *byte == b' ')?;
    let target = line.get(start..stop)?;
    if !target.iter().any(|byte| needs_escape(*byte)) {
        return None;
    }
    let mut out = Vec::with_capacity(head.len() + 64);
    out.extend_from_slice(line.get(..start)?);
    for byte in target {
        if needs_escape(*byte) {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        } else {
            out.push(*byte);
        }
    }
    out.extend_from_slice(line.get(stop..)?);
    out.extend_from_slice(rest);
    Some(out)
}

/// Printable, but no part of a URL; a space would end the target, and controls are an attack.
fn needs_escape(byte: u8) -> bool {
    byte >= 0x80 || b"\"<>`{}\\^|#".contains(&byte)
}

/// Limit: length of a head that is searched.
const HEAD_BYTES_MAX: usize = 64 * 1024;

#[cfg(test)]
mod tests;
