//! Calls of AWS services: finds credentials and endpoint, signs, and sends.
//!
//! In: an [`AwsCall`] and the deadline of the delivery that it belongs to. Out: the service's
//! response, or why there is none. If the security token service refuses, its response takes the
//! place of the service's: it is judged alike.
//!
//! [`CredentialChain`] decides which of the [`providers`] is asked, [`profile`] reads the files of
//! the AWS tools, [`signature`] signs.

use bellwether_integrations::aws::AwsCall;
use bellwether_integrations::http::{RequestError, Response};
use tokio::time::Instant;
use url::Url;

use crate::client::Client;
use crate::error::unusable;
use crate::progress::Progress;
use crate::redactor::Redactor;

use self::chain::CredentialChain;
use self::context::CallContext;
use self::credentials::now;
use self::environment::Environment;
use self::error::AwsError;
use self::region::{Endpoints, region};
use self::signature::{Scope, sign_form};

mod chain;
mod context;
pub mod credentials;
mod environment;
mod error;
mod profile;
mod providers;
mod region;
mod signature;

/// Makes the call. Ends at `deadline` at the latest; `progress` says then what was being done.
pub async fn call(
    call: &AwsCall,
    client: &Client,
    redactor: &Redactor,
    progress: &Progress,
    deadline: Instant,
) -> Result<Response, RequestError> {
    let environment = Environment(&|name| std::env::var(name).ok());
    let called = call_in(environment, call, client, redactor, progress, deadline);
    match tokio::time::timeout_at(deadline, called).await {
        Ok(Ok(response) | Err(AwsError::Rejected(response))) => Ok(response),
        Ok(Err(AwsError::Failed(error))) => Err(error),
        Err(_) => Err(RequestError::DeadlinePassed),
    }
}

/// [`call`] in an environment that tests may choose.
async fn call_in(
    environment: Environment<'_>,
    call: &AwsCall,
    client: &Client,
    redactor: &Redactor,
    progress: &Progress,
    deadline: Instant,
) -> Result<Response, AwsError> {
    let profiles = profile::read(environment).await;
    let signer = &*call.signer;
    let region = region(signer, &profiles, environment)?;
    let endpoints = Endpoints { region: &region, environment };
    let profiles = &profiles;
    let context = CallContext {
        client,
        signer,
        profiles,
        endpoints,
        environment,
        redactor,
        progress,
        deadline,
    };
    let chain = CredentialChain::new(&context);
    let credentials = client.aws_credentials.get_or_fetch(chain.credentials()).await?;
    redactor.add(credentials.session_token.reveal());
    let url = match &call.endpoint {
        Some(url) => Url::parse(url.reveal())
            .map_err(|error| unusable(format!("parse \"<redacted>\": {error}")))?,
        None => endpoints.url(call.service)?,
    };
    let scope = Scope { region: &region, service: call.service, now: now() };
    let request = sign_form(&scope, &credentials, url, &call.form);
    let response = client.send_noting(request, redactor, progress, deadline).await?;
    if response.status == 403 {
        client.aws_credentials.clear().await;
    }
    Ok(response)
}

#[cfg(test)]
mod tests;
