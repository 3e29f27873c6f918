//! A text of the configuration that is given, or in a file.

use bellwether_integrations::http::RequestError;
use bellwether_model::Secret;

use crate::error::transport;

/// Where a credential or header value comes from.
pub enum Source {
    Text(Secret),
    /// Read at each use, surrounding white space trimmed.
    File(String),
}

impl Source {
    pub fn new(text: &Secret, file: &str) -> Self {
        if text.is_empty() && !file.is_empty() {
            Source::File(file.to_owned())
        } else {
            Source::Text(text.clone())
        }
    }

    /// The text as it is now; `what` names its purpose in errors.
    pub async fn text(&self, what: &str) -> Result<Secret, RequestError> {
        match self {
            Source::Text(text) => Ok(text.clone()),
            Source::File(path) => match tokio::fs::read_to_string(path).await {
                Ok(content) => Ok(Secret::new(content.trim())),
                Err(error) => Err(transport(format!(
                    "unable to read {what}: unable to read file {path}: {error}"
                ))),
            },
        }
    }
}
