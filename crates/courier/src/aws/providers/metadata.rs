//! The metadata services of a container (ECS, EKS) and of an EC2 instance.

use std::time::Duration;

use bellwether_integrations::aws::failure;
use bellwether_integrations::http::{Method, Request, Response};
use bellwether_model::{Secret, Timestamp};
use bytes::Bytes;
use serde_json::Value;
use tokio::time::Instant;
use url::{Host, Url};

use crate::aws::context::{CallContext, read_token};
use crate::aws::credentials::{AwsCredentials, Validity};
use crate::aws::environment::Environment;
use crate::aws::error::{AwsError, failed};

/// Limit: for one request; outside AWS these addresses do not answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);

/// The URL of the container's credentials, if the process runs in one.
pub fn container_url(environment: Environment<'_>) -> Option<String> {
    match environment.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
        Some(path) => Some(format!("http://169.254.170.2{path}")),
        None => environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI"),
    }
}

/// The credentials of the container.
pub async fn container(context: &CallContext<'_>) -> Result<AwsCredentials, AwsError> {
    let url = container_url(context.environment).filter(|url| may_receive_token(url));
    let url = url.ok_or_else(|| failed("there is no URL of an AWS container's credentials"))?;
    let authorization = match context.environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
        Some(file) => Some(read_token(&file).await?.reveal().to_owned()),
        None => context.environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
    };
    let headers = authorization.map(|token| ("Authorization".to_owned(), token));
    let response = fetch(context, Method::Get, url, headers).await?;
    parse(&response, "container")
}

/// Whether the authorization token may be sent there: over TLS, or to a local address.
fn may_receive_token(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let is_local = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_link_local(),
        Some(Host::Ipv6(address)) => address.is_loopback() || address.segments() == EKS_AGENT,
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    url.scheme() == "https" || is_local
}

/// `fd00:ec2::23`, the agent of an EKS node.
const EKS_AGENT: [u16; 8] = [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23];

/// The credentials of the EC2 instance's role.
pub async fn instance(context: &CallContext<'_>) -> Result<AwsCredentials, AwsError> {
    let disabled = context.environment.get("AWS_EC2_METADATA_DISABLED");
    if disabled.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Err(failed(NO_CREDENTIALS));
    }
    let base = context.environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    let base = base.unwrap_or_else(|| "http://169.254.169.254".to_owned());
    let base = format!("{}/latest", base.trim_end_matches('/'));
    let unreachable = |_| failed(NO_CREDENTIALS);
    let lifetime = ("X-Aws-Ec2-Metadata-Token-Ttl-Seconds".to_owned(), "300".to_owned());
    let response = fetch(context, Method::Put, format!("{base}/api/token"), Some(lifetime)).await;
    let response = response.map_err(unreachable)?;
    // Version 1 of the service has no tokens.
    let token = (response.status == 200).then(|| {
        let token = String::from_utf8_lossy(&response.body).into_owned();
        ("X-Aws-Ec2-Metadata-Token".to_owned(), token)
    });
    let roles = format!("{base}/meta-data/iam/security-credentials/");
    let response = fetch(context, Method::Get, roles.clone(), token.clone()).await;
    let response = response.map_err(unreachable)?;
    if response.status != 200 {
        return Err(failed(NO_CREDENTIALS));
    }
    let body = String::from_utf8_lossy(&response.body);
    let role = body.lines().next().unwrap_or_default().trim();
    let response = fetch(context, Method::Get, format!("{roles}{role}"), token).await?;
    parse(&response, "instance")
}

const NO_CREDENTIALS: &str = "no AWS credentials: neither in the configuration nor in the \
                              environment, a profile, the container or the instance";

async fn fetch(
    context: &CallContext<'_>,
    method: Method,
    url: String,
    header: Option<(String, String)>,
) -> Result<Response, AwsError> {
    header.iter().for_each(|(_, value)| context.redactor.add(value));
    let request = Request {
        method,
        url: Secret::new(url),
        headers: header.into_iter().collect(),
        body: Bytes::new(),
        timeout: None,
    };
    let deadline = context.deadline.min(Instant::now() + REQUEST_TIMEOUT);
    Ok(context.client.send_plain(request, context.progress, deadline).await?)
}

fn parse(response: &Response, source: &str) -> Result<AwsCredentials, AwsError> {
    if response.status != 200 {
        let (status, detail) = (response.status, failure(response));
        let text = format!("no AWS credentials of the {source}: status {status}: {detail}");
        return Err(failed(text));
    }
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let text = |name: &str| body[name].as_str().filter(|text| !text.is_empty());
    let expiry = text("Expiration").and_then(Timestamp::parse_rfc3339);
    let credentials = || {
        Some(AwsCredentials {
            access_key_id: text("AccessKeyId")?.to_owned(),
            secret_access_key: Secret::new(text("SecretAccessKey")?),
            session_token: Secret::new(text("Token").unwrap_or_default()),
            validity: expiry.map_or(Validity::OneCall, Validity::Until),
        })
    };
    let missing = || failed(format!("the response of the {source} contains no AWS credentials"));
    credentials().ok_or_else(missing)
}
