//! Tokens: fetched with the client credentials grant (RFC 6749, 4.4) and reused until they expire.
//!
//! In: `oauth2`. Out: `Authorization` values. Requests that need a token at the same time wait for
//! one fetch. A client secret in a file is read for each request; a changed one ends the token.
//!
//! Servers disagree on where they want the client's id and secret. As in Go, the header is tried
//! first and the form second, and what worked is remembered.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bellwether_encoding::go_url::request_target;
use bellwether_integrations::http::{OAuth2, RequestError, Response};
use bellwether_model::Secret;
use bytes::Bytes;
use http::Method;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};
use url::{Url, form_urlencoded};

use crate::dials::Dials;
use crate::error::{BuildError, reject_secret_ref, transport, within};
use crate::firewall::Firewall;
use crate::header::{basic, secret_value};
use crate::progress::Progress;
use crate::response;
use crate::source::Source;
use crate::transport::{Http2, OutgoingRequest, Transport};
use crate::transport_error::operation;

/// A token is renewed this long before it expires.
const EXPIRY_MARGIN: Duration = Duration::from_secs(10);
/// Limit: for one request to the token's server, answer included, in an attempt that has as much time.
const FETCH_TIMEOUT: Duration = Duration::from_secs(60);
/// What an attempt does while it has no token, for the text of its failure.
const FETCH: &str = "oauth2: cannot fetch token";

/// Where tokens come from, and the last one.
pub struct TokenSource {
    client_id: String,
    client_secret: Source,
    url: Url,
    /// All of the form but the client's id and secret.
    form: BTreeMap<String, String>,
    transport: Transport,
    /// Locked across a fetch, so that there is one at a time.
    last: Mutex<Last>,
}

#[derive(Default)]
struct Last {
    token: Option<Token>,
    /// Where the server has accepted the client's id and secret.
    style: Option<Style>,
}

struct Token {
    authorization: HeaderValue,
    /// `None`: never.
    expires: Option<Instant>,
    /// With which it was fetched.
    client_secret: Secret,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Header,
    Form,
}

/// What a token's server said, if it gave a token.
struct Grant {
    access_token: String,
    kind: String,
    /// `None`: it does not expire.
    lifetime: Option<Duration>,
}

impl TokenSource {
    pub fn build(config: &OAuth2, firewall: &Arc<Firewall>) -> Result<Self, BuildError> {
        if config.grant_type == OAuth2::GRANT_JWT_BEARER {
            let reason = "this build fetches tokens with client_credentials only";
            return Err(BuildError::Unsupported { field: "oauth2.grant_type".into(), reason });
        }
        reject_secret_ref("client_secret_ref", &config.client_secret_ref)?;
        let url = Url::parse(&config.token_url)
            .map_err(|error| BuildError::unusable("oauth2.token_url", error))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(BuildError::unusable("oauth2.token_url", "not an http or https URL"));
        }
        let mut form = BTreeMap::from([("grant_type".into(), "client_credentials".into())]);
        if !config.scopes.is_empty() {
            form.insert("scope".into(), config.scopes.join(" "));
        }
        form.extend(config.endpoint_params.clone());
        Ok(TokenSource {
            client_id: config.client_id.clone(),
            client_secret: Source::new(&config.client_secret, &config.client_secret_file),
            url,
            form,
            transport: Transport::build(
                &config.tls_config,
                &config.proxy,
                Http2::Avoid,
                firewall,
                // Compat: the Go Alertmanager does not count them.
                &Dials::default(),
            )?,
            last: Mutex::default(),
        })
    }

    /// The header for a request that is sent now. Its caller drops this when the attempt's time is
    /// over; `progress` says then what the token's server was waited for.
    pub async fn authorization(
        &self,
        user_agent: &HeaderValue,
        progress: &Progress,
    ) -> Result<HeaderValue, RequestError> {
        let client_secret = self.client_secret.text("oauth2 client secret").await?;
        let progress = progress.enter(FETCH);
        progress.set(format!("another attempt's {}", operation(&Method::POST, &self.url)));
        let mut last = self.last.lock().await;
        if let Some(token) = &last.token
            && token.client_secret == client_secret
            && token.expires.is_none_or(|expires| Instant::now() < expires)
        {
            return Ok(token.authorization.clone());
        }
        let asked = Instant::now();
        let grant = self.fetch(&mut last.style, &client_secret, user_agent, &progress).await;
        let grant = grant.map_err(|error| within(FETCH, error))?;
        let authorization = secret_value(&format!("{} {}", grant.kind, grant.access_token))?;
        let expires = grant.lifetime.map(|lifetime| asked + lifetime.saturating_sub(EXPIRY_MARGIN));
        last.token = Some(Token { authorization: authorization.clone(), expires, client_secret });
        Ok(authorization)
    }

    async fn fetch(
        &self,
        style: &mut Option<Style>,
        client_secret: &Secret,
        user_agent: &HeaderValue,
        progress: &Progress,
    ) -> Result<Grant, RequestError> {
        let first = style.unwrap_or(Style::Header);
        let answer = self.ask(first, client_secret, user_agent, progress).await?;
        let (used, granted) = match (Grant::parse(&answer), *style) {
            (Err(_), None) => {
                let answer = self.ask(Style::Form, client_secret, user_agent, progress).await?;
                (Style::Form, Grant::parse(&answer))
            }
            (granted, _) => (first, granted),
        };
        let grant = granted.map_err(|detail| {
            transport(format!("{}: {detail}", operation(&Method::POST, &self.url)))
        })?;
        *style = Some(used);
        Ok(grant)
    }

    async fn ask(
        &self,
        style: Style,
        client_secret: &Secret,
        user_agent: &HeaderValue,
        progress: &Progress,
    ) -> Result<Response, RequestError> {
        let mut headers = HeaderMap::from_iter([
            (CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")),
            (USER_AGENT, user_agent.clone()),
        ]);
        let mut fields = self.form.clone();
        match style {
            Style::Header => {
                let encoded = |text: &str| {
                    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>()
                };
                let value = basic(&encoded(&self.client_id), &encoded(client_secret.reveal()))?;
                headers.insert(AUTHORIZATION, value);
            }
            Style::Form => {
                fields.insert("client_id".into(), self.client_id.clone());
                if !client_secret.is_empty() {
                    fields.insert("client_secret".into(), client_secret.reveal().to_owned());
                }
            }
        }
        let body = Bytes::from(encoded_form(fields));
        let outgoing = OutgoingRequest {
            method: Method::POST,
            url: self.url.clone(),
            target: request_target(self.url.as_str()),
            headers,
            body,
        };
        let deadline = Instant::now() + FETCH_TIMEOUT;
        let answer = timeout_at(deadline, self.transport.send(outgoing, progress)).await;
        let late = |_| transport(format!("{}: i/o timeout", progress.own_step()));
        Ok(response::read(answer.map_err(late)??, deadline).await)
    }
}

impl Grant {
    /// Reads a server's answer; the error says what is wrong and quotes nothing of it.
    fn parse(answer: &Response) -> Result<Self, String> {
        if answer.status / 100 != 2 {
            return Err(format!("status {}", answer.status));
        }
        let content_type = answer.content_type.as_deref().unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        let mut fields = match media_type {
            "application/x-www-form-urlencoded" | "text/plain" => {
                form_urlencoded::parse(&answer.body).into_owned().collect()
            }
            _ => json_fields(&answer.body).ok_or("cannot parse json")?,
        };
        let access_token = fields.remove("access_token").filter(|token| !token.is_empty());
        let seconds = fields.get("expires_in").and_then(|text| text.parse().ok());
        Ok(Grant {
            access_token: access_token.ok_or("server response missing access_token")?,
            kind: canonical_kind(fields.get("token_type").map_or("", String::as_str)),
            lifetime: seconds.filter(|seconds| *seconds > 0).map(Duration::from_secs),
        })
    }
}

/// The texts and numbers of an object; `None` if it is not one.
fn json_fields(body: &[u8]) -> Option<BTreeMap<String, String>> {
    let fields: BTreeMap<String, serde_json::Value> = serde_json::from_slice(body).ok()?;
    let text = |value| match value {
        serde_json::Value::String(text) => Some(text),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    Some(fields.into_iter().filter_map(|(name, value)| Some((name, text(value)?))).collect())
}

fn encoded_form(fields: BTreeMap<String, String>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// The token's type as a header spells it.
fn canonical_kind(kind: &str) -> String {
    match kind.to_lowercase().as_str() {
        "" | "bearer" => "Bearer".to_owned(),
        "mac" => "MAC".to_owned(),
        "basic" => "Basic".to_owned(),
        _ => kind.to_owned(),
    }
}
