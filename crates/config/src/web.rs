//! The file of `--web.config.file`: how our own HTTP port is protected.
//!
//! In: its text. Out: [`WebConfig`]: TLS, headers for all answers, users with the hashes of their
//! passwords, and a limit for the rate of requests. Whether a password fits its hash is not known
//! here, only that the hash is one.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use bellwether_model::Secret;

use crate::block::{Block, BlockReader, Problem, Visitor, refuse_if};
use crate::value::GoDuration;
use crate::{Errors, ServerTls};

#[derive(Clone, Debug, Default)]
pub struct WebConfig {
    /// May be [absent](ServerTls::is_absent): then HTTP is not encrypted.
    pub tls: ServerTls,
    pub http: HttpServer,
    pub rate_limit: RateLimit,
    /// User to bcrypt hash; empty if everybody is let in.
    pub users: BTreeMap<String, Secret>,
}

/// `http_server_config`.
#[derive(Clone, Debug)]
pub struct HttpServer {
    /// Offered over TLS only.
    pub http2: bool,
    /// For all answers.
    pub headers: BTreeMap<String, String>,
}

/// So many requests at once, and one more after each interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateLimit {
    pub burst: i64,
    /// Zero: there is no limit.
    pub interval: Duration,
}

impl WebConfig {
    /// Reads the first YAML document of the text.
    pub fn parse(text: &str) -> Result<Self, Errors> {
        crate::parse_block(text)
    }

    /// Makes relative paths relative to `base`, the directory of the file.
    pub fn resolve_paths(&mut self, base: &Path) {
        self.tls.resolve_paths(base);
    }
}

impl Block for WebConfig {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.field("tls_server_config", &mut self.tls);
        v.field("http_server_config", &mut self.http);
        v.field("rate_limit", &mut self.rate_limit);
        v.field("basic_auth_users", &mut self.users);
    }

    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        match self.users.iter().find(|(_, hash)| !is_bcrypt(hash.reveal())) {
            None => Ok(()),
            Some((user, _)) => {
                let message = format!("the password of {user:?} is not a bcrypt hash");
                Err(Problem::at("basic_auth_users", message))
            }
        }
    }
}

impl Default for HttpServer {
    fn default() -> Self {
        HttpServer { http2: true, headers: BTreeMap::new() }
    }
}

impl Block for HttpServer {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.shown("http2", &mut self.http2);
        v.field("headers", &mut self.headers);
    }

    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        for (name, value) in &self.headers {
            let Some((_, allowed)) = HEADERS.iter().find(|(known, _)| known == name) else {
                let message = format!("HTTP header {name:?} can not be configured");
                return Err(Problem::at("headers", message));
            };
            if !allowed.is_empty() && !allowed.contains(&value.as_str()) {
                let message = format!(
                    "invalid value for {name}. Expected one of: {allowed:?}, but got: {value:?}"
                );
                return Err(Problem::at("headers", message));
            }
            let is_line = value.chars().all(|c| c == '\t' || !c.is_control());
            refuse_if(!is_line, "headers", "a header's value must be a single line")?;
        }
        Ok(())
    }
}

impl Block for RateLimit {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.field("burst", &mut self.burst);
        v.field("interval", &mut GoDuration::OrNanoseconds(&mut self.interval));
    }
}

/// `$2b$10$`, then 22 characters of salt and 31 of hash.
fn is_bcrypt(hash: &str) -> bool {
    let mut parts = hash.split('$');
    let [Some(""), Some(version), Some(cost), Some(rest), None] =
        [parts.next(), parts.next(), parts.next(), parts.next(), parts.next()]
    else {
        return false;
    };
    let is_cost = cost.len() == 2 && cost.parse::<u8>().is_ok_and(|cost| (4..=31).contains(&cost));
    let is_digit = |c: u8| c.is_ascii_alphanumeric() || c == b'.' || c == b'/';
    ["2a", "2b", "2x", "2y"].contains(&version)
        && is_cost
        && rest.len() == 53
        && rest.bytes().all(is_digit)
}

/// The headers that may be set, and to what; an empty list stands for anything.
const HEADERS: [(&str, &[&str]); 5] = [
    ("Content-Security-Policy", &[]),
    ("Strict-Transport-Security", &[]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-XSS-Protection", &[]),
];

#[cfg(test)]
mod tests;
