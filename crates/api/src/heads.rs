//! Heads of HTTP/1 requests, accepted and refused as Go's server does.
//!
//! In: connections. Out: the same connections, in which each head is in a form that the HTTP library
//! accepts. Characters that no URL may hold are written as percent escapes; folded fields are
//! unfolded; if there are very many fields, those that are never read are left out; a very long query
//! travels in a field of its own ([`query`]).
//!
//! What Go refuses becomes a request that says so. [`answer_refusals`] responds to it, so that the
//! responses of a connection keep their order.
//!
//! Compat: `curl 'http://…/api/v2/alerts?filter=alertname="X"'` sends the quotes as they are, works
//! with upstream, and is used in many scripts.

mod refusal;
mod rules;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::serve::Listener;
use bellwether_encoding::http1::Rewriter;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

pub use refusal::answer_refusals;
pub use rules::query;

use rules::RequestRules;

/// A listener whose connections accept such heads.
pub struct TolerantListener<L>(pub L);

/// A connection that accepts such heads.
pub struct TolerantStream<I> {
    inner: I,
    rewriter: Rewriter<RequestRules>,
    /// Runs once the connection was shut down after a refusal.
    linger: Option<Pin<Box<Sleep>>>,
}

impl<I> TolerantStream<I> {
    pub fn new(inner: I) -> Self {
        TolerantStream { inner, rewriter: Rewriter::new(RequestRules), linger: None }
    }

    /// A connection that does not carry HTTP/1, and is passed on unchanged.
    pub fn untouched(inner: I) -> Self {
        TolerantStream { rewriter: Rewriter::untouched(RequestRules), ..Self::new(inner) }
    }
}

impl<I> TolerantStream<I> {
    /// How many bytes of a head have come that has not come to its end.
    pub fn head_bytes(&self) -> usize {
        self.rewriter.head_bytes()
    }

    /// Whether the connection carries something else from here on, such as HTTP/2.
    pub fn is_beyond_http1(&self) -> bool {
        self.rewriter.is_beyond()
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
                if this.rewriter.has_ended() {
                    // The refusal is still to be sent; an end now would take it back.
                    return Poll::Pending;
                }
                // The head is incomplete; the library rejects it.
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
            pushed.map_err(io::Error::other)?;
        }
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TolerantStream<I> {
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
        let this = &mut *self;
        ready!(Pin::new(&mut this.inner).poll_shutdown(context))?;
        if !this.rewriter.has_ended() {
            return Poll::Ready(Ok(()));
        }
        // Closing with unread input would take the refusal back before the client has read it.
        let linger = this.linger.get_or_insert_with(|| Box::pin(sleep(LINGER_MAX)));
        let mut dropped = [0; 8192];
        loop {
            if linger.as_mut().poll(context).is_ready() {
                return Poll::Ready(Ok(()));
            }
            let mut out = ReadBuf::new(&mut dropped);
            ready!(Pin::new(&mut this.inner).poll_read(context, &mut out))?;
            if out.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
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

/// Limit: how long a client may go on sending after a refusal, as in Go.
const LINGER_MAX: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests;
