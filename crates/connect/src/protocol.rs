//! The protocols, and the forms that messages have in them.

use crate::procedure::Procedure;

/// A protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// A message is the body of a request or of an answer.
    ConnectUnary,
    /// Messages are framed, and the end is a frame of JSON.
    ConnectStream,
    /// Messages are framed, and the end is in the trailers.
    Grpc,
    /// Messages are framed, and the end is a frame of trailers.
    GrpcWeb,
}

/// How messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    Json,
    Binary,
}

impl Protocol {
    /// The protocol and form of a procedure's request, by its media type; `None` if there are none.
    pub fn of(procedure: Procedure, media_type: &str) -> Option<(Protocol, Codec)> {
        [procedure.connect(), Protocol::Grpc, Protocol::GrpcWeb].into_iter().find_map(|protocol| {
            let rest = media_type.strip_prefix(protocol.prefix())?;
            let codec = match (protocol, rest) {
                (Protocol::Grpc | Protocol::GrpcWeb, "") => Codec::Binary,
                (Protocol::Grpc | Protocol::GrpcWeb, rest) => {
                    Codec::named(rest.strip_prefix('+')?)?
                }
                (Protocol::ConnectUnary | Protocol::ConnectStream, rest) => Codec::named(rest)?,
            };
            Some((protocol, codec))
        })
    }

    /// The header `Accept-Post`.
    pub fn accepted(procedure: Procedure) -> String {
        let names = ["json", "json; charset=utf-8", "proto"];
        let mut accepted = Vec::new();
        for protocol in [procedure.connect(), Protocol::Grpc, Protocol::GrpcWeb] {
            let prefix = protocol.prefix();
            let plus = match protocol {
                Protocol::Grpc | Protocol::GrpcWeb => {
                    accepted.push(prefix.to_owned());
                    "+"
                }
                Protocol::ConnectUnary | Protocol::ConnectStream => "",
            };
            accepted.extend(names.map(|name| format!("{prefix}{plus}{name}")));
        }
        accepted.sort();
        accepted.join(", ")
    }

    pub fn prefix(self) -> &'static str {
        match self {
            Protocol::ConnectUnary => "application/",
            Protocol::ConnectStream => "application/connect+",
            Protocol::Grpc => "application/grpc",
            Protocol::GrpcWeb => "application/grpc-web",
        }
    }

    /// The headers with which a client says how it compresses, and what it can decompress; the second
    /// is also where the server says so.
    pub fn encoding_headers(self) -> (&'static str, &'static str) {
        match self {
            Protocol::ConnectUnary => ("content-encoding", "accept-encoding"),
            Protocol::ConnectStream => ("connect-content-encoding", "connect-accept-encoding"),
            Protocol::Grpc | Protocol::GrpcWeb => ("grpc-encoding", "grpc-accept-encoding"),
        }
    }

    /// Whether a frame with these flags is the end of the messages.
    pub fn is_end(self, flags: u8) -> bool {
        match self {
            Protocol::ConnectUnary | Protocol::Grpc => false,
            Protocol::ConnectStream => flags & FLAG_CONNECT_END != 0,
            Protocol::GrpcWeb => flags & FLAG_TRAILERS != 0,
        }
    }
}

impl Procedure {
    fn connect(self) -> Protocol {
        if self.is_unary() { Protocol::ConnectUnary } else { Protocol::ConnectStream }
    }
}

impl Codec {
    pub fn named(name: &str) -> Option<Codec> {
        match name {
            "json" | "json; charset=utf-8" => Some(Codec::Json),
            "proto" => Some(Codec::Binary),
            _ => None,
        }
    }
}

/// The flags of a frame: its message is compressed.
pub(crate) const FLAG_COMPRESSED: u8 = 0b0000_0001;
/// The last frame of a stream in Connect.
pub(crate) const FLAG_CONNECT_END: u8 = 0b0000_0010;
/// The last frame in gRPC-Web.
pub(crate) const FLAG_TRAILERS: u8 = 0b1000_0000;
