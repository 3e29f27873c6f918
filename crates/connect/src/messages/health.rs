//! Messages of `grpc.health.v1.Health`.

use super::{Request, Response};
use crate::json::{Field, Members, ReadJson, Value};

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct HealthRequest {
    /// Empty for the whole server.
    #[prost(string, tag = "1")]
    pub service: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct HealthResponse {
    #[prost(int32, tag = "1")]
    pub status: i32,
}

impl HealthResponse {
    pub const SERVING: i32 = 1;
}

impl Request for HealthRequest {
    const GO_NAME: &'static str = "*healthv1.HealthCheckRequest";
}

impl ReadJson for HealthRequest {
    const FIELDS: &'static [Field] = &[Field { json: "service", text: "service", oneof: None }];

    fn read_field(&mut self, _: usize, value: Value<'_, '_>) -> Result<(), String> {
        self.service = value.string()?;
        Ok(())
    }
}

impl Response for HealthResponse {
    /// Compat: the names of the states are those of the Go library, not those of gRPC.
    fn write_json(&self, out: &mut String) {
        let mut members = Members::begin(out);
        if self.status == Self::SERVING {
            members.string("status", "SERVING_STATUS_SERVING");
        }
        members.end();
    }
}
