//! A call with many messages: the health of a service as it changes, and reflection.
//!
//! The answer begins with the first message, or with the end if there is none; what follows is made when
//! the client takes it. Nothing of a stream runs by itself: a client that goes away ends it.

mod body;

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use tokio::time::{Instant, sleep_until};

use crate::admission::Slot;
use crate::answers::{connect_end, trailers, web_end};
use crate::backend::Backend;
use crate::envelope::frame;
use crate::error::RpcError;
use crate::health;
use crate::messages::{HealthRequest, encode};
use crate::negotiation::{Call, Compression};
use crate::piece::one_frame_and_trailers;
use crate::procedure::Procedure;
use crate::protocol::Protocol;
use crate::received::Received;
use crate::reflection::Reflection;
use crate::shared::Shared;

use body::{Part, Steps};

/// One stream.
struct Stream<B: Backend> {
    shared: Arc<Shared<B>>,
    call: Call,
    received: Received,
    slot: Slot<B>,
    work: Work,
    /// When the operator's time for the stream is over.
    lifetime: Option<Instant>,
    /// When the client's time is over.
    timeout: Option<Instant>,
    /// When the last message came or went.
    active: Instant,
}

/// What a stream does next.
enum Work {
    /// Read the service that is watched, and say its health.
    BeginWatch,
    /// Nothing: the health does not change.
    Watch,
    Reflect(Reflection),
    /// It has ended before it began.
    Refused(RpcError),
}

/// What a stream comes to next.
enum Step {
    Message(Vec<u8>),
    End(Result<(), RpcError>),
    /// It is cut off: the operator's time is over, or the server stops.
    Cut,
}

pub(crate) async fn answer<B: Backend>(
    shared: &Arc<Shared<B>>,
    procedure: Procedure,
    call: Call,
    fits: Result<(), RpcError>,
    body: Body,
    slot: Slot<B>,
    began: Instant,
) -> Response {
    let work = match (fits, procedure) {
        (Err(error), _) => Work::Refused(error),
        (Ok(()), Procedure::WatchHealth) => Work::BeginWatch,
        (Ok(()), _) => Work::Reflect(Reflection::default()),
    };
    let received = shared.received(&call, body);
    let headers = call.headers();
    let (protocol, compression) = (call.protocol, call.compression);
    let mut stream = Box::new(Stream {
        lifetime: shared.settings.stream_lifetime.map(|lifetime| began + lifetime),
        timeout: call.timeout.map(|timeout| Instant::now() + timeout),
        active: began,
        shared: Arc::clone(shared),
        call,
        received,
        slot,
        work,
    });
    let first = stream.step().await;
    let mut response = match first {
        Step::End(end) if protocol == Protocol::GrpcWeb => {
            let mut response =
                Response::new(one_frame_and_trailers(Bytes::new(), HeaderMap::new()));
            response.headers_mut().extend(trailers(&end));
            response
        }
        Step::End(end) => {
            let max = stream.shared.settings.send_bytes_max;
            let (frame, trailers) = ending(protocol, compression, &end, max);
            Response::new(one_frame_and_trailers(frame, trailers))
        }
        first => Response::new(Steps::body(stream, first)),
    };
    response.headers_mut().extend(headers);
    response
}

impl<B: Backend> Stream<B> {
    async fn step(&mut self) -> Step {
        let idle = self.shared.settings.stream_idle_timeout.map(|idle| self.active + idle);
        let cut_at = [idle, self.lifetime].into_iter().flatten().min();
        let shared = Arc::clone(&self.shared);
        let is_reflection = matches!(self.work, Work::Reflect(_));
        let cut = async {
            tokio::select! {
                () = at(cut_at) => RpcError::deadline_exceeded(),
                () = shared.stopping() => RpcError::canceled(),
            }
        };
        let step = tokio::select! {
            biased;
            step = self.work() => step,
            error = cut => {
                // A watch ends well whatever ends it.
                let end = if is_reflection { Err(error) } else { Ok(()) };
                self.slot.ends(&end);
                return Step::Cut;
            }
        };
        match &step {
            Step::Message(_) => self.active = Instant::now(),
            Step::End(end) => self.slot.ends(end),
            Step::Cut => {}
        }
        step
    }

    async fn work(&mut self) -> Step {
        match &mut self.work {
            Work::Refused(error) => {
                self.slot.never_ran();
                let error = error.clone();
                Step::End(Err(error))
            }
            Work::BeginWatch => {
                let read = self.received.only().await;
                let request =
                    read.and_then(|message| message.decode::<HealthRequest>(self.call.codec));
                match request.and_then(|request| health::check(&request)) {
                    Ok(reply) => {
                        self.work = Work::Watch;
                        self.slot.ends(&Ok(()));
                        Step::Message(encode(self.call.codec, &reply))
                    }
                    Err(error) => Step::End(Err(error)),
                }
            }
            Work::Watch => {
                at(self.timeout).await;
                Step::End(Ok(()))
            }
            Work::Reflect(reflection) => {
                let message = match self.received.following().await {
                    Ok(Some(message)) => message,
                    Ok(None) => return Step::End(Ok(())),
                    Err(error) => return Step::End(Err(error)),
                };
                self.active = Instant::now();
                let request = message.decode(self.call.codec);
                match request.and_then(|request| reflection.answer(request)) {
                    Ok(reply) => Step::Message(encode(self.call.codec, &reply)),
                    Err(error) => Step::End(Err(error)),
                }
            }
        }
    }

    /// The bytes of a step, and what comes behind them.
    fn part(&mut self, step: Step) -> Part {
        let settings = &self.shared.settings;
        let compress = self.call.compression == Compression::Gzip;
        let end = match step {
            Step::Cut => return Part::Cut,
            Step::End(end) => end,
            Step::Message(message) => match frame(0, message, compress, settings.send_bytes_max) {
                Ok(frame) => return Part::Message(frame),
                Err(error) => {
                    let end = Err(error);
                    self.slot.ends(&end);
                    end
                }
            },
        };
        let (frame, trailers) =
            ending(self.call.protocol, self.call.compression, &end, settings.send_bytes_max);
        Part::End(frame, trailers)
    }
}

/// The last frame of a stream, or its trailers.
fn ending(
    protocol: Protocol,
    compression: Compression,
    end: &Result<(), RpcError>,
    send_bytes_max: Option<usize>,
) -> (Bytes, HeaderMap) {
    let compress = compression == Compression::Gzip;
    match protocol {
        Protocol::Grpc => (Bytes::new(), trailers(end)),
        Protocol::GrpcWeb => (web_end(end, compress, send_bytes_max), HeaderMap::new()),
        Protocol::ConnectUnary | Protocol::ConnectStream => {
            (connect_end(end, compress, send_bytes_max), HeaderMap::new())
        }
    }
}

async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
