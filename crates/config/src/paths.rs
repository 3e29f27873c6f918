//! Relative paths: most are meant from the configuration file's directory.
//!
//! Compat: which ones is a matter of history. Templates, everything in an `http_config`, and the
//! event recorder's files are; the `*_file` secrets of receivers and of `global`, the TLS files of
//! e-mail and tracing, incident.io's `http_config` and OAuth2's certificate key are not: those are
//! relative to where the server was started. Each path is joined exactly once, also where several
//! integrations share the global `http_config`. A joined path is written without `.`, `..` and
//! double slashes where that does not change it, as the status has always shown it.

use std::path::Path;

use bellwether_integrations::IntegrationConfig;
use bellwether_integrations::http::{HttpConfig, TlsConfig};

use crate::config::Config;
use crate::receivers::settings;

impl Config {
    /// Makes the paths that are meant relative to `base` so; absolute and empty ones stay.
    pub fn resolve_paths(&mut self, base: &Path) {
        let join = |path: &mut String| join(base, path);
        self.templates.iter_mut().for_each(join);
        let as_written = self.global.http_config.clone();
        if let Some(http) = &mut self.global.http_config {
            resolve_http(http, base);
        }
        for integration in self.receivers.iter_mut().flat_map(|it| &mut it.integrations) {
            match integration {
                // Not its own, but the global one.
                IntegrationConfig::IncidentIo(config) if config.http_config == as_written => {
                    config.http_config.clone_from(&self.global.http_config);
                }
                _ => {
                    let http = settings(integration).http_with_relative_paths();
                    http.into_iter().for_each(|http| resolve_http(http, base));
                }
            }
        }
        if let Some(recorder) = &mut self.event_recorder {
            recorder.file_outputs.iter_mut().map(|output| &mut output.path).for_each(join);
            let webhooks = recorder.webhook_outputs.iter_mut();
            webhooks
                .filter_map(|output| output.http_config.as_mut())
                .for_each(|http| resolve_http(http, base));
            let kafkas = recorder.kafka_outputs.iter_mut();
            kafkas
                .filter_map(|output| output.tls_config.as_mut())
                .for_each(|tls| resolve_tls(tls, base));
        }
    }
}

/// Makes the paths of a file that is one `http_config` relative to `base`, the file's directory.
pub fn resolve_http_paths(http: &mut HttpConfig, base: &Path) {
    resolve_http(http, base);
}

fn resolve_http(http: &mut HttpConfig, base: &Path) {
    resolve_tls(&mut http.tls_config, base);
    if let Some(basic) = &mut http.basic_auth {
        join(base, &mut basic.username_file);
        join(base, &mut basic.password_file);
    }
    if let Some(authorization) = &mut http.authorization {
        join(base, &mut authorization.credentials_file);
    }
    if let Some(oauth2) = &mut http.oauth2 {
        join(base, &mut oauth2.client_secret_file);
        resolve_tls(&mut oauth2.tls_config, base);
    }
    for header in http.http_headers.values_mut() {
        header.files.iter_mut().for_each(|path| join(base, path));
    }
}

pub(crate) fn resolve_tls(tls: &mut TlsConfig, base: &Path) {
    join(base, &mut tls.ca_file);
    join(base, &mut tls.cert_file);
    join(base, &mut tls.key_file);
}

pub(crate) fn join(base: &Path, path: &mut String) {
    if !path.is_empty() && Path::new(path).is_relative() {
        *path = cleaned(&base.join(&*path).to_string_lossy());
    }
}

/// Without `.`, `..` and double slashes, as far as that is possible without looking at the disk.
///
/// Compat: Go's `filepath.Clean`.
fn cleaned(path: &str) -> String {
    let root = if path.starts_with('/') { "/" } else { "" };
    let mut kept: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match (part, kept.last()) {
            ("" | ".", _) => {}
            ("..", Some(last)) if *last != ".." => {
                kept.pop();
            }
            ("..", None) if !root.is_empty() => {}
            (part, _) => kept.push(part),
        }
    }
    match format!("{root}{}", kept.join("/")) {
        empty if empty.is_empty() => ".".to_owned(),
        path => path,
    }
}
