//! A call with one message each way.

use axum::body::Body;
use axum::response::Response;
use tokio::time::{Instant, timeout_at};

use crate::admission::Slot;
use crate::answers::{Caching, unary};
use crate::backend::Backend;
use crate::error::{Code, RpcError};
use crate::health;
use crate::messages::{Request, decode, encode};
use crate::negotiation::Call;
use crate::procedure::Procedure;
use crate::protocol::Codec;
use crate::received::{Message, Received};
use crate::shared::Shared;
use crate::status;

/// Answers it; `began` is when it was admitted.
pub(crate) async fn answer<B: Backend>(
    shared: &Shared<B>,
    procedure: Procedure,
    mut call: Call,
    body: Body,
    mut slot: Slot<B>,
    began: Instant,
) -> Response {
    let send_bytes_max = shared.settings.send_bytes_max;
    let until = shared.settings.unary_timeout.map(|timeout| began + timeout);
    let client_until = call.timeout.map(|timeout| Instant::now() + timeout);
    let received = match call.sent.take() {
        Some(sent) => unpacked(shared, &call, body, sent).await,
        None => {
            let mut received = shared.received(&call, body);
            within(shared, until, received.only()).await.map(|message| (message, received))
        }
    };
    let has_run = received.is_ok();
    if received.as_ref().is_err_and(|error| error.code != Code::Canceled) {
        slot.never_ran();
    }
    let result = received.and_then(|(message, _received)| {
        run(shared, procedure, call.codec, &message, &mut slot, &[until, client_until])
    });
    if until.is_some_and(|until| Instant::now() >= until) {
        slot.timed_out();
        if !has_run {
            slot.ends(&Err::<(), _>(RpcError::deadline_exceeded()));
        }
    }
    let caching = match procedure {
        Procedure::GetStatus if result.is_ok() => Caching::Forbidden,
        _ => Caching::Unsaid,
    };
    unary(&call, result, caching, send_bytes_max)
}

/// Reads and runs; what goes wrong before the procedure runs leaves its mark in the slot.
fn run<B: Backend>(
    shared: &Shared<B>,
    procedure: Procedure,
    codec: Codec,
    message: &Message,
    slot: &mut Slot<B>,
    deadlines: &[Option<Instant>],
) -> Result<Vec<u8>, RpcError> {
    slot.never_ran();
    let now = Instant::now();
    let is_late = deadlines.iter().flatten().any(|until| now >= *until);
    let late = || if is_late { Err(RpcError::deadline_exceeded()) } else { Ok(()) };
    let result = match procedure {
        Procedure::GetStatus => {
            message.decode::<crate::messages::StatusRequest>(codec)?;
            late().map(|()| encode(codec, &status::get(shared.backend.status())))
        }
        Procedure::CheckHealth => {
            let request = message.decode(codec)?;
            late().and_then(|()| health::check(&request)).map(|reply| encode(codec, &reply))
        }
        Procedure::WatchHealth | Procedure::Reflect | Procedure::ReflectAlpha => {
            Err(RpcError::new(Code::Internal, "a stream is not a unary call"))
        }
    };
    slot.ends(&result);
    result
}

/// The message of a GET.
async fn unpacked<B: Backend>(
    shared: &Shared<B>,
    call: &Call,
    _body: Body,
    sent: Result<Vec<u8>, RpcError>,
) -> Result<(Message, Received), RpcError> {
    let mut received = shared.received(call, Body::from(sent?));
    received.only().await.map(|message| (message, received))
}

/// Reads until the operator's time is over, or the server stops.
async fn within<B: Backend, T>(
    shared: &Shared<B>,
    until: Option<Instant>,
    read: impl Future<Output = Result<T, RpcError>>,
) -> Result<T, RpcError> {
    let late = || Err(RpcError::new(Code::DeadlineExceeded, "i/o timeout"));
    let read = async {
        match until {
            None => read.await,
            Some(until) => timeout_at(until, read).await.unwrap_or_else(|_| late()),
        }
    };
    tokio::select! {
        biased;
        result = read => result,
        () = shared.stopping() => late(),
    }
}

impl Message {
    pub fn decode<M: Request>(&self, codec: Codec) -> Result<M, RpcError> {
        match self {
            Message::Empty => Ok(M::default()),
            Message::Bytes(bytes) => decode(codec, bytes),
        }
    }
}
