//! The body of an answer, and what is to live as long as it.
//!
//! In: a body and a value. Out: the same body; the value is dropped once the body has been sent, or
//! given up.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

pub struct KeptBody<T> {
    inner: Body,
    _kept: T,
}

impl<T> KeptBody<T> {
    pub fn new(inner: Body, kept: T) -> Self {
        KeptBody { inner, _kept: kept }
    }
}

impl<T: Unpin> HttpBody for KeptBody<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.inner).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
