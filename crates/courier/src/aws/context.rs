//! What credential providers need to know about one call.

use bellwether_integrations::sns::config::SigV4;
use bellwether_model::Secret;
use tokio::time::Instant;

use super::environment::Environment;
use super::error::{AwsError, failed};
use super::profile::Profiles;
use super::region::Endpoints;
use crate::client::Client;
use crate::progress::Progress;
use crate::redactor::Redactor;

/// One call's settings and means.
#[derive(Clone, Copy)]
pub struct CallContext<'a> {
    pub client: &'a Client,
    pub signer: &'a SigV4,
    pub profiles: &'a Profiles,
    pub endpoints: Endpoints<'a>,
    pub environment: Environment<'a>,
    /// Is given every token that is sent to a provider.
    pub redactor: &'a Redactor,
    pub progress: &'a Progress,
    pub deadline: Instant,
}

/// The trimmed content of a file that holds a token.
pub async fn read_token(path: &str) -> Result<Secret, AwsError> {
    let content = tokio::fs::read_to_string(path).await;
    let content = content.map_err(|error| failed(format!("read {path}: {error}")))?;
    Ok(Secret::new(content.trim()))
}
