//! AWS IAM Identity Center (SSO): the credentials of a role that a person has signed in for.
//!
//! `aws sso login` puts an access token into a file under `~/.aws/sso/cache`. `GetRoleCredentials`
//! of the SSO portal exchanges it for temporary credentials. A profile names the portal itself
//! (`sso_start_url` and `sso_region`), or a section `[sso-session NAME]` that does.
//!
//! Limit: the token is not refreshed and the file not written. When it has expired, each attempt
//! fails with the advice to sign in again.

use bellwether_integrations::http::{Method, Request};
use bellwether_integrations::url::query;
use bellwether_model::hex::hex;
use bellwether_model::{Secret, Timestamp};
use bytes::Bytes;
use serde_json::Value;
use sha1::{Digest as _, Sha1};

use crate::aws::context::CallContext;
use crate::aws::credentials::{AwsCredentials, Validity, now};
use crate::aws::error::{AwsError, failed};
use crate::aws::profile::{Profile, Profiles};

/// What a profile says about SSO.
struct SsoSettings<'a> {
    region: &'a str,
    account_id: &'a str,
    role_name: &'a str,
    /// The hash of this text is the name of the file with the token.
    cache_key: &'a str,
}

/// Whether a profile wants SSO.
pub fn is_configured(profile: &Profile) -> bool {
    ["sso_session", "sso_start_url"].iter().any(|name| profile.setting(name).is_some())
}

/// The credentials of the profile's role.
pub async fn role_credentials(
    context: &CallContext<'_>,
    profile: &Profile,
) -> Result<AwsCredentials, AwsError> {
    let settings = settings(profile, context.profiles)?;
    let token = cached_token(context, settings.cache_key).await?;
    context.redactor.add(token.reveal());
    let mut url = context.endpoints.sso_portal(settings.region)?;
    url.set_path(&format!("{}/federation/credentials", url.path().trim_end_matches('/')));
    let fields = [("account_id", settings.account_id), ("role_name", settings.role_name)];
    url.set_query(Some(&query(&fields)));
    let request = Request {
        method: Method::Get,
        url: Secret::new(String::from(url)),
        headers: vec![("X-Amz-Sso_bearer_token".to_owned(), token.reveal().to_owned())],
        body: Bytes::new(),
        timeout: None,
    };
    let response = context.client.send_plain(request, context.progress, context.deadline).await?;
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    if response.status != 200 {
        let message = body["message"].as_str().unwrap_or("no message");
        let (status, advice) = (response.status, if response.status == 401 { ADVICE } else { "" });
        return Err(failed(format!(
            "AWS SSO GetRoleCredentials: status {status}: {message}{advice}"
        )));
    }
    parse(&body["roleCredentials"])
        .ok_or_else(|| failed("the response of AWS SSO contains no credentials"))
}

const ADVICE: &str = "; run `aws sso login`";

fn settings<'a>(profile: &'a Profile, profiles: &'a Profiles) -> Result<SsoSettings<'a>, AwsError> {
    let missing = |name: &str| failed(format!("{name} is missing in an AWS profile with SSO"));
    let session = profile.setting("sso_session");
    let portal = match session {
        None => profile,
        Some(name) => profiles
            .sso_session(name)
            .ok_or_else(|| failed(format!("there is no AWS sso-session {name}")))?,
    };
    let required = |from: &'a Profile, name: &str| from.setting(name).ok_or_else(|| missing(name));
    let start_url = required(portal, "sso_start_url")?;
    Ok(SsoSettings {
        region: required(portal, "sso_region")?,
        account_id: required(profile, "sso_account_id")?,
        role_name: required(profile, "sso_role_name")?,
        cache_key: session.unwrap_or(start_url),
    })
}

/// The token of the last `aws sso login`.
async fn cached_token(context: &CallContext<'_>, key: &str) -> Result<Secret, AwsError> {
    let home = context.environment.get("HOME").ok_or_else(|| failed("HOME is not set"))?;
    let name = hex(&Sha1::digest(key.as_bytes()));
    let path = format!("{home}/.aws/sso/cache/{name}.json");
    let invalid = |reason: &str| {
        failed(format!("the AWS SSO session has expired or is invalid: {path}: {reason}{ADVICE}"))
    };
    let content = tokio::fs::read(&path).await.map_err(|error| invalid(&error.to_string()))?;
    let token: Value = serde_json::from_slice(&content).unwrap_or_default();
    let text = |name: &str| token[name].as_str().filter(|text| !text.is_empty());
    let access_token = text("accessToken").ok_or_else(|| invalid("no accessToken"))?;
    // Old versions of the tool end the time with "UTC".
    let expiry = text("expiresAt").map(|text| text.replace("UTC", "Z"));
    let expiry = expiry.and_then(|text| Timestamp::parse_rfc3339(&text));
    match expiry {
        None => Err(invalid("no expiresAt")),
        Some(expiry) if expiry <= now() => Err(invalid("the token has expired")),
        Some(_) => Ok(Secret::new(access_token)),
    }
}

fn parse(credentials: &Value) -> Option<AwsCredentials> {
    let text = |name: &str| credentials[name].as_str().filter(|text| !text.is_empty());
    let expiry_millis = credentials["expiration"].as_i64()?;
    Some(AwsCredentials {
        access_key_id: text("accessKeyId")?.to_owned(),
        secret_access_key: Secret::new(text("secretAccessKey")?),
        session_token: Secret::new(text("sessionToken")?),
        validity: Validity::Until(Timestamp::from_unix(expiry_millis.div_euclid(1000), 0)),
    })
}
