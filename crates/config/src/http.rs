//! `http_config` and its parts, shared by receivers, `global` and the event recorder.

mod oauth2;
pub(crate) mod tls;

use bellwether_integrations::http::{Authorization, BasicAuth, Header, HttpConfig, ProxyConfig};
use bellwether_model::Secret;
use oauth2::check_oauth2;

use crate::block::{Block, BlockReader, FieldValue, Problem, Visitor, refuse_if};
use crate::error::Errors;
use crate::parse_block;
use crate::value::LaxUrl;
use crate::yaml::{NodeId, Tree};

/// The block as written: with the two older fields that become an [`Authorization`].
#[derive(Default)]
struct HttpBlock {
    config: HttpConfig,
    bearer_token: Secret,
    bearer_token_file: String,
}

impl Block for HttpBlock {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.field("basic_auth", &mut self.config.basic_auth);
        v.field("authorization", &mut self.config.authorization);
        v.field("oauth2", &mut self.config.oauth2);
        v.taken("bearer_token", &mut self.bearer_token);
        v.taken("bearer_token_file", &mut self.bearer_token_file);
        v.field("tls_config", &mut self.config.tls_config);
        v.shown("follow_redirects", &mut self.config.follow_redirects);
        v.shown("enable_http2", &mut self.config.enable_http2);
        proxy_fields(&mut self.config.proxy, v);
        v.field("http_headers", &mut self.config.http_headers);
    }

    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        self.check_bearer()?;
        self.check_credentials()?;
        self.adopt_bearer();
        if let Some(oauth2) = &self.config.oauth2 {
            check_oauth2(oauth2)?;
        }
        check_proxy(&self.config.proxy)?;
        for name in self.config.http_headers.keys() {
            let name = canonical_header(name);
            if RESERVED_HEADERS.contains(&name.as_str()) {
                let message = format!("setting header {name:?} is not allowed");
                return Err(Problem::at("http_headers", message));
            }
        }
        Ok(())
    }
}

impl HttpBlock {
    fn has_bearer(&self) -> bool {
        !self.bearer_token.is_empty() || !self.bearer_token_file.is_empty()
    }

    fn check_bearer(&self) -> Result<(), Problem> {
        let config = &self.config;
        refuse_if(
            !self.bearer_token.is_empty() && !self.bearer_token_file.is_empty(),
            "bearer_token",
            "at most one of bearer_token & bearer_token_file must be configured",
        )?;
        refuse_if(
            (config.basic_auth.is_some() || config.oauth2.is_some()) && self.has_bearer(),
            "",
            "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured",
        )
    }

    fn check_credentials(&mut self) -> Result<(), Problem> {
        let has_bearer = self.has_bearer();
        let config = &mut self.config;
        if let Some(basic) = &config.basic_auth {
            let names = [&basic.username, &basic.username_file, &basic.username_ref];
            refuse_if(
                several(names.map(|text| !text.is_empty())),
                "basic_auth",
                "at most one of basic_auth username, username_file & username_ref must be configured",
            )?;
            let files = [&basic.password_file, &basic.password_ref];
            let files = files.map(|text| !text.is_empty());
            refuse_if(
                several([!basic.password.is_empty(), files[0], files[1]]),
                "basic_auth",
                "at most one of basic_auth password, password_file & password_ref must be configured",
            )?;
        }
        if let Some(authorization) = &mut config.authorization {
            refuse_if(
                has_bearer,
                "authorization",
                "authorization is not compatible with bearer_token & bearer_token_file",
            )?;
            check_authorization(authorization)?;
        }
        let others = [config.basic_auth.is_some(), config.oauth2.is_some()];
        refuse_if(
            several([config.authorization.is_some(), others[0], others[1]]),
            "",
            "at most one of basic_auth, oauth2 & authorization must be configured",
        )
    }

    fn adopt_bearer(&mut self) {
        if self.has_bearer() {
            self.config.authorization = Some(Authorization {
                kind: BEARER.to_owned(),
                credentials: std::mem::take(&mut self.bearer_token),
                credentials_file: std::mem::take(&mut self.bearer_token_file),
                credentials_ref: String::new(),
            });
        }
    }
}

/// Reads a file that is one `http_config`, as clients of a server have it.
///
/// Its paths are relative to the file: see [`resolve_http_paths`](crate::resolve_http_paths).
pub fn parse_http_config(text: &str) -> Result<HttpConfig, Errors> {
    parse_block::<HttpBlock>(text).map(|block| block.config)
}

impl FieldValue for HttpConfig {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
        let mut block = HttpBlock::default();
        block.decode(reader, node);
        *self = block.config;
    }

    fn clear(&mut self) {
        let mut block = HttpBlock::default();
        FieldValue::clear(&mut block);
        *self = block.config;
    }

    fn is_empty(&mut self) -> bool {
        FieldValue::is_empty(&mut HttpBlock { config: self.clone(), ..HttpBlock::default() })
    }

    fn tree(&mut self) -> Tree {
        FieldValue::tree(&mut HttpBlock { config: self.clone(), ..HttpBlock::default() })
    }
}

impl Block for BasicAuth {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.field("username", &mut self.username);
        v.field("username_file", &mut self.username_file);
        v.field("username_ref", &mut self.username_ref);
        v.field("password", &mut self.password);
        v.field("password_file", &mut self.password_file);
        v.field("password_ref", &mut self.password_ref);
    }
}

impl Block for Authorization {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.field("type", &mut self.kind);
        v.field("credentials", &mut self.credentials);
        v.field("credentials_file", &mut self.credentials_file);
        v.field("credentials_ref", &mut self.credentials_ref);
    }
}

fn check_authorization(authorization: &mut Authorization) -> Result<(), Problem> {
    let others = [&authorization.credentials_file, &authorization.credentials_ref];
    let others = others.map(|text| !text.is_empty());
    refuse_if(
        several([!authorization.credentials.is_empty(), others[0], others[1]]),
        "authorization",
        "at most one of authorization credentials & credentials_file must be configured",
    )?;
    authorization.kind = authorization.kind.trim().to_owned();
    if authorization.kind.is_empty() {
        authorization.kind = BEARER.to_owned();
    }
    refuse_if(
        authorization.kind.to_lowercase() == "basic",
        "authorization.type",
        "authorization type cannot be set to \"basic\", use \"basic_auth\" instead",
    )
}

fn proxy_fields(proxy: &mut ProxyConfig, v: &mut dyn Visitor) {
    v.field("proxy_url", &mut LaxUrl(&mut proxy.proxy_url));
    v.field("no_proxy", &mut proxy.no_proxy);
    v.field("proxy_from_environment", &mut proxy.proxy_from_environment);
    v.field("proxy_connect_header", &mut proxy.proxy_connect_header);
}

fn check_proxy(proxy: &ProxyConfig) -> Result<(), Problem> {
    let has_url = proxy.proxy_url.as_ref().is_some_and(|url| !url.is_empty());
    refuse_if(
        !proxy.proxy_connect_header.is_empty() && !proxy.proxy_from_environment && !has_url,
        "proxy_connect_header",
        "if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be \
         configured",
    )?;
    refuse_if(
        proxy.proxy_from_environment && has_url,
        "proxy_from_environment",
        "if proxy_from_environment is configured, proxy_url must not be configured",
    )?;
    refuse_if(
        proxy.proxy_from_environment && !proxy.no_proxy.is_empty(),
        "no_proxy",
        "if proxy_from_environment is configured, no_proxy must not be configured",
    )?;
    refuse_if(
        proxy.proxy_url.is_none() && !proxy.no_proxy.is_empty(),
        "no_proxy",
        "if no_proxy is configured, proxy_url must also be configured",
    )
}

impl Block for Header {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.field("values", &mut self.values);
        v.field("secrets", &mut self.secrets);
        v.field("files", &mut self.files);
    }
}

/// `x-my-header` as `X-My-Header`; a name that is not a header name stays as it is.
pub(crate) fn canonical_header(name: &str) -> String {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if !name.chars().all(is_token) {
        return name.to_owned();
    }
    let mut at_start = true;
    name.chars()
        .map(|c| {
            let cased = if at_start { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
            at_start = c == '-';
            cased
        })
        .collect()
}

fn several(set: [bool; 3]) -> bool {
    set.iter().filter(|is_set| **is_set).count() > 1
}

const BEARER: &str = "Bearer";

/// Headers that the client or its credentials write themselves.
const RESERVED_HEADERS: [&str; 18] = [
    "Accept-Encoding",
    "Authorization",
    "Connection",
    "Content-Encoding",
    "Content-Length",
    "Content-Type",
    "Host",
    "Keep-Alive",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "User-Agent",
    "Www-Authenticate",
    "X-Amz-Content-Sha256",
    "X-Amz-Date",
    "X-Amz-Security-Token",
    "X-Prometheus-Remote-Read-Version",
    "X-Prometheus-Remote-Write-Version",
    "X-Prometheus-Scrape-Timeout-Seconds",
];
