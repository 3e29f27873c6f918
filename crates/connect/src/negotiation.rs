//! Whether a request fits its procedure, and how its messages are written.
//!
//! In: the head of a request. Out: a [`Call`], or the refusal. The order of the checks is that of
//! connect-go: version of HTTP, method, media type, body of a GET, compression, protocol version,
//! parameters of a GET, and last the client's time.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use base64::DecodeError;
use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use bellwether_model::quote::quoted;
use http::header::{ALLOW, CONNECTION, HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, Version};

use crate::error::{Code, RpcError};
use crate::media_type;
use crate::procedure::{Kind, Procedure};
use crate::protocol::{Codec, Protocol};
use crate::query::Query;
use crate::timeout::{parse_connect, parse_grpc};

/// A request that fits its procedure.
pub(crate) struct Call {
    pub protocol: Protocol,
    pub codec: Codec,
    /// The media type of request and answer.
    pub media_type: String,
    pub is_get: bool,
    /// The message of a GET, as it is in the query.
    pub sent: Option<Sent>,
    pub request_compressed: bool,
    /// How the client's words about compression were understood.
    pub compression: Compression,
    /// The client's time.
    pub timeout: Option<Duration>,
}

/// A request that fits no protocol; its answer has no body.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    header: Option<(HeaderName, HeaderValue)>,
}

/// The message of a GET.
pub(crate) type Sent = Result<Vec<u8>, RpcError>;

/// What the answer says about compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
    /// The client compresses in a way that this server does not know.
    Unknown,
}

impl Call {
    /// A call, and what is wrong with it, which is answered in the form of its protocol.
    pub fn negotiate(
        procedure: Procedure,
        head: &Parts,
        query: &str,
        has_body: bool,
    ) -> Result<(Call, Result<(), RpcError>), Refusal> {
        if procedure.kind() == Kind::Bidirectional && head.version < Version::HTTP_2 {
            // A client that waits for an answer while it sends must not wait for ever.
            let close = (CONNECTION, HeaderValue::from_static("close"));
            return Err(Refusal::new(StatusCode::HTTP_VERSION_NOT_SUPPORTED, close));
        }
        if !procedure.allows(&head.method) {
            let allowed = HeaderValue::from_static(procedure.allowed());
            return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, (ALLOW, allowed)));
        }
        let query = Query::parse(query);
        let is_get = head.method == Method::GET;
        let media_type = match is_get {
            true => format!("{}{}", Protocol::ConnectUnary.prefix(), query.text("encoding")),
            false => media_type::canonical(&head.headers),
        };
        let found = Protocol::of(procedure, &media_type);
        let found = found.filter(|(protocol, _)| !is_get || *protocol == Protocol::ConnectUnary);
        let Some((protocol, codec)) = found else {
            let accepted = HeaderValue::from_str(&Protocol::accepted(procedure));
            let accepted = accepted.unwrap_or(HeaderValue::from_static(""));
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, (ACCEPT_POST, accepted)));
        };
        if is_get && has_body {
            return Err(Refusal { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, header: None });
        }
        let mut call = Call {
            protocol,
            codec,
            media_type,
            is_get,
            sent: None,
            request_compressed: false,
            compression: Compression::None,
            timeout: None,
        };
        let fits = call.read(head, &query);
        Ok((call, fits))
    }

    fn read(&mut self, head: &Parts, query: &Query) -> Result<(), RpcError> {
        let invalid = |text: String| RpcError::new(Code::InvalidArgument, text);
        self.read_compression(&head.headers, query)?;
        self.check_version(&head.headers, query).map_err(invalid)?;
        if self.is_get {
            if query.get("message").is_none() {
                return Err(invalid("missing message parameter".into()));
            }
            self.sent = Some(sent(query));
        }
        let timeout = match self.protocol {
            Protocol::ConnectUnary | Protocol::ConnectStream => {
                parse_connect(text(&head.headers, "connect-timeout-ms"))
            }
            Protocol::Grpc | Protocol::GrpcWeb => parse_grpc(text(&head.headers, "grpc-timeout")),
        };
        self.timeout = timeout.map_err(invalid)?;
        Ok(())
    }

    fn read_compression(&mut self, headers: &HeaderMap, query: &Query) -> Result<(), RpcError> {
        let (encoding, accepted) = self.protocol.encoding_headers();
        let in_query = query.text("compression");
        let encoding = if self.is_get { &in_query } else { text(headers, encoding) };
        match encoding {
            "" | "identity" => {}
            "gzip" => self.request_compressed = true,
            other => {
                self.compression = Compression::Unknown;
                let text =
                    format!("unknown compression {}: supported encodings are gzip", quoted(other));
                return Err(RpcError::new(Code::Unimplemented, text));
            }
        }
        let mut accepted = text(headers, accepted).split([',', ' ']);
        if self.request_compressed || accepted.any(|name| name == "gzip") {
            self.compression = Compression::Gzip;
        }
        Ok(())
    }

    fn check_version(&self, headers: &HeaderMap, query: &Query) -> Result<(), String> {
        let (name, version, expected) = match self.protocol {
            Protocol::Grpc | Protocol::GrpcWeb => return Ok(()),
            Protocol::ConnectUnary if self.is_get => ("connect", query.text("connect"), "v1"),
            Protocol::ConnectUnary | Protocol::ConnectStream => {
                ("Connect-Protocol-Version", text(headers, VERSION).to_owned(), "1")
            }
        };
        if version.is_empty() || version == expected {
            return Ok(());
        }
        Err(format!("{name} must be \"{expected}\": got {}", quoted(&version)))
    }
}

/// The message of a GET.
fn sent(query: &Query) -> Sent {
    let message = query.get("message").unwrap_or_default();
    if query.text("base64") != "1" {
        return Ok(message.to_vec());
    }
    let decoded = match message.len() % 4 {
        0 => URL_SAFE.decode(message),
        _ => URL_SAFE_NO_PAD.decode(message),
    };
    decoded.map_err(|error| {
        let at = match error {
            DecodeError::InvalidByte(at, _) | DecodeError::InvalidLastSymbol(at, _) => at,
            DecodeError::InvalidLength(length) => length,
            DecodeError::InvalidPadding => message.len(),
        };
        let text = format!("read message: illegal base64 data at input byte {at}");
        RpcError::new(Code::Unknown, text)
    })
}

/// Whether a request says that it uses a version of Connect that this server knows.
pub(crate) fn has_known_version(head: &Parts, query: &str) -> bool {
    match head.method {
        Method::GET => matches!(Query::parse(query).text("connect").as_str(), "" | "v1"),
        _ => matches!(text(&head.headers, VERSION), "" | "1"),
    }
}

impl Refusal {
    fn new(status: StatusCode, header: (HeaderName, HeaderValue)) -> Self {
        Refusal { status, header: Some(header) }
    }

    pub fn answer(self) -> Response {
        let mut answer = self.status.into_response();
        answer.headers_mut().extend(self.header);
        answer
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");
const VERSION: &str = "connect-protocol-version";
