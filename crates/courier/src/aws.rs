//! Calls of AWS services: who we are there, where the service is, and the signature.
//!
//! In: an [`AwsCall`] and the deadline of the delivery that it belongs to. Out: the service's answer,
//! or why there is none. If the token service refuses to lend us what we need, its answer takes the
//! place of the service's: it is judged alike.
//!
//! [`Finder`](finder) looks for credentials, [`profile`] reads the files of the AWS tools,
//! [`signature`] signs. Given credentials are looked up for each call, since files and roles change;
//! those that are lent for a while are kept until shortly before they end, or until the service
//! refuses them.

use std::time::{Duration, SystemTime};

use bellwether_integrations::aws::AwsCall;
use bellwether_integrations::http::{Method, Request, RequestError, Response};
use bellwether_model::{Secret, Timestamp};
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use crate::client::Client;
use crate::error::{transport, unusable};
use crate::redactor::Redactor;

use self::finder::Finder;
use self::region::{Endpoints, region};
use self::signature::Scope;

mod finder;
mod lenders;
mod profile;
mod region;
mod signature;

/// In whose name we call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    pub id: String,
    pub secret: Secret,
    /// For those that are lent; else empty.
    pub token: Secret,
}

/// Credentials, and how long they are good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub keys: Keys,
    /// `None`: until an operator changes them.
    pub expires: Option<Timestamp>,
}

/// The last session that was lent to us. Locked while one is looked for, so that this happens once.
#[derive(Default)]
pub struct Sessions(Mutex<Option<Session>>);

/// Why a call was not made.
#[derive(Debug)]
pub enum Stop {
    /// The token service said no.
    Answered(Response),
    Failed(RequestError),
}

/// A variable of our environment; empty ones are none.
pub type Variables<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// A session is renewed this long before it ends.
const EXPIRY_MARGIN: Duration = Duration::from_secs(60);

/// Makes the call. Ends at `deadline` at the latest.
pub async fn answered(
    call: &AwsCall,
    client: &Client,
    redactor: &Redactor,
    deadline: Instant,
) -> Result<Response, RequestError> {
    let called = made(call, client, &environment, redactor, deadline);
    match tokio::time::timeout_at(deadline, called).await {
        Ok(Ok(response) | Err(Stop::Answered(response))) => Ok(response),
        Ok(Err(Stop::Failed(error))) => Err(error),
        Err(_) => Err(RequestError::DeadlinePassed),
    }
}

async fn made(
    call: &AwsCall,
    client: &Client,
    variables: Variables<'_>,
    redactor: &Redactor,
    deadline: Instant,
) -> Result<Response, Stop> {
    let profiles = profile::read(variables).await;
    let region = region(&call.signer, &profiles, variables)?;
    let endpoints = Endpoints { region: &region, variables };
    let finder = Finder {
        client,
        signer: &call.signer,
        profiles: &profiles,
        endpoints,
        variables,
        redactor,
        deadline,
    };
    let keys = client.sessions.keys(&finder).await?;
    redactor.add(keys.token.reveal());
    let url = match &call.endpoint {
        Some(url) => Url::parse(url.reveal())
            .map_err(|error| unusable(format!("parse \"<redacted>\": {error}")))?,
        None => endpoints.url(call.service)?,
    };
    let scope = Scope { region: &region, service: call.service, now: now() };
    let request = signed(&scope, &keys, url, &call.form);
    let response = client.send(request, redactor, deadline).await?;
    if response.status == 403 {
        client.sessions.0.lock().await.take();
    }
    Ok(response)
}

/// A POST of a form, with its signature.
pub fn signed(scope: &Scope<'_>, keys: &Keys, url: Url, form: &[u8]) -> Request {
    let mut headers = vec![("Content-Type".to_owned(), FORM.to_owned())];
    headers.extend(signature::headers(scope, keys, &url, Some(FORM), form));
    Request {
        method: Method::Post,
        url: Secret::new(String::from(url)),
        headers,
        body: form.to_vec().into(),
        timeout: None,
    }
}

pub const FORM: &str = "application/x-www-form-urlencoded";

impl Sessions {
    async fn keys(&self, finder: &Finder<'_>) -> Result<Keys, Stop> {
        let mut last = self.0.lock().await;
        if let Some(Session { keys, expires: Some(expires) }) = &*last
            && now().plus(EXPIRY_MARGIN) < *expires
        {
            return Ok(keys.clone());
        }
        let found = finder.session().await?;
        let keys = found.keys.clone();
        *last = Some(found);
        Ok(keys)
    }
}

impl From<RequestError> for Stop {
    fn from(error: RequestError) -> Self {
        Stop::Failed(error)
    }
}

pub fn failed(detail: impl Into<String>) -> Stop {
    Stop::Failed(transport(detail))
}

pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix(i64::try_from(since.as_secs()).unwrap_or(i64::MAX), since.subsec_nanos())
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests;
