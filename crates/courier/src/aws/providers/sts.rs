//! The security token service: temporary credentials of a role.

use bellwether_integrations::aws::element;
use bellwether_integrations::http::{Method, Request};
use bellwether_integrations::url::query;
use bellwether_model::{Secret, Timestamp};
use bytes::Bytes;

use crate::aws::context::{CallContext, read_token};
use crate::aws::credentials::{AwsCredentials, Validity, now};
use crate::aws::error::{AwsError, failed};
use crate::aws::signature::{FORM_CONTENT_TYPE, Scope, sign_form};

/// A role to assume.
pub struct Role<'a> {
    pub arn: &'a str,
    pub session_name: &'a str,
    pub external_id: Option<&'a str>,
}

/// The session name of roles for which none is configured.
pub const DEFAULT_SESSION_NAME: &str = "bellwether";

/// `AssumeRole`, signed with `credentials`.
pub async fn assume_role(
    context: &CallContext<'_>,
    credentials: &AwsCredentials,
    role: &Role<'_>,
) -> Result<AwsCredentials, AwsError> {
    let mut fields = vec![("Action", "AssumeRole")];
    fields.extend(role.external_id.map(|id| ("ExternalId", id)));
    fields.extend([("RoleArn", role.arn), ("RoleSessionName", role.session_name), VERSION]);
    context.redactor.add(credentials.session_token.reveal());
    let url = context.endpoints.token_service(context.signer.use_fips_sts_endpoint)?;
    let scope = Scope { region: context.endpoints.region, service: "sts", now: now() };
    call(context, sign_form(&scope, credentials, url, query(&fields).as_bytes())).await
}

/// `AssumeRoleWithWebIdentity`, with the token in `file` as proof.
pub async fn assume_role_with_web_identity(
    context: &CallContext<'_>,
    file: &str,
    role: &Role<'_>,
) -> Result<AwsCredentials, AwsError> {
    let token = read_token(file).await?;
    context.redactor.add(token.reveal());
    let form = query(&[
        ("Action", "AssumeRoleWithWebIdentity"),
        ("RoleArn", role.arn),
        ("RoleSessionName", role.session_name),
        VERSION,
        ("WebIdentityToken", token.reveal()),
    ]);
    let url = context.endpoints.token_service(context.signer.use_fips_sts_endpoint)?;
    let request = Request {
        method: Method::Post,
        url: Secret::new(String::from(url)),
        headers: vec![("Content-Type".to_owned(), FORM_CONTENT_TYPE.to_owned())],
        body: Bytes::from(form),
        timeout: None,
    };
    call(context, request).await
}

const VERSION: (&str, &str) = ("Version", "2011-06-15");

async fn call(context: &CallContext<'_>, request: Request) -> Result<AwsCredentials, AwsError> {
    let response = context.client.send_plain(request, context.progress, context.deadline).await?;
    if response.status != 200 {
        return Err(AwsError::Rejected(response));
    }
    let body = String::from_utf8_lossy(&response.body);
    parse(&body).ok_or_else(|| failed("the response of the AWS STS contains no credentials"))
}

fn parse(xml: &str) -> Option<AwsCredentials> {
    Some(AwsCredentials {
        access_key_id: element(xml, "AccessKeyId")?,
        secret_access_key: Secret::new(element(xml, "SecretAccessKey")?),
        session_token: Secret::new(element(xml, "SessionToken")?),
        validity: Validity::Until(Timestamp::parse_rfc3339(&element(xml, "Expiration")?)?),
    })
}
