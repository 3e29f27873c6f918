//! The settings of each kind of integration, one file per kind.
//!
//! What a field means is documented where it is declared, in
//! `bellwether_integrations::<kind>::config`. Each file here says how the fields are spelled, in
//! which order they are printed, what must hold between them, and which of them `global` fills in.

mod discord;
mod email;
mod incidentio;
mod jira;
mod mattermost;
mod msteams;
mod msteamsv2;
mod opsgenie;
mod pagerduty;
mod pushover;
mod rocketchat;
mod slack;
mod sns;
mod telegram;
mod victorops;
mod webex;
mod webhook;
mod wechat;

use bellwether_integrations::http::HttpConfig;
use bellwether_integrations::{IntegrationConfig, Kind};

use crate::block::{FieldValue, Problem, refuse_if};
use crate::config::Global;

/// What this crate does with the settings of one integration, whatever its kind.
///
/// As a [`FieldValue`] they are read and printed.
pub(crate) trait IntegrationSettings: FieldValue {
    /// Takes over what is left to `global`.
    ///
    /// # Errors
    /// If neither has a setting that the integration needs.
    fn merge(&mut self, global: &Global) -> Result<(), &'static str>;

    /// The HTTP settings whose paths are relative to the configuration file.
    fn http_with_relative_paths(&mut self) -> Option<&mut HttpConfig>;
}

/// The settings of an integration of any kind.
pub(crate) fn settings(config: &mut IntegrationConfig) -> &mut dyn IntegrationSettings {
    match config {
        IntegrationConfig::Webhook(config) => config.as_mut(),
        IntegrationConfig::Email(config) => config.as_mut(),
        IntegrationConfig::PagerDuty(config) => config.as_mut(),
        IntegrationConfig::Opsgenie(config) => config.as_mut(),
        IntegrationConfig::WeChat(config) => config.as_mut(),
        IntegrationConfig::Slack(config) => config.as_mut(),
        IntegrationConfig::VictorOps(config) => config.as_mut(),
        IntegrationConfig::Pushover(config) => config.as_mut(),
        IntegrationConfig::Sns(config) => config.as_mut(),
        IntegrationConfig::Telegram(config) => config.as_mut(),
        IntegrationConfig::Discord(config) => config.as_mut(),
        IntegrationConfig::Webex(config) => config.as_mut(),
        IntegrationConfig::MsTeams(config) => config.as_mut(),
        IntegrationConfig::MsTeamsV2(config) => config.as_mut(),
        IntegrationConfig::Jira(config) => config.as_mut(),
        IntegrationConfig::IncidentIo(config) => config.as_mut(),
        IntegrationConfig::RocketChat(config) => config.as_mut(),
        IntegrationConfig::Mattermost(config) => config.as_mut(),
    }
}

/// All kinds in the order in which the Go server prints them.
pub(crate) const PRINTED: [Kind; Kind::ALL.len()] = [
    Kind::Discord,
    Kind::Email,
    Kind::IncidentIo,
    Kind::PagerDuty,
    Kind::Slack,
    Kind::Webhook,
    Kind::Opsgenie,
    Kind::WeChat,
    Kind::Pushover,
    Kind::VictorOps,
    Kind::Sns,
    Kind::Telegram,
    Kind::Webex,
    Kind::MsTeams,
    Kind::MsTeamsV2,
    Kind::Jira,
    Kind::RocketChat,
    Kind::Mattermost,
];

/// All kinds in the order in which the Go server merges `global` into them, so that the first
/// mistake named is the same.
pub(crate) const MERGED: [Kind; Kind::ALL.len()] = [
    Kind::Webhook,
    Kind::Email,
    Kind::Slack,
    Kind::Pushover,
    Kind::PagerDuty,
    Kind::IncidentIo,
    Kind::Opsgenie,
    Kind::WeChat,
    Kind::VictorOps,
    Kind::Sns,
    Kind::Telegram,
    Kind::Discord,
    Kind::Webex,
    Kind::MsTeams,
    Kind::MsTeamsV2,
    Kind::Jira,
    Kind::RocketChat,
    Kind::Mattermost,
];

/// Refuses two ways of giving the same thing.
fn at_most_one(first: bool, second: bool, names: [&'static str; 2]) -> Result<(), Problem> {
    let [one, other] = names;
    let message = format!("at most one of {one} & {other} must be configured");
    refuse_if(first && second, "", &message)
}

/// Refuses that, and also neither.
fn exactly_one(first: bool, second: bool, names: [&'static str; 2]) -> Result<(), Problem> {
    let [one, other] = names;
    refuse_if(!first && !second, "", &format!("one of {one} or {other} must be configured"))?;
    at_most_one(first, second, names)
}

/// Takes the global text if there is none.
fn adopt(own: &mut String, global: &str) {
    if own.is_empty() {
        own.push_str(global);
    }
}

/// Takes the global HTTP settings as a whole if there are none.
fn adopt_http(own: &mut Option<HttpConfig>, global: &Global) {
    if own.is_none() {
        own.clone_from(&global.http_config);
    }
}

fn present(text: &str, message: &'static str) -> Result<(), &'static str> {
    if text.is_empty() { Err(message) } else { Ok(()) }
}

/// Of the path, which may be followed by a query or fragment.
pub(crate) fn end_with_slash(url: &mut String) {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    if !url[..end].ends_with('/') {
        url.insert(end, '/');
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use bellwether_integrations::Kind;

    use super::{MERGED, PRINTED};

    #[test]
    fn each_order_has_every_kind() {
        for order in [PRINTED, MERGED] {
            assert_eq!(BTreeSet::from(order), BTreeSet::from(Kind::ALL));
        }
    }
}
