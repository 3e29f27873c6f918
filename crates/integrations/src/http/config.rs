//! `http_config`: everything an operator can say about how requests travel.
//!
//! Plain data. The rules between the fields (of several credentials at most one, reserved header
//! names, a client certificate needs its key) are checked where the text is read, so a value that
//! comes from there satisfies them. Nothing here opens a file: paths are kept as paths.
//!
//! An empty text means "not set", as in the file format; an `Option` is used only where a present
//! but empty block means something.

use std::collections::BTreeMap;

use bellwether_model::Secret;

use crate::any_value::AnyValue;

/// How one client connects, authenticates, and treats redirects.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpConfig {
    /// Exclusive with `authorization` and `oauth2`.
    pub basic_auth: Option<BasicAuth>,
    /// Also what the older `bearer_token` and `bearer_token_file` are turned into.
    pub authorization: Option<Authorization>,
    pub oauth2: Option<OAuth2>,
    pub tls_config: TlsConfig,
    /// If off, an answer with a 3xx status is the final answer.
    pub follow_redirects: bool,
    /// Whether HTTP/2 may be negotiated.
    pub enable_http2: bool,
    pub proxy: ProxyConfig,
    /// Added to each request's own headers; reserved names cannot appear.
    pub http_headers: BTreeMap<String, Header>,
}

impl Default for HttpConfig {
    fn default() -> Self {
        HttpConfig {
            basic_auth: None,
            authorization: None,
            oauth2: None,
            tls_config: TlsConfig::default(),
            follow_redirects: true,
            enable_http2: true,
            proxy: ProxyConfig::default(),
            http_headers: BTreeMap::new(),
        }
    }
}

/// User name and password, each given as text, as a file, or by a secret manager's name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BasicAuth {
    pub username: String,
    pub username_file: String,
    /// Needs a secret manager, which no build has: a client with it cannot be built.
    pub username_ref: String,
    pub password: Secret,
    pub password_file: String,
    pub password_ref: String,
}

/// An `Authorization` header of a type other than `Basic`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authorization {
    /// Trimmed; `Bearer` if it was not given, never `Basic`.
    pub kind: String,
    pub credentials: Secret,
    pub credentials_file: String,
    pub credentials_ref: String,
}

/// Where a token is fetched before the request, and with what.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OAuth2 {
    pub client_id: String,
    pub client_secret: Secret,
    pub client_secret_file: String,
    pub client_secret_ref: String,
    pub client_certificate_key_id: String,
    pub client_certificate_key: Secret,
    pub client_certificate_key_file: String,
    pub client_certificate_key_ref: String,
    /// Empty or `client_credentials`; or [`OAuth2::GRANT_JWT_BEARER`]. Other texts act as the
    /// first.
    pub grant_type: String,
    /// With JWT bearer: empty, `RS256`, `RS384` or `RS512`.
    pub signature_algorithm: String,
    pub iss: String,
    pub audience: String,
    pub claims: BTreeMap<String, AnyValue>,
    pub scopes: Vec<String>,
    pub token_url: String,
    pub endpoint_params: BTreeMap<String, String>,
    /// For the token's server only.
    pub tls_config: TlsConfig,
    pub proxy: ProxyConfig,
}

impl OAuth2 {
    /// The grant of RFC 7523.
    pub const GRANT_JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
}

/// Whom to trust, and who we are. Of the three spellings of each part at most one is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsConfig {
    /// PEM text.
    pub ca: String,
    pub cert: String,
    pub key: Secret,
    pub ca_file: String,
    pub cert_file: String,
    pub key_file: String,
    pub ca_ref: String,
    pub cert_ref: String,
    pub key_ref: String,
    /// The name that the certificate must carry, and that is asked for; empty: the URL's host.
    pub server_name: String,
    pub insecure_skip_verify: bool,
    pub min_version: Option<TlsVersion>,
    pub max_version: Option<TlsVersion>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    Tls10,
    Tls11,
    Tls12,
    Tls13,
}

/// Through which proxy, if any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProxyConfig {
    /// Secret because it may carry a password. Absent or empty: no proxy is named.
    pub proxy_url: Option<Secret>,
    /// Comma-separated hosts, domains and networks that are reached directly.
    pub no_proxy: String,
    /// Take `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`; exclusive with the two above.
    pub proxy_from_environment: bool,
    /// Sent to the proxy with `CONNECT`.
    pub proxy_connect_header: BTreeMap<String, Vec<Secret>>,
}

/// The values of one additional header; all of them are sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    pub values: Vec<String>,
    pub secrets: Vec<Secret>,
    /// Read at each request, surrounding white space trimmed.
    pub files: Vec<String>,
}
