//! The parts of a request that prove who sends it, and the headers that an operator adds.
//!
//! In: `basic_auth`, `authorization`, `oauth2` and `http_headers`. Out: header values, fresh for
//! each request, since whatever is in a file may have changed.
//!
//! A file that cannot be read now may be there at the next attempt, so that is a failed request and
//! not a wrong configuration.

use std::sync::Arc;

use bellwether_integrations::http::{Authorization, BasicAuth, Header, HttpConfig, RequestError};
use bellwether_model::Secret;
use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::error::{BuildError, reject_secret_ref};
use crate::firewall::Firewall;
use crate::header::{basic, secret_value};
use crate::oauth2::TokenSource;
use crate::progress::Progress;
use crate::redactor::Redactor;
use crate::source::Source;

/// What becomes the `Authorization` header; at most one way is configured.
pub enum Credentials {
    None,
    Basic {
        username: Source,
        password: Source,
    },
    /// `kind`, a space, the credentials.
    Plain {
        kind: String,
        credentials: Source,
    },
    OAuth2(Box<TokenSource>),
}

/// The headers of `http_headers`.
pub struct AddedHeaders(Vec<AddedHeader>);

struct AddedHeader {
    name: HeaderName,
    source: Source,
    is_secret: bool,
}

impl Credentials {
    pub fn build(config: &HttpConfig, firewall: &Arc<Firewall>) -> Result<Self, BuildError> {
        if let Some(basic_auth) = &config.basic_auth {
            let BasicAuth {
                username,
                username_file,
                username_ref,
                password,
                password_file,
                password_ref,
            } = basic_auth;
            reject_secret_ref("username_ref", username_ref)?;
            reject_secret_ref("password_ref", password_ref)?;
            return Ok(Credentials::Basic {
                username: Source::new(&Secret::new(username.as_str()), username_file),
                password: Source::new(password, password_file),
            });
        }
        if let Some(Authorization { kind, credentials, credentials_file, credentials_ref }) =
            &config.authorization
        {
            reject_secret_ref("credentials_ref", credentials_ref)?;
            let credentials = Source::new(credentials, credentials_file);
            return Ok(Credentials::Plain { kind: kind.clone(), credentials });
        }
        match &config.oauth2 {
            Some(oauth2) => {
                Ok(Credentials::OAuth2(Box::new(TokenSource::build(oauth2, firewall)?)))
            }
            None => Ok(Credentials::None),
        }
    }

    /// The value of the `Authorization` header, if there shall be one.
    ///
    /// `user_agent` is what a token's server gets to see.
    pub async fn authorization(
        &self,
        user_agent: &HeaderValue,
        progress: &Progress,
    ) -> Result<Option<HeaderValue>, RequestError> {
        match self {
            Credentials::None => Ok(None),
            Credentials::Basic { username, password } => {
                let username = username.text("basic auth username").await?;
                let password = password.text("basic auth password").await?;
                basic(username.reveal(), password.reveal()).map(Some)
            }
            Credentials::Plain { kind, credentials } => {
                let credentials = credentials.text("authorization credentials").await?;
                secret_value(&format!("{kind} {}", credentials.reveal())).map(Some)
            }
            Credentials::OAuth2(tokens) => {
                tokens.authorization(user_agent, progress).await.map(Some)
            }
        }
    }
}

impl AddedHeaders {
    pub fn build(config: &HttpConfig) -> Result<Self, BuildError> {
        let mut added = Vec::new();
        for (name, Header { values, secrets, files }) in &config.http_headers {
            let name = HeaderName::from_bytes(name.as_bytes())
                .map_err(|error| BuildError::unusable(format!("http_headers {name}"), error))?;
            let values = values.iter().map(|value| Source::Text(Secret::new(value.as_str())));
            let secrets = secrets.iter().cloned().map(Source::Text);
            let files = files.iter().cloned().map(Source::File);
            let header = |is_secret| {
                let name = name.clone();
                move |source| AddedHeader { name: name.clone(), source, is_secret }
            };
            added.extend(values.map(header(false)));
            added.extend(secrets.chain(files).map(header(true)));
        }
        Ok(AddedHeaders(added))
    }

    /// Appends them to what is there; those that are secret only on the receiver's own host.
    pub async fn add_to(
        &self,
        headers: &mut HeaderMap,
        on_first_host: bool,
        redactor: &Redactor,
    ) -> Result<(), RequestError> {
        let sent = self.0.iter().filter(|header| on_first_host || !header.is_secret);
        for AddedHeader { name, source, is_secret } in sent {
            let text = source.text("headers file").await?;
            if *is_secret {
                redactor.add(text.reveal());
            }
            headers.append(name.clone(), secret_value(text.reveal())?);
        }
        Ok(())
    }
}
