//! `email_configs`.

use std::collections::BTreeMap;

use bellwether_integrations::email::config::{Config, HostPort, Threading};
use bellwether_integrations::http::HttpConfig;

use super::{IntegrationSettings, adopt};
use crate::block::{Block, BlockReader, FieldValue, Problem, Visitor, refuse_if};
use crate::config::Global;
use crate::http::canonical_header;
use crate::yaml::{NodeId, Tree};

impl Block for Config {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.shown("send_resolved", &mut self.send_resolved);
        v.field("to", &mut self.to);
        v.field("from", &mut self.from);
        v.field("hello", &mut self.hello);
        v.field("smarthost", &mut self.smarthost);
        v.field("auth_username", &mut self.auth_username);
        v.field("auth_password", &mut self.auth_password);
        v.field("auth_password_file", &mut self.auth_password_file);
        v.field("auth_secret", &mut self.auth_secret);
        v.field("auth_secret_file", &mut self.auth_secret_file);
        v.field("auth_identity", &mut self.auth_identity);
        v.field("headers", &mut self.headers);
        v.field("html", &mut self.html);
        v.field("text", &mut self.text);
        v.field("require_tls", &mut self.require_tls);
        v.field("tls_config", &mut self.tls_config);
        v.field("force_implicit_tls", &mut self.force_implicit_tls);
        v.field("threading", &mut self.threading);
    }

    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        let mut headers = BTreeMap::new();
        for (name, value) in &self.headers {
            let name = canonical_header(name);
            if headers.contains_key(&name) {
                let message = format!("duplicate header {name:?} in email config");
                return Err(Problem::at("headers", message));
            }
            headers.insert(name, value.clone());
        }
        self.headers = headers;
        refuse_if(self.to.is_empty(), "", "missing to address in email config")?;
        if !self.threading.enabled {
            return Ok(());
        }
        for name in ["References", "In-Reply-To"] {
            if self.headers.contains_key(name) {
                let message = format!(
                    "conflicting configuration: threading.enabled conflicts with custom {name} \
                     header"
                );
                return Err(Problem::at("headers", message));
            }
        }
        refuse_if(
            !["none", "daily"].contains(&self.threading.thread_by_date.as_str()),
            "threading",
            "threading.thread_by_date must be either 'none' or 'daily'",
        )
    }
}

impl IntegrationSettings for Config {
    fn merge(&mut self, global: &Global) -> Result<(), &'static str> {
        if self.tls_config.is_none() {
            self.tls_config.clone_from(&global.smtp_tls_config);
        }
        if self.smarthost.host.is_empty() && self.smarthost.port.is_empty() {
            self.smarthost.clone_from(&global.smtp_smarthost);
        }
        if self.smarthost.host.is_empty() && self.smarthost.port.is_empty() {
            return Err("no global SMTP smarthost set");
        }
        adopt(&mut self.from, &global.smtp_from);
        if self.from.is_empty() {
            return Err("no global SMTP from set");
        }
        adopt(&mut self.hello, &global.smtp_hello);
        adopt(&mut self.auth_username, &global.smtp_auth_username);
        if self.auth_password.is_empty() && self.auth_password_file.is_empty() {
            self.auth_password.clone_from(&global.smtp_auth_password);
            self.auth_password_file.clone_from(&global.smtp_auth_password_file);
        }
        if self.auth_secret.is_empty() && self.auth_secret_file.is_empty() {
            self.auth_secret.clone_from(&global.smtp_auth_secret);
            self.auth_secret_file.clone_from(&global.smtp_auth_secret_file);
        }
        adopt(&mut self.auth_identity, &global.smtp_auth_identity);
        self.require_tls.get_or_insert(global.smtp_require_tls);
        self.force_implicit_tls = self.force_implicit_tls.or(global.smtp_force_implicit_tls);
        Ok(())
    }

    fn http_with_relative_paths(&mut self) -> Option<&mut HttpConfig> {
        None
    }
}

impl Block for Threading {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.field("enabled", &mut self.enabled);
        v.field("thread_by_date", &mut self.thread_by_date);
    }
}

/// `host:port`, with brackets around a host that has colons.
impl FieldValue for HostPort {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
        if let Some(address) = reader.parsed(node, parse_host_port) {
            *self = address;
        }
    }

    fn clear(&mut self) {
        *self = HostPort::default();
    }

    fn is_empty(&mut self) -> bool {
        self.host.is_empty() && self.port.is_empty()
    }

    fn tree(&mut self) -> Tree {
        if self.is_empty() {
            Tree::text("")
        } else if self.host.contains([':', '%']) {
            Tree::text(&format!("[{}]:{}", self.host, self.port))
        } else {
            Tree::text(&format!("{}:{}", self.host, self.port))
        }
    }
}

fn parse_host_port(text: &str) -> Result<HostPort, String> {
    if text.is_empty() {
        return Ok(HostPort::default());
    }
    let wrong = |reason: &str| format!("address {text}: {reason}");
    let (host, port) = if let Some(inner) = text.strip_prefix('[') {
        let (host, rest) = inner.split_once(']').ok_or_else(|| wrong("missing ']' in address"))?;
        let port = rest.strip_prefix(':').ok_or_else(|| wrong("missing port in address"))?;
        (host, port)
    } else {
        text.rsplit_once(':').ok_or_else(|| wrong("missing port in address"))?
    };
    if port.contains(':') || (host.contains(':') && !text.starts_with('[')) {
        return Err(wrong("too many colons in address"));
    }
    if host.contains('[') || port.contains('[') {
        return Err(wrong("unexpected '[' in address"));
    }
    if host.contains(']') || port.contains(']') {
        return Err(wrong("unexpected ']' in address"));
    }
    if port.is_empty() {
        return Err(format!("address {text:?}: port cannot be empty"));
    }
    Ok(HostPort { host: host.to_owned(), port: port.to_owned() })
}
