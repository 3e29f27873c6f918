//! Bodies of one piece that do not say their length, and may end with trailers.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http::HeaderMap;
use hyper::body::Frame;

/// A body of one piece, whose length is not said, and the trailers behind it, if there are any.
pub(crate) fn one_frame_and_trailers(bytes: Bytes, trailers: HeaderMap) -> Body {
    Body::new(Piece { bytes, trailers })
}

struct Piece {
    bytes: Bytes,
    trailers: HeaderMap,
}

impl HttpBody for Piece {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(if !self.bytes.is_empty() {
            Some(Ok(Frame::data(std::mem::take(&mut self.bytes))))
        } else if !self.trailers.is_empty() {
            Some(Ok(Frame::trailers(std::mem::take(&mut self.trailers))))
        } else {
            None
        })
    }
}
