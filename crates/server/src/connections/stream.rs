//! The bytes of a connection, watched: when heads begin and end, and whether the client takes what it
//! is sent.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bellwether_api::TolerantStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::state::Connection;

/// A connection that is watched.
pub struct WatchedStream<I> {
    inner: TolerantStream<I>,
    connection: Arc<Connection>,
    /// Bytes of the head as last reported.
    head_bytes: usize,
    /// Bytes of what is not HTTP/1, until it has begun.
    other_bytes: Option<usize>,
    is_stalled: bool,
}

impl<I> WatchedStream<I> {
    pub fn new(inner: TolerantStream<I>, connection: Arc<Connection>) -> Self {
        WatchedStream { inner, connection, head_bytes: 0, other_bytes: Some(0), is_stalled: false }
    }

    fn has_read(&mut self, count: usize) {
        let head_bytes = self.inner.head_bytes();
        if head_bytes != self.head_bytes {
            self.head_bytes = head_bytes;
            self.connection.head_grows(head_bytes);
        }
        if let Some(before) = self.other_bytes
            && self.inner.is_beyond_http1()
        {
            self.other_bytes = Some(before + count).filter(|bytes| *bytes < PREFACE_BYTES);
            if self.other_bytes.is_none() {
                self.connection.establish();
            }
        }
    }

    fn has_written<T>(&mut self, result: Poll<T>) -> Poll<T> {
        if self.is_stalled != result.is_pending() {
            self.is_stalled = result.is_pending();
            self.connection.stalls(self.is_stalled);
        }
        result
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for WatchedStream<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = out.filled().len();
        let result = Pin::new(&mut self.inner).poll_read(context, out);
        let count = out.filled().len().saturating_sub(before);
        self.has_read(count);
        result
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncWrite for WatchedStream<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.has_written(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write_vectored(context, slices);
        self.has_written(result)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.inner).poll_flush(context);
        self.has_written(result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

/// The first bytes of HTTP/2.
const PREFACE_BYTES: usize = 24;
