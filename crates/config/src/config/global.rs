//! `global`: what holds for every receiver that does not say otherwise.

use std::time::Duration;

use bellwether_integrations::email::config::HostPort;
use bellwether_integrations::http::{HttpConfig, TlsConfig};
use bellwether_model::Secret;

use crate::block::{Block, Visitor};
use crate::value::{HttpUrl, SecretUrl};

/// Empty texts mean "not set", `None` that a null was given or nothing at all.
#[derive(Clone, Debug, PartialEq)]
pub struct Global {
    /// After how long an alert that is not sent again counts as resolved.
    pub resolve_timeout: Duration,
    /// `None` means the defaults.
    pub http_config: Option<HttpConfig>,
    pub jira_api_url: String,
    pub smtp_from: String,
    pub smtp_hello: String,
    pub smtp_smarthost: HostPort,
    pub smtp_auth_username: String,
    pub smtp_auth_password: Secret,
    pub smtp_auth_password_file: String,
    pub smtp_auth_secret: Secret,
    pub smtp_auth_secret_file: String,
    pub smtp_auth_identity: String,
    pub smtp_require_tls: bool,
    pub smtp_tls_config: Option<TlsConfig>,
    pub smtp_force_implicit_tls: Option<bool>,
    pub slack_api_url: Secret,
    pub slack_api_url_file: String,
    pub slack_app_token: Secret,
    pub slack_app_token_file: String,
    pub slack_app_url: String,
    pub pagerduty_url: String,
    pub opsgenie_api_url: String,
    pub opsgenie_api_key: Secret,
    pub opsgenie_api_key_file: String,
    pub wechat_api_url: String,
    pub wechat_api_secret: Secret,
    pub wechat_api_secret_file: String,
    pub wechat_api_corp_id: String,
    pub victorops_api_url: String,
    pub victorops_api_key: Secret,
    pub victorops_api_key_file: String,
    pub telegram_api_url: String,
    pub telegram_bot_token: Secret,
    pub telegram_bot_token_file: String,
    pub webex_api_url: String,
    pub rocketchat_api_url: String,
    pub rocketchat_token: Option<Secret>,
    pub rocketchat_token_file: String,
    pub rocketchat_token_id: Option<Secret>,
    pub rocketchat_token_id_file: String,
    pub mattermost_webhook_url: Secret,
    pub mattermost_webhook_url_file: String,
}

impl Default for Global {
    fn default() -> Self {
        let none = || String::new();
        let secret = Secret::default;
        let url = |text: &str| text.to_owned();
        Global {
            resolve_timeout: Duration::from_secs(5 * 60),
            http_config: Some(HttpConfig::default()),
            jira_api_url: none(),
            smtp_from: none(),
            smtp_hello: "localhost".to_owned(),
            smtp_smarthost: HostPort::default(),
            smtp_auth_username: none(),
            smtp_auth_password: secret(),
            smtp_auth_password_file: none(),
            smtp_auth_secret: secret(),
            smtp_auth_secret_file: none(),
            smtp_auth_identity: none(),
            smtp_require_tls: true,
            smtp_tls_config: Some(TlsConfig::default()),
            smtp_force_implicit_tls: None,
            slack_api_url: secret(),
            slack_api_url_file: none(),
            slack_app_token: secret(),
            slack_app_token_file: none(),
            slack_app_url: url("https://slack.com/api/chat.postMessage"),
            pagerduty_url: url("https://events.pagerduty.com/v2/enqueue"),
            opsgenie_api_url: url("https://api.opsgenie.com/"),
            opsgenie_api_key: secret(),
            opsgenie_api_key_file: none(),
            wechat_api_url: url("https://qyapi.weixin.qq.com/cgi-bin/"),
            wechat_api_secret: secret(),
            wechat_api_secret_file: none(),
            wechat_api_corp_id: none(),
            victorops_api_url: url(
                "https://alert.victorops.com/integrations/generic/20131114/alert/",
            ),
            victorops_api_key: secret(),
            victorops_api_key_file: none(),
            telegram_api_url: url("https://api.telegram.org"),
            telegram_bot_token: secret(),
            telegram_bot_token_file: none(),
            webex_api_url: url("https://webexapis.com/v1/messages"),
            rocketchat_api_url: url("https://open.rocket.chat/"),
            rocketchat_token: None,
            rocketchat_token_file: none(),
            rocketchat_token_id: None,
            rocketchat_token_id_file: none(),
            mattermost_webhook_url: secret(),
            mattermost_webhook_url_file: none(),
        }
    }
}

impl Block for Global {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.shown("resolve_timeout", &mut self.resolve_timeout);
        v.field("http_config", &mut self.http_config);
        v.field("jira_api_url", &mut HttpUrl(&mut self.jira_api_url));
        v.field("smtp_from", &mut self.smtp_from);
        v.field("smtp_hello", &mut self.smtp_hello);
        v.field("smtp_smarthost", &mut self.smtp_smarthost);
        v.field("smtp_auth_username", &mut self.smtp_auth_username);
        v.field("smtp_auth_password", &mut self.smtp_auth_password);
        v.field("smtp_auth_password_file", &mut self.smtp_auth_password_file);
        v.field("smtp_auth_secret", &mut self.smtp_auth_secret);
        v.field("smtp_auth_secret_file", &mut self.smtp_auth_secret_file);
        v.field("smtp_auth_identity", &mut self.smtp_auth_identity);
        v.shown("smtp_require_tls", &mut self.smtp_require_tls);
        v.field("smtp_tls_config", &mut self.smtp_tls_config);
        v.field("smtp_force_implicit_tls", &mut self.smtp_force_implicit_tls);
        v.field("slack_api_url", &mut SecretUrl(&mut self.slack_api_url));
        v.field("slack_api_url_file", &mut self.slack_api_url_file);
        v.field("slack_app_token", &mut self.slack_app_token);
        v.field("slack_app_token_file", &mut self.slack_app_token_file);
        v.field("slack_app_url", &mut HttpUrl(&mut self.slack_app_url));
        v.field("pagerduty_url", &mut HttpUrl(&mut self.pagerduty_url));
        v.field("opsgenie_api_url", &mut HttpUrl(&mut self.opsgenie_api_url));
        v.field("opsgenie_api_key", &mut self.opsgenie_api_key);
        v.field("opsgenie_api_key_file", &mut self.opsgenie_api_key_file);
        v.field("wechat_api_url", &mut HttpUrl(&mut self.wechat_api_url));
        v.field("wechat_api_secret", &mut self.wechat_api_secret);
        v.field("wechat_api_secret_file", &mut self.wechat_api_secret_file);
        v.field("wechat_api_corp_id", &mut self.wechat_api_corp_id);
        v.field("victorops_api_url", &mut HttpUrl(&mut self.victorops_api_url));
        v.field("victorops_api_key", &mut self.victorops_api_key);
        v.field("victorops_api_key_file", &mut self.victorops_api_key_file);
        v.field("telegram_api_url", &mut HttpUrl(&mut self.telegram_api_url));
        v.field("telegram_bot_token", &mut self.telegram_bot_token);
        v.field("telegram_bot_token_file", &mut self.telegram_bot_token_file);
        v.field("webex_api_url", &mut HttpUrl(&mut self.webex_api_url));
        v.field("rocketchat_api_url", &mut HttpUrl(&mut self.rocketchat_api_url));
        v.field("rocketchat_token", &mut self.rocketchat_token);
        v.field("rocketchat_token_file", &mut self.rocketchat_token_file);
        v.field("rocketchat_token_id", &mut self.rocketchat_token_id);
        v.field("rocketchat_token_id_file", &mut self.rocketchat_token_id_file);
        v.field("mattermost_webhook_url", &mut SecretUrl(&mut self.mattermost_webhook_url));
        v.field("mattermost_webhook_url_file", &mut self.mattermost_webhook_url_file);
    }
}
