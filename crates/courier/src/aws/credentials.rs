//! AWS credentials, and how long they may be used.
//!
//! [`CredentialCache`] belongs to the client of one integration. Configured credentials are looked
//! up for each call, since files and variables change; temporary ones are kept until shortly before
//! they expire, or until the service rejects them.

use std::time::{Duration, SystemTime};

use bellwether_model::{Secret, Timestamp};
use tokio::sync::Mutex;

/// What signs a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsCredentials {
    pub access_key_id: String,
    pub secret_access_key: Secret,
    /// Part of temporary credentials; else empty.
    pub session_token: Secret,
    pub validity: Validity,
}

/// How long credentials may be used without being looked up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// For one call: they are in a file or variable that an operator may change.
    OneCall,
    Until(Timestamp),
    /// They came without an expiry, from a source that is slow to ask.
    UntilRejected,
}

/// The last credentials that may be used again.
///
/// Locked while credentials are fetched, so that concurrent calls fetch them once.
#[derive(Default)]
pub struct CredentialCache(Mutex<Option<AwsCredentials>>);

/// Temporary credentials are renewed this long before they expire.
const EXPIRY_MARGIN: Duration = Duration::from_secs(60);

impl AwsCredentials {
    pub fn configured(access_key_id: &str, secret_access_key: &str, session_token: &str) -> Self {
        AwsCredentials {
            access_key_id: access_key_id.to_owned(),
            secret_access_key: Secret::new(secret_access_key),
            session_token: Secret::new(session_token),
            validity: Validity::OneCall,
        }
    }

    fn are_reusable(&self) -> bool {
        match self.validity {
            Validity::OneCall => false,
            Validity::Until(expiry) => now().plus(EXPIRY_MARGIN) < expiry,
            Validity::UntilRejected => true,
        }
    }
}

impl CredentialCache {
    /// The cached credentials if they may be used again, else what `fetch` returns.
    pub async fn get_or_fetch<E>(
        &self,
        fetch: impl Future<Output = Result<AwsCredentials, E>>,
    ) -> Result<AwsCredentials, E> {
        let mut last = self.0.lock().await;
        if let Some(credentials) = last.as_ref().filter(|last| last.are_reusable()) {
            return Ok(credentials.clone());
        }
        let fetched = fetch.await?;
        *last = Some(fetched.clone());
        Ok(fetched)
    }

    /// Forgets credentials that the service has rejected.
    pub async fn clear(&self) {
        self.0.lock().await.take();
    }
}

pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix(i64::try_from(since.as_secs()).unwrap_or(i64::MAX), since.subsec_nanos())
}
