//! Rules between blocks: which globals exclude each other, and that every name is defined.

use std::collections::BTreeSet;

use crate::Error;
use crate::config::{Config, Global, Route};
use crate::yaml::Document;

/// Mistakes found so far, each at a path whose line is looked up.
pub(crate) struct Findings<'d> {
    document: &'d Document,
    errors: Vec<Error>,
}

impl<'d> Findings<'d> {
    pub(crate) fn new(document: &'d Document) -> Self {
        Findings { document, errors: Vec::new() }
    }

    pub(crate) fn refuse(&mut self, path: impl Into<String>, message: impl Into<String>) {
        let field = path.into();
        let line = self.document.line_of(&field);
        self.errors.push(Error { line, field, message: message.into() });
    }

    /// Whether the file has this block.
    fn has_block(&self, name: &str) -> bool {
        self.document.root().is_some_and(|root| self.document.has(root, name))
    }

    pub(crate) fn finish(self) -> Vec<Error> {
        self.errors
    }
}

pub(crate) fn check_globals(global: &Global, findings: &mut Findings<'_>) {
    let set = |text: &str| !text.is_empty();
    let mut exclude = |first: bool, second: bool, one: &str, other: &str| {
        if first && second {
            let message = format!("at most one of {one} & {other} must be configured");
            findings.refuse(format!("global.{one}"), message);
        }
    };
    let g = global;
    let file = "slack_app_token_file";
    exclude(!g.slack_app_token.is_empty(), set(&g.slack_app_token_file), "slack_app_token", file);
    let file = "slack_api_url_file";
    exclude(!g.slack_api_url.is_empty(), set(&g.slack_api_url_file), "slack_api_url", file);
    let has_token = !g.slack_app_token.is_empty() || set(&g.slack_app_token_file);
    let has_url = !g.slack_api_url.is_empty() || set(&g.slack_api_url_file);
    // An API URL that is the app URL was once the way to use a token.
    if g.slack_api_url.reveal() != g.slack_app_url {
        let (one, other) =
            ("slack_app_token/slack_app_token_file", "slack_api_url/slack_api_url_file");
        exclude(has_token, has_url, one, other);
    }
    let file = "opsgenie_api_key_file";
    exclude(
        !g.opsgenie_api_key.is_empty(),
        set(&g.opsgenie_api_key_file),
        "opsgenie_api_key",
        file,
    );
    let file = "victorops_api_key_file";
    let has_file = set(&g.victorops_api_key_file);
    exclude(!g.victorops_api_key.is_empty(), has_file, "victorops_api_key", file);
    let file = "telegram_bot_token_file";
    let has_file = set(&g.telegram_bot_token_file);
    exclude(!g.telegram_bot_token.is_empty(), has_file, "telegram_bot_token", file);
    let file = "smtp_auth_password_file";
    let has_file = set(&g.smtp_auth_password_file);
    exclude(!g.smtp_auth_password.is_empty(), has_file, "smtp_auth_password", file);
    let file = "rocketchat_token_file";
    let has_file = set(&g.rocketchat_token_file);
    exclude(g.rocketchat_token.is_some(), has_file, "rocketchat_token", file);
    let file = "rocketchat_token_id_file";
    let has_file = set(&g.rocketchat_token_id_file);
    exclude(g.rocketchat_token_id.is_some(), has_file, "rocketchat_token_id", file);
    let file = "smtp_auth_secret_file";
    let has_file = set(&g.smtp_auth_secret_file);
    exclude(!g.smtp_auth_secret.is_empty(), has_file, "smtp_auth_secret", file);
    let file = "wechat_api_secret_file";
    let has_file = set(&g.wechat_api_secret_file);
    exclude(!g.wechat_api_secret.is_empty(), has_file, "wechat_api_secret", file);
    let file = "mattermost_webhook_url_file";
    let has_file = set(&g.mattermost_webhook_url_file);
    exclude(!g.mattermost_webhook_url.is_empty(), has_file, "mattermost_webhook_url", file);
}

pub(crate) fn check_routes(config: &Config, findings: &mut Findings<'_>) {
    if !findings.has_block("route") {
        findings.refuse("", "no routes provided");
        return;
    }
    let root = &config.route;
    if root.receiver.is_empty() {
        findings.refuse("route", "root route must specify a default receiver");
    }
    if !root.matchers_combined().is_empty() {
        findings.refuse("route", "root route must not have any matchers");
    }
    if !root.mute_time_intervals.is_empty() {
        let message = "root route must not have any mute time intervals";
        findings.refuse("route.mute_time_intervals", message);
    }
    if !root.active_time_intervals.is_empty() {
        let message = "root route must not have any active time intervals";
        findings.refuse("route.active_time_intervals", message);
    }
    let receivers = config.receivers.iter().map(|receiver| receiver.name.as_str()).collect();
    check_receivers(root, "route", &receivers, findings);
    let mut intervals = BTreeSet::new();
    let lists = [
        ("mute_time_intervals", "mute time interval", &config.mute_time_intervals),
        ("time_intervals", "time interval", &config.time_intervals),
    ];
    for (field, what, list) in lists {
        for (index, named) in list.iter().enumerate() {
            if !intervals.insert(named.name.as_str()) {
                let message = format!("{what} {:?} is not unique", named.name);
                findings.refuse(format!("{field}[{index}].name"), message);
            }
        }
    }
    check_intervals(root, "route", &intervals, findings);
    if root.continue_matching {
        findings.refuse("route.continue", "cannot have continue in root route");
    }
}

fn check_receivers(
    route: &Route,
    path: &str,
    receivers: &BTreeSet<&str>,
    findings: &mut Findings<'_>,
) {
    for (index, child) in route.routes.iter().enumerate() {
        check_receivers(child, &format!("{path}.routes[{index}]"), receivers, findings);
    }
    if !route.receiver.is_empty() && !receivers.contains(route.receiver.as_str()) {
        let message = format!("undefined receiver {:?} used in route", route.receiver);
        findings.refuse(format!("{path}.receiver"), message);
    }
}

fn check_intervals(
    route: &Route,
    path: &str,
    intervals: &BTreeSet<&str>,
    findings: &mut Findings<'_>,
) {
    for (index, child) in route.routes.iter().enumerate() {
        check_intervals(child, &format!("{path}.routes[{index}]"), intervals, findings);
    }
    let lists = [
        ("active_time_intervals", &route.active_time_intervals),
        ("mute_time_intervals", &route.mute_time_intervals),
    ];
    for (field, names) in lists {
        for (index, name) in names.iter().enumerate() {
            if !intervals.contains(name.as_str()) {
                let message = format!("undefined time interval {name:?} used in route");
                findings.refuse(format!("{path}.{field}[{index}]"), message);
            }
        }
    }
}
