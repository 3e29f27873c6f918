//! Global settings into the integrations that do not have their own.
//!
//! Walks the receivers in order and their integrations in the order in which the Go server does,
//! so that the first mistake named is the same. An integration's `http_config` replaces the global
//! one as a whole; only Slack's token and the second Teams's proxy are mixed in.

use std::collections::BTreeSet;

use bellwether_integrations::http::{Authorization, HttpConfig};
use bellwether_integrations::{
    email, jira, mattermost, msteamsv2, opsgenie, pagerduty, rocketchat, slack, telegram,
    victorops, webex, wechat,
};

use crate::config::{Config, Global, Receiver};
use crate::rules::Findings;

pub(crate) fn merge_globals(config: &mut Config, findings: &mut Findings<'_>) {
    let mut names: BTreeSet<String> = BTreeSet::new();
    for (index, receiver) in config.receivers.iter_mut().enumerate() {
        let path = format!("receivers[{index}]");
        if !names.insert(receiver.name.clone()) {
            let message = format!("notification config name {:?} is not unique", receiver.name);
            findings.refuse(format!("{path}.name"), message);
        }
        merge_receiver(receiver, &config.global, &path, findings);
    }
}

fn merge_receiver(
    receiver: &mut Receiver,
    global: &Global,
    path: &str,
    findings: &mut Findings<'_>,
) {
    let mut each = |kind: &str, index: usize, result: Result<(), &str>| {
        if let Err(message) = result {
            findings.refuse(format!("{path}.{kind}_configs[{index}]"), message);
        }
    };
    for config in &mut receiver.webhook {
        adopt_http(&mut config.http_config, global);
    }
    for (index, config) in receiver.email.iter_mut().enumerate() {
        each("email", index, merge_email(config, global));
    }
    for (index, config) in receiver.slack.iter_mut().enumerate() {
        each("slack", index, merge_slack(config, global));
    }
    for config in &mut receiver.pushover {
        adopt_http(&mut config.http_config, global);
    }
    for (index, config) in receiver.pagerduty.iter_mut().enumerate() {
        each("pagerduty", index, merge_pagerduty(config, global));
    }
    for config in &mut receiver.incidentio {
        adopt_http(&mut config.http_config, global);
    }
    for (index, config) in receiver.opsgenie.iter_mut().enumerate() {
        each("opsgenie", index, merge_opsgenie(config, global));
    }
    for (index, config) in receiver.wechat.iter_mut().enumerate() {
        each("wechat", index, merge_wechat(config, global));
    }
    for (index, config) in receiver.victorops.iter_mut().enumerate() {
        each("victorops", index, merge_victorops(config, global));
    }
    for config in &mut receiver.sns {
        adopt_http(&mut config.http_config, global);
    }
    for (index, config) in receiver.telegram.iter_mut().enumerate() {
        each("telegram", index, merge_telegram(config, global));
    }
    for config in &mut receiver.discord {
        adopt_http(&mut config.http_config, global);
    }
    for (index, config) in receiver.webex.iter_mut().enumerate() {
        each("webex", index, merge_webex(config, global));
    }
    for config in &mut receiver.msteams {
        adopt_http(&mut config.http_config, global);
    }
    for config in &mut receiver.msteamsv2 {
        merge_msteamsv2(config, global);
    }
    for (index, config) in receiver.jira.iter_mut().enumerate() {
        each("jira", index, merge_jira(config, global));
    }
    for (index, config) in receiver.rocketchat.iter_mut().enumerate() {
        each("rocketchat", index, merge_rocketchat(config, global));
    }
    for (index, config) in receiver.mattermost.iter_mut().enumerate() {
        each("mattermost", index, merge_mattermost(config, global));
    }
}

fn merge_email(config: &mut email::config::Config, global: &Global) -> Result<(), &'static str> {
    if config.tls_config.is_none() {
        config.tls_config.clone_from(&global.smtp_tls_config);
    }
    if config.smarthost.host.is_empty() && config.smarthost.port.is_empty() {
        config.smarthost.clone_from(&global.smtp_smarthost);
    }
    if config.smarthost.host.is_empty() && config.smarthost.port.is_empty() {
        return Err("no global SMTP smarthost set");
    }
    adopt(&mut config.from, &global.smtp_from);
    if config.from.is_empty() {
        return Err("no global SMTP from set");
    }
    adopt(&mut config.hello, &global.smtp_hello);
    adopt(&mut config.auth_username, &global.smtp_auth_username);
    if config.auth_password.is_empty() && config.auth_password_file.is_empty() {
        config.auth_password.clone_from(&global.smtp_auth_password);
        config.auth_password_file.clone_from(&global.smtp_auth_password_file);
    }
    if config.auth_secret.is_empty() && config.auth_secret_file.is_empty() {
        config.auth_secret.clone_from(&global.smtp_auth_secret);
        config.auth_secret_file.clone_from(&global.smtp_auth_secret_file);
    }
    adopt(&mut config.auth_identity, &global.smtp_auth_identity);
    config.require_tls.get_or_insert(global.smtp_require_tls);
    config.force_implicit_tls = config.force_implicit_tls.or(global.smtp_force_implicit_tls);
    Ok(())
}

fn merge_slack(config: &mut slack::config::Config, global: &Global) -> Result<(), &'static str> {
    adopt(&mut config.app_url, &global.slack_app_url);
    if config.app_url.is_empty() {
        return Err("no global Slack App URL set");
    }
    let has_authorization =
        config.http_config.as_ref().is_some_and(|http| http.authorization.is_some());
    let has_token = |config: &slack::config::Config| {
        !config.app_token.is_empty() || !config.app_token_file.is_empty()
    };
    // Compat: a local URL keeps the global token away, a local URL file does not.
    if !has_token(config) && !has_authorization && config.api_url.is_empty() {
        config.app_token.clone_from(&global.slack_app_token);
        config.app_token_file.clone_from(&global.slack_app_token_file);
    }
    if config.api_url.is_empty() && config.api_url_file.is_empty() {
        config.api_url.clone_from(&global.slack_api_url);
        config.api_url_file.clone_from(&global.slack_api_url_file);
    }
    if config.api_url.is_empty() && config.api_url_file.is_empty() && !has_token(config) {
        return Err("no Slack API URL nor App token set either inline or in a file");
    }
    adopt_http(&mut config.http_config, global);
    if has_token(config) {
        let http = config.http_config.get_or_insert_default();
        if http.authorization.is_some() {
            return Err("http authorization can't be set when using Slack App tokens");
        }
        http.authorization = Some(Authorization {
            kind: "Bearer".to_owned(),
            credentials: config.app_token.clone(),
            credentials_file: config.app_token_file.clone(),
            credentials_ref: String::new(),
        });
        config.api_url = bellwether_model::Secret::new(config.app_url.as_str());
    }
    Ok(())
}

fn merge_pagerduty(
    config: &mut pagerduty::config::Config,
    global: &Global,
) -> Result<(), &'static str> {
    adopt_http(&mut config.http_config, global);
    adopt(&mut config.url, &global.pagerduty_url);
    present(&config.url, "no global PagerDuty URL set")
}

fn merge_opsgenie(
    config: &mut opsgenie::config::Config,
    global: &Global,
) -> Result<(), &'static str> {
    adopt_http(&mut config.http_config, global);
    adopt(&mut config.api_url, &global.opsgenie_api_url);
    present(&config.api_url, "no global OpsGenie URL set")?;
    end_with_slash(&mut config.api_url);
    // Compat: key and file fall back each for itself, so both may be set; the key wins.
    if config.api_key.is_empty() {
        config.api_key.clone_from(&global.opsgenie_api_key);
    }
    adopt(&mut config.api_key_file, &global.opsgenie_api_key_file);
    if config.api_key.is_empty() && config.api_key_file.is_empty() {
        return Err("no global OpsGenie API Key set either inline or in a file");
    }
    Ok(())
}

fn merge_wechat(config: &mut wechat::config::Config, global: &Global) -> Result<(), &'static str> {
    adopt_http(&mut config.http_config, global);
    adopt(&mut config.api_url, &global.wechat_api_url);
    present(&config.api_url, "no global Wechat URL set")?;
    if config.api_secret.is_empty() && config.api_secret_file.is_empty() {
        config.api_secret.clone_from(&global.wechat_api_secret);
        config.api_secret_file.clone_from(&global.wechat_api_secret_file);
    }
    if config.api_secret.is_empty() && config.api_secret_file.is_empty() {
        return Err("no global Wechat Api Secret set either inline or in a file");
    }
    adopt(&mut config.corp_id, &global.wechat_api_corp_id);
    present(&config.corp_id, "no global Wechat CorpID set")?;
    end_with_slash(&mut config.api_url);
    Ok(())
}

fn merge_victorops(
    config: &mut victorops::config::Config,
    global: &Global,
) -> Result<(), &'static str> {
    adopt_http(&mut config.http_config, global);
    adopt(&mut config.api_url, &global.victorops_api_url);
    present(&config.api_url, "no global VictorOps URL set")?;
    end_with_slash(&mut config.api_url);
    // Compat: as with Opsgenie, both may be set.
    if config.api_key.is_empty() {
        config.api_key.clone_from(&global.victorops_api_key);
    }
    adopt(&mut config.api_key_file, &global.victorops_api_key_file);
    if config.api_key.is_empty() && config.api_key_file.is_empty() {
        return Err("no global VictorOps API Key set");
    }
    Ok(())
}

fn merge_telegram(
    config: &mut telegram::config::Config,
    global: &Global,
) -> Result<(), &'static str> {
    adopt_http(&mut config.http_config, global);
    adopt(&mut config.api_url, &global.telegram_api_url);
    if config.bot_token.is_empty() && config.bot_token_file.is_empty() {
        config.bot_token.clone_from(&global.telegram_bot_token);
        config.bot_token_file.clone_from(&global.telegram_bot_token_file);
    }
    if config.bot_token.is_empty() && config.bot_token_file.is_empty() {
        return Err("missing bot_token or bot_token_file on telegram_config");
    }
    Ok(())
}

fn merge_webex(config: &mut webex::config::Config, global: &Global) -> Result<(), &'static str> {
    adopt_http(&mut config.http_config, global);
    adopt(&mut config.api_url, &global.webex_api_url);
    present(&config.api_url, "no global Webex URL set")
}

fn merge_msteamsv2(config: &mut msteamsv2::config::Config, global: &Global) {
    if let (Some(own), Some(global)) = (&mut config.http_config, &global.http_config)
        && own.proxy.proxy_url.is_none()
    {
        own.proxy.proxy_url.clone_from(&global.proxy.proxy_url);
    }
    adopt_http(&mut config.http_config, global);
}

fn merge_jira(config: &mut jira::config::Config, global: &Global) -> Result<(), &'static str> {
    adopt_http(&mut config.http_config, global);
    adopt(&mut config.api_url, &global.jira_api_url);
    present(&config.api_url, "no global Jira Cloud URL set")
}

fn merge_rocketchat(
    config: &mut rocketchat::config::Config,
    global: &Global,
) -> Result<(), &'static str> {
    adopt_http(&mut config.http_config, global);
    adopt(&mut config.api_url, &global.rocketchat_api_url);
    config.token_id = config.token_id.take().or_else(|| global.rocketchat_token_id.clone());
    adopt(&mut config.token_id_file, &global.rocketchat_token_id_file);
    if config.token_id.is_none() && config.token_id_file.is_empty() {
        return Err("no global Rocketchat TokenID set either inline or in a file");
    }
    config.token = config.token.take().or_else(|| global.rocketchat_token.clone());
    adopt(&mut config.token_file, &global.rocketchat_token_file);
    if config.token.is_none() && config.token_file.is_empty() {
        return Err("no global Rocketchat Token set either inline or in a file");
    }
    Ok(())
}

fn merge_mattermost(
    config: &mut mattermost::config::Config,
    global: &Global,
) -> Result<(), &'static str> {
    adopt_http(&mut config.http_config, global);
    if config.webhook_url.is_empty() && config.webhook_url_file.is_empty() {
        config.webhook_url.clone_from(&global.mattermost_webhook_url);
        config.webhook_url_file.clone_from(&global.mattermost_webhook_url_file);
    }
    if config.webhook_url.is_empty() && config.webhook_url_file.is_empty() {
        return Err("missing webhook_url or webhook_url_file on mattermost_config");
    }
    Ok(())
}

fn adopt(own: &mut String, global: &str) {
    if own.is_empty() {
        own.push_str(global);
    }
}

fn adopt_http(own: &mut Option<HttpConfig>, global: &Global) {
    if own.is_none() {
        own.clone_from(&global.http_config);
    }
}

fn present(text: &str, message: &'static str) -> Result<(), &'static str> {
    if text.is_empty() { Err(message) } else { Ok(()) }
}

/// Of the path, which may be followed by a query or fragment.
fn end_with_slash(url: &mut String) {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    if !url[..end].ends_with('/') {
        url.insert(end, '/');
    }
}
