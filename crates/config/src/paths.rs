//! Relative paths: most are meant from the configuration file's directory.
//!
//! Compat: which ones is a matter of history. Templates, everything in an `http_config`, and the
//! event recorder's files are; the `*_file` secrets of receivers and of `global`, the TLS files of
//! e-mail and tracing, incident.io's `http_config` and OAuth2's certificate key are not: those are
//! relative to where the server was started. Each path is joined exactly once, also where several
//! integrations share the global `http_config`.

use std::path::Path;

use bellwether_integrations::http::{HttpConfig, TlsConfig};

use crate::config::{Config, Receiver};

impl Config {
    /// Makes the paths that are meant relative to `base` so; absolute and empty ones stay.
    pub fn resolve_paths(&mut self, base: &Path) {
        let join = |path: &mut String| join(base, path);
        self.templates.iter_mut().for_each(join);
        if let Some(http) = &mut self.global.http_config {
            resolve_http(http, base);
        }
        for receiver in &mut self.receivers {
            http_configs(receiver).for_each(|http| resolve_http(http, base));
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

/// Of every integration but incident.io's.
fn http_configs(receiver: &mut Receiver) -> impl Iterator<Item = &mut HttpConfig> {
    let Receiver {
        name: _,
        labels: _,
        discord,
        email: _,
        incidentio: _,
        pagerduty,
        slack,
        webhook,
        opsgenie,
        wechat,
        pushover,
        victorops,
        sns,
        telegram,
        webex,
        msteams,
        msteamsv2,
        jira,
        rocketchat,
        mattermost,
    } = receiver;
    std::iter::empty()
        .chain(discord.iter_mut().map(|config| &mut config.http_config))
        .chain(pagerduty.iter_mut().map(|config| &mut config.http_config))
        .chain(slack.iter_mut().map(|config| &mut config.http_config))
        .chain(webhook.iter_mut().map(|config| &mut config.http_config))
        .chain(opsgenie.iter_mut().map(|config| &mut config.http_config))
        .chain(wechat.iter_mut().map(|config| &mut config.http_config))
        .chain(pushover.iter_mut().map(|config| &mut config.http_config))
        .chain(victorops.iter_mut().map(|config| &mut config.http_config))
        .chain(sns.iter_mut().map(|config| &mut config.http_config))
        .chain(telegram.iter_mut().map(|config| &mut config.http_config))
        .chain(webex.iter_mut().map(|config| &mut config.http_config))
        .chain(msteams.iter_mut().map(|config| &mut config.http_config))
        .chain(msteamsv2.iter_mut().map(|config| &mut config.http_config))
        .chain(jira.iter_mut().map(|config| &mut config.http_config))
        .chain(rocketchat.iter_mut().map(|config| &mut config.http_config))
        .chain(mattermost.iter_mut().map(|config| &mut config.http_config))
        .flatten()
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
        *path = base.join(&*path).to_string_lossy().into_owned();
    }
}
