//! What an operator can set for one e-mail address.

use std::collections::BTreeMap;

use bellwether_model::Secret;

use crate::http::TlsConfig;

/// One entry of `email_configs`. Texts are templates except where noted.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub send_resolved: bool,
    /// Never empty.
    pub to: String,
    /// The global one if empty in the file; never empty after that.
    pub from: String,
    /// As written: the name given in the greeting.
    pub hello: String,
    /// Where the server is.
    pub smarthost: HostPort,
    pub auth_username: String,
    pub auth_password: Secret,
    pub auth_password_file: String,
    /// For CRAM-MD5.
    pub auth_secret: Secret,
    /// Read as it is: white space is part of the secret.
    pub auth_secret_file: String,
    pub auth_identity: String,
    /// By canonical name (`Reply-To`).
    pub headers: BTreeMap<String, String>,
    /// Rendered with HTML escaping.
    pub html: String,
    pub text: String,
    /// Set after the globals are merged: refuse to send without TLS.
    pub require_tls: Option<bool>,
    /// `None` means the defaults.
    pub tls_config: Option<TlsConfig>,
    /// `None`: TLS from the first byte exactly on port 465.
    pub force_implicit_tls: Option<bool>,
    pub threading: Threading,
}

impl Config {
    /// The configured headers, with defaults for those that each mail has.
    pub fn headers_completed(&self) -> BTreeMap<String, String> {
        let mut headers = self.headers.clone();
        for (name, default) in [("Subject", SUBJECT), ("From", &self.from), ("To", &self.to)] {
            headers.entry(name.to_owned()).or_insert_with(|| default.to_owned());
        }
        headers
    }
}

impl Default for Config {
    fn default() -> Self {
        Config {
            send_resolved: false,
            to: String::new(),
            from: String::new(),
            hello: String::new(),
            smarthost: HostPort::default(),
            auth_username: String::new(),
            auth_password: Secret::default(),
            auth_password_file: String::new(),
            auth_secret: Secret::default(),
            auth_secret_file: String::new(),
            auth_identity: String::new(),
            headers: BTreeMap::new(),
            html: r#"{{ template "email.default.html" . }}"#.to_owned(),
            text: String::new(),
            require_tls: None,
            tls_config: None,
            force_implicit_tls: None,
            threading: Threading::default(),
        }
    }
}

/// Whether messages of one group refer to each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Threading {
    pub enabled: bool,
    /// `none` or `daily` if enabled.
    pub thread_by_date: String,
}

/// A network address; both parts empty if it is not set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostPort {
    /// Without the brackets of an IPv6 address.
    pub host: String,
    /// A number or a service name; never empty if the host is set.
    pub port: String,
}

const SUBJECT: &str = r#"{{ template "email.default.subject" . }}"#;
