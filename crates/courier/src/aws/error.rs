//! Why a call of an AWS service was not made.

use bellwether_integrations::http::{RequestError, Response};

use crate::error::transport;

#[derive(Debug)]
pub enum AwsError {
    /// The security token service refused; its response is judged like the service's own.
    Rejected(Response),
    Failed(RequestError),
}

impl From<RequestError> for AwsError {
    fn from(error: RequestError) -> Self {
        AwsError::Failed(error)
    }
}

/// A failure after which another attempt may succeed.
pub fn failed(detail: impl Into<String>) -> AwsError {
    AwsError::Failed(transport(detail))
}
