//! Answers in the form of each protocol.

use axum::body::Body;
use axum::response::Response;
use bellwether_encoding::json::{Escape, push_string};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue, VARY};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};

use crate::envelope::frame;
use crate::error::RpcError;
use crate::media_type;
use crate::negotiation::{Call, Compression, has_known_version};
use crate::piece::one_frame_and_trailers;
use crate::protocol::{FLAG_CONNECT_END, FLAG_TRAILERS, Protocol};

/// Refuses a request before it is known how its messages are written, in the form of the protocol
/// that it seems to speak.
pub(crate) fn refuse(head: &Parts, query: &str, error: &RpcError) -> Response {
    let media_type = media_type::canonical(&head.headers);
    let is_of = |protocol: Protocol, rest: &str| {
        media_type.strip_prefix(protocol.prefix()).is_some_and(|it| it.starts_with(rest))
    };
    let is_post = head.method == Method::POST;
    let (body, media_type, trailers) = if is_post
        && (media_type == Protocol::Grpc.prefix() || is_of(Protocol::Grpc, "+"))
    {
        let body = one_frame_and_trailers(Bytes::new(), trailers(&Err(error.clone())));
        let announced = HeaderValue::from_static("Grpc-Status,Grpc-Message");
        (body, media_type, HeaderMap::from_iter([(http::header::TRAILER, announced)]))
    } else if is_post && (media_type == Protocol::GrpcWeb.prefix() || is_of(Protocol::GrpcWeb, "+"))
    {
        (chunked(Bytes::new()), media_type, trailers(&Err(error.clone())))
    } else if is_post && is_of(Protocol::ConnectStream, "") && has_known_version(head, query) {
        (chunked(connect_end(&Err(error.clone()), false, None)), media_type, HeaderMap::new())
    } else {
        (chunked(error_json(error).into()), JSON.into(), HeaderMap::new())
    };
    let mut response = Response::new(body);
    if media_type == JSON {
        *response.status_mut() = status(error);
    }
    response.headers_mut().extend(trailers);
    set(response.headers_mut(), CONTENT_TYPE, &media_type);
    response
}

/// The answer to a unary call.
pub(crate) fn unary(
    call: &Call,
    result: Result<Vec<u8>, RpcError>,
    cached: Caching,
    send_bytes_max: Option<usize>,
) -> Response {
    let compress = call.compression == Compression::Gzip;
    if call.protocol != Protocol::ConnectUnary {
        let end = match result {
            Ok(message) => End::Sent(frame(0, message, compress, send_bytes_max)),
            Err(error) => End::Failed(error),
        };
        return framed_unary(call, end, cached, send_bytes_max);
    }
    let result = result.and_then(|message| {
        let message = if compress { crate::gzip::compress(&message) } else { message };
        crate::envelope::check_length(&message, compress, send_bytes_max)?;
        Ok(message)
    });
    let mut headers = call.headers();
    if call.is_get {
        headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    cached.set(&mut headers);
    let (status, body) = match result {
        Ok(message) => {
            if compress {
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
            (StatusCode::OK, message)
        }
        Err(error) => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
            (status(&error), error_json(&error).into_bytes())
        }
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// How a unary call ends whose messages are framed.
enum End {
    /// Before there was a message.
    Failed(RpcError),
    /// With a message, unless it is too long.
    Sent(Result<Bytes, RpcError>),
}

fn framed_unary(call: &Call, end: End, cached: Caching, send_bytes_max: Option<usize>) -> Response {
    let mut headers = call.headers();
    cached.set(&mut headers);
    let fails_early = matches!(end, End::Failed(_));
    let (frame, end) = match end {
        End::Sent(Ok(frame)) => (frame, Ok(())),
        End::Sent(Err(error)) | End::Failed(error) => (Bytes::new(), Err(error)),
    };
    let mut response = match call.protocol {
        Protocol::GrpcWeb if fails_early => {
            headers.extend(trailers(&end));
            Response::new(chunked(Bytes::new()))
        }
        Protocol::GrpcWeb => {
            let end = web_end(&end, call.compression == Compression::Gzip, send_bytes_max);
            Response::new(chunked([frame, end].concat().into()))
        }
        Protocol::ConnectUnary | Protocol::ConnectStream | Protocol::Grpc => {
            Response::new(one_frame_and_trailers(frame, trailers(&end)))
        }
    };
    *response.headers_mut() = headers;
    response
}

/// Whether an answer may be kept by those that it passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caching {
    Unsaid,
    Forbidden,
}

impl Caching {
    fn set(self, headers: &mut HeaderMap) {
        if self == Caching::Forbidden {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
    }
}

impl Call {
    /// What each answer of a procedure carries.
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        set(&mut headers, CONTENT_TYPE, &self.media_type);
        let (encoding, accepted) = self.protocol.encoding_headers();
        headers.insert(accepted, HeaderValue::from_static("gzip"));
        let is_said = self.protocol != Protocol::ConnectUnary;
        match self.compression {
            Compression::Gzip if is_said => {
                headers.insert(encoding, HeaderValue::from_static("gzip"));
            }
            Compression::Unknown if is_said => {
                headers.insert(encoding, HeaderValue::from_static(""));
            }
            Compression::None | Compression::Gzip | Compression::Unknown => {}
        }
        headers
    }
}

/// The last frame of a Connect stream.
pub(crate) fn connect_end(
    end: &Result<(), RpcError>,
    compress: bool,
    send_bytes_max: Option<usize>,
) -> Bytes {
    let text = |end: &Result<(), RpcError>| match end {
        Ok(()) => "{}".to_owned(),
        Err(error) => format!("{{\"error\":{}}}", error_json(error)),
    };
    let sent = frame(FLAG_CONNECT_END, text(end).into(), compress, send_bytes_max);
    sent.unwrap_or_else(|too_long| {
        let end = if end.is_ok() { &Err(too_long) } else { end };
        frame(FLAG_CONNECT_END, text(end).into(), false, None).unwrap_or_default()
    })
}

/// The last frame of gRPC-Web.
pub(crate) fn web_end(
    end: &Result<(), RpcError>,
    compress: bool,
    send_bytes_max: Option<usize>,
) -> Bytes {
    let text = |end: &Result<(), RpcError>| {
        let mut lines: Vec<String> = trailers(end)
            .iter()
            .map(|(name, value)| format!("{name}: {}\r\n", value.to_str().unwrap_or_default()))
            .collect();
        lines.sort();
        lines.concat()
    };
    let sent = frame(FLAG_TRAILERS, text(end).into(), compress, send_bytes_max);
    sent.unwrap_or_else(|too_long| {
        let end = if end.is_ok() { &Err(too_long) } else { end };
        frame(FLAG_TRAILERS, text(end).into(), false, None).unwrap_or_default()
    })
}

/// How a call ended, in gRPC.
pub(crate) fn trailers(end: &Result<(), RpcError>) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    match end {
        Ok(()) => set(&mut trailers, GRPC_STATUS, "0"),
        Err(error) => {
            set(&mut trailers, GRPC_STATUS, &error.code.number().to_string());
            let mut message = String::new();
            for byte in error.message.bytes() {
                match byte {
                    b' '..=b'~' if byte != b'%' => message.push(char::from(byte)),
                    other => message.push_str(&format!("%{other:02X}")),
                }
            }
            set(&mut trailers, GRPC_MESSAGE, &message);
        }
    }
    trailers
}

fn error_json(error: &RpcError) -> String {
    let mut json = format!("{{\"code\":\"{}\"", error.code.name());
    if !error.message.is_empty() {
        json.push_str(",\"message\":");
        push_string(&mut json, &error.message, Escape::Html);
    }
    json.push('}');
    json
}

fn status(error: &RpcError) -> StatusCode {
    StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn set(headers: &mut HeaderMap, name: impl http::header::IntoHeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// A body that does not say its length, as those that Go flushes.
fn chunked(bytes: Bytes) -> Body {
    one_frame_and_trailers(bytes, HeaderMap::new())
}

const JSON: &str = "application/json";
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
