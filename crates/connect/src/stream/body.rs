//! The body of a stream, which is made step by step, and may end with trailers.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http::HeaderMap;

use super::{Step, Stream};
use crate::backend::Backend;

/// A part of an answer.
pub(super) enum Part {
    Message(Bytes),
    /// The last bytes, if there are any, and the trailers, if there are any.
    End(Bytes, HeaderMap),
    /// The connection or its stream is reset.
    Cut,
}

type Frame = hyper::body::Frame<Bytes>;
type Stepping<B> = Pin<Box<dyn Future<Output = (Box<Stream<B>>, Step)> + Send>>;

/// The body of a stream.
pub(super) struct Steps<B: Backend>(State<B>);

enum State<B: Backend> {
    /// This part is made, and goes out next.
    Made(Box<Stream<B>>, Part),
    /// The next part is being made.
    Making(Stepping<B>),
    Trailers(HeaderMap),
    Ended,
}

impl<B: Backend> Steps<B> {
    pub fn body(mut stream: Box<Stream<B>>, first: Step) -> Body {
        let part = stream.part(first);
        Body::new(Steps(State::Made(stream, part)))
    }
}

impl<B: Backend> HttpBody for Steps<B> {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame, io::Error>>> {
        loop {
            if let State::Making(stepping) = &mut self.0 {
                let (mut stream, step) = ready!(stepping.as_mut().poll(context));
                let part = stream.part(step);
                self.0 = State::Made(stream, part);
            }
            let (next, frame) = match std::mem::replace(&mut self.0, State::Ended) {
                State::Made(mut stream, Part::Message(bytes)) => {
                    let step = Box::pin(async move {
                        let step = stream.step().await;
                        (stream, step)
                    });
                    (State::Making(step), Some(Ok(Frame::data(bytes))))
                }
                State::Made(_, Part::Cut) => {
                    let error = io::Error::new(io::ErrorKind::TimedOut, "the stream was cut off");
                    (State::Ended, Some(Err(error)))
                }
                State::Made(_, Part::End(bytes, trailers)) => {
                    let next = match trailers.is_empty() {
                        true => State::Ended,
                        false => State::Trailers(trailers),
                    };
                    match bytes.is_empty() {
                        false => (next, Some(Ok(Frame::data(bytes)))),
                        true => {
                            self.0 = next;
                            continue;
                        }
                    }
                }
                State::Trailers(trailers) => (State::Ended, Some(Ok(Frame::trailers(trailers)))),
                making @ State::Making(_) => {
                    self.0 = making;
                    continue;
                }
                State::Ended => (State::Ended, None),
            };
            self.0 = next;
            return Poll::Ready(frame);
        }
    }
}
