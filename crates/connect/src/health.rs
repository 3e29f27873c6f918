//! `grpc.health.v1.Health`: any answer says that this server serves.

use crate::error::{Code, RpcError};
use crate::messages::{HealthRequest, HealthResponse};

pub(crate) fn check(request: &HealthRequest) -> Result<HealthResponse, RpcError> {
    match request.service.as_str() {
        "" | "status.v3alpha.StatusService" => {
            Ok(HealthResponse { status: HealthResponse::SERVING })
        }
        other => Err(RpcError::new(Code::NotFound, format!("unknown service {other}"))),
    }
}
