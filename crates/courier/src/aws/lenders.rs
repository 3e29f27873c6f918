//! Those who lend credentials for a while: the token service, the container, the machine.
//!
//! All are asked without what the receiver's `http_config` adds to requests: its credentials are
//! not theirs. Its proxy and TLS settings hold.

use std::time::Duration;

use bellwether_integrations::aws::{element, failure};
use bellwether_integrations::http::{Method, Request, Response};
use bellwether_integrations::url::query;
use bellwether_model::{Secret, Timestamp};
use bytes::Bytes;
use tokio::time::Instant;
use url::{Host, Url};

use super::finder::{Finder, Role};
use super::signature::Scope;
use super::{FORM, Keys, Session, Stop, Variables, failed, now, signed};

/// Limit: for one request to the machine's own services; elsewhere nobody answers there.
const MACHINE_PATIENCE: Duration = Duration::from_secs(2);

/// Borrows a role from the token service.
pub async fn role(finder: &Finder<'_>, keys: &Keys, role: &Role<'_>) -> Result<Session, Stop> {
    let mut fields = vec![("Action", "AssumeRole")];
    fields.extend(role.external_id.map(|id| ("ExternalId", id)));
    fields.extend([("RoleArn", role.arn), ("RoleSessionName", role.session_name), VERSION]);
    finder.redactor.add(keys.token.reveal());
    let url = finder.endpoints.token_service(finder.signer.use_fips_sts_endpoint)?;
    let scope = Scope { region: finder.endpoints.region, service: "sts", now: now() };
    lent_by_token_service(finder, signed(&scope, keys, url, query(&fields).as_bytes())).await
}

/// Borrows a role from the token service, for a token that somebody else has given us.
pub async fn web_identity(
    finder: &Finder<'_>,
    file: &str,
    role: &Role<'_>,
) -> Result<Session, Stop> {
    let token = read(file).await?;
    finder.redactor.add(token.reveal());
    let form = query(&[
        ("Action", "AssumeRoleWithWebIdentity"),
        ("RoleArn", role.arn),
        ("RoleSessionName", role.session_name),
        VERSION,
        ("WebIdentityToken", token.reveal()),
    ]);
    let url = finder.endpoints.token_service(finder.signer.use_fips_sts_endpoint)?;
    let request = Request {
        method: Method::Post,
        url: Secret::new(String::from(url)),
        headers: vec![("Content-Type".to_owned(), FORM.to_owned())],
        body: Bytes::from(form),
        timeout: None,
    };
    lent_by_token_service(finder, request).await
}

const VERSION: (&str, &str) = ("Version", "2011-06-15");

async fn lent_by_token_service(finder: &Finder<'_>, request: Request) -> Result<Session, Stop> {
    let answer = finder.client.send_plain(request, finder.deadline).await?;
    if answer.status != 200 {
        return Err(Stop::Answered(answer));
    }
    let body = String::from_utf8_lossy(&answer.body);
    let session = || {
        let keys = Keys {
            id: element(&body, "AccessKeyId")?,
            secret: Secret::new(element(&body, "SecretAccessKey")?),
            token: Secret::new(element(&body, "SessionToken")?),
        };
        let expires = Timestamp::parse_rfc3339(&element(&body, "Expiration")?)?;
        Some(Session { keys, expires: Some(expires) })
    };
    session().ok_or_else(|| failed("the AWS token service lends no credentials"))
}

/// Where a container's credentials are, if we run in one.
pub fn container_url(variables: Variables<'_>) -> Option<String> {
    match variables("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
        Some(path) => Some(format!("http://169.254.170.2{path}")),
        None => variables("AWS_CONTAINER_CREDENTIALS_FULL_URI"),
    }
}

/// Asks for the credentials of the container that we run in.
pub async fn container(finder: &Finder<'_>) -> Result<Session, Stop> {
    let url = container_url(finder.variables).filter(|url| is_trusted(url));
    let url = url.ok_or_else(|| failed("there is no URL of an AWS container's credentials"))?;
    let file = (finder.variables)("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    let authorization = match file {
        Some(file) => Some(read(&file).await?.reveal().to_owned()),
        None => (finder.variables)("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
    };
    let headers = authorization.map(|token| ("Authorization".to_owned(), token));
    let answer = ask(finder, Method::Get, url, headers).await?;
    lent_as_json(&answer, "container")
}

/// Whether a token may be shown there: over TLS, or to this machine and its neighbours.
fn is_trusted(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let is_near = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_link_local(),
        Some(Host::Ipv6(address)) => address.is_loopback() || address.segments() == NEIGHBOUR,
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    url.scheme() == "https" || is_near
}

/// `fd00:ec2::23`, the agent of a Kubernetes node.
const NEIGHBOUR: [u16; 8] = [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23];

/// Asks for the credentials of the machine that we run on.
pub async fn machine(finder: &Finder<'_>) -> Result<Session, Stop> {
    let variables = finder.variables;
    if variables("AWS_EC2_METADATA_DISABLED").is_some_and(|it| it.eq_ignore_ascii_case("true")) {
        return Err(failed(NOTHING));
    }
    let base = variables("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    let base = base.unwrap_or_else(|| "http://169.254.169.254".to_owned());
    let base = format!("{}/latest", base.trim_end_matches('/'));
    let nothing = |_| failed(NOTHING);
    let lifetime = ("X-Aws-Ec2-Metadata-Token-Ttl-Seconds".to_owned(), "300".to_owned());
    let answer = ask(finder, Method::Put, format!("{base}/api/token"), Some(lifetime)).await;
    // A machine of the first version has no tokens.
    let token = answer.map_err(nothing)?;
    let token = (token.status == 200).then(|| {
        let token = String::from_utf8_lossy(&token.body).into_owned();
        ("X-Aws-Ec2-Metadata-Token".to_owned(), token)
    });
    let roles = format!("{base}/meta-data/iam/security-credentials/");
    let answer = ask(finder, Method::Get, roles.clone(), token.clone()).await.map_err(nothing)?;
    if answer.status != 200 {
        return Err(failed(NOTHING));
    }
    let body = String::from_utf8_lossy(&answer.body);
    let role = body.lines().next().unwrap_or_default().trim();
    let answer = ask(finder, Method::Get, format!("{roles}{role}"), token).await?;
    lent_as_json(&answer, "machine")
}

const NOTHING: &str = "no AWS credentials: neither in the configuration nor in the environment, \
                       a profile, the container or the machine";

async fn ask(
    finder: &Finder<'_>,
    method: Method,
    url: String,
    header: Option<(String, String)>,
) -> Result<Response, Stop> {
    header.iter().for_each(|(_, value)| finder.redactor.add(value));
    let request = Request {
        method,
        url: Secret::new(url),
        headers: header.into_iter().collect(),
        body: Bytes::new(),
        timeout: None,
    };
    let deadline = finder.deadline.min(Instant::now() + MACHINE_PATIENCE);
    Ok(finder.client.send_plain(request, deadline).await?)
}

fn lent_as_json(answer: &Response, lender: &str) -> Result<Session, Stop> {
    if answer.status != 200 {
        let (status, said) = (answer.status, failure(answer));
        return Err(failed(format!("no AWS credentials of the {lender}: status {status}: {said}")));
    }
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let text = |name: &str| body[name].as_str().filter(|text| !text.is_empty());
    let session = || {
        let keys = Keys {
            id: text("AccessKeyId")?.to_owned(),
            secret: Secret::new(text("SecretAccessKey")?),
            token: Secret::new(text("Token").unwrap_or_default()),
        };
        Some(Session { keys, expires: text("Expiration").and_then(Timestamp::parse_rfc3339) })
    };
    session().ok_or_else(|| failed(format!("the {lender} lends no AWS credentials")))
}

/// A token in a file.
async fn read(path: &str) -> Result<Secret, Stop> {
    let content = tokio::fs::read_to_string(path).await;
    let content = content.map_err(|error| failed(format!("read {path}: {error}")))?;
    Ok(Secret::new(content.trim()))
}
