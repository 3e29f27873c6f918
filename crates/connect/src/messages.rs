//! The messages, in protobuf and in its JSON.

mod health;
mod reflection;
mod status;

use std::error::Error as _;

pub(crate) use health::{HealthRequest, HealthResponse};
pub(crate) use reflection::{
    Answer, ExtensionNumbers, FileDescriptors, Question, ReflectionError, ReflectionRequest,
    ReflectionResponse, ServiceName, Services,
};
pub(crate) use status::{
    ClusterStatus, Config, Peer, ServerStatus, StatusRequest, StatusResponse, Time, VersionInfo,
};

use crate::error::{Code, RpcError};
use crate::json::{self, ReadJson};
use crate::protocol::Codec;

/// A message that clients send.
pub(crate) trait Request: prost::Message + Default + ReadJson {
    /// The name of its type in Go, which stands in errors.
    const GO_NAME: &'static str;
}

/// A message that clients get.
pub(crate) trait Response: prost::Message {
    fn write_json(&self, out: &mut String);
}

pub(crate) fn decode<M: Request>(codec: Codec, bytes: &[u8]) -> Result<M, RpcError> {
    let into = |error: String| format!("unmarshal into {}: {error}", M::GO_NAME);
    let decoded = match codec {
        Codec::Json if bytes.is_empty() => {
            Err("zero-length payload is not a valid JSON object".to_owned())
        }
        Codec::Json => json::read::<M>(bytes).map_err(|error| into(format!("proto: {error}"))),
        Codec::Binary => M::decode(bytes).map_err(|error| {
            let text = error.to_string();
            let is_text = text.contains("UTF-8") || error.source().is_some();
            into(if is_text {
                "string field contains invalid UTF-8".to_owned()
            } else {
                "proto: cannot parse invalid wire-format data".to_owned()
            })
        }),
    };
    decoded.map_err(|error| {
        RpcError::new(Code::InvalidArgument, format!("unmarshal message: {error}"))
    })
}

pub(crate) fn encode<M: Response>(codec: Codec, message: &M) -> Vec<u8> {
    match codec {
        Codec::Binary => message.encode_to_vec(),
        Codec::Json => {
            let mut out = String::new();
            message.write_json(&mut out);
            out.into_bytes()
        }
    }
}
