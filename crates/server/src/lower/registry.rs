//! The one list of what this build can send to: from a configured block to its integration.
//!
//! A new kind of receiver gets an arm here, a line in the test below, and one in the compliance test
//! of `bellwether-integrations`.

use bellwether_config::{Integration as Block, Receiver};
use bellwether_integrations::discord::Discord;
use bellwether_integrations::email::Email;
use bellwether_integrations::http::HttpConfig;
use bellwether_integrations::incidentio::IncidentIo;
use bellwether_integrations::jira::Jira;
use bellwether_integrations::mattermost::Mattermost;
use bellwether_integrations::msteams::MsTeams;
use bellwether_integrations::msteamsv2::MsTeamsV2;
use bellwether_integrations::opsgenie::Opsgenie;
use bellwether_integrations::pagerduty::PagerDuty;
use bellwether_integrations::pushover::Pushover;
use bellwether_integrations::rocketchat::RocketChat;
use bellwether_integrations::slack::Slack;
use bellwether_integrations::sns::Sns;
use bellwether_integrations::telegram::Telegram;
use bellwether_integrations::victorops::VictorOps;
use bellwether_integrations::webex::Webex;
use bellwether_integrations::webhook::Webhook;
use bellwether_integrations::wechat::WeChat;
use bellwether_integrations::{Integration, Templates};

/// An integration, and how its requests travel.
pub struct Built<'a> {
    pub integration: Box<dyn Integration>,
    /// `None` means the defaults.
    pub http_config: Option<&'a HttpConfig>,
}

/// Builds the integration of one block of a receiver.
///
/// # Errors
/// If nothing can be sent to it as it is configured.
pub fn build<'a>(
    receiver: &'a Receiver,
    block: &Block,
    templates: &mut Templates,
) -> Result<Built<'a>, String> {
    let at = block.index as usize;
    match block.kind {
        "email" => {
            let config = &receiver.email[at];
            Ok(built(Email::build(config, &host_name(), templates), &None)?)
        }
        "webhook" => {
            let config = &receiver.webhook[at];
            Ok(built(Webhook::build(config, templates), &config.http_config)?)
        }
        "pagerduty" => {
            let config = &receiver.pagerduty[at];
            Ok(built(PagerDuty::build(config, templates), &config.http_config)?)
        }
        "opsgenie" => {
            let config = &receiver.opsgenie[at];
            Ok(built(Opsgenie::build(config, templates), &config.http_config)?)
        }
        "victorops" => {
            let config = &receiver.victorops[at];
            Ok(built(VictorOps::build(config, templates), &config.http_config)?)
        }
        "pushover" => {
            let config = &receiver.pushover[at];
            Ok(built(Pushover::build(config, templates), &config.http_config)?)
        }
        "incidentio" => {
            let config = &receiver.incidentio[at];
            Ok(built(IncidentIo::build(config, templates), &config.http_config)?)
        }
        "slack" => {
            let config = &receiver.slack[at];
            Ok(built(Slack::build(config, templates), &config.http_config)?)
        }
        "telegram" => {
            let config = &receiver.telegram[at];
            Ok(built(Telegram::build(config, templates), &config.http_config)?)
        }
        "discord" => {
            let config = &receiver.discord[at];
            Ok(built(Discord::build(config, templates), &config.http_config)?)
        }
        "webex" => {
            let config = &receiver.webex[at];
            Ok(built(Webex::build(config, templates), &config.http_config)?)
        }
        "msteams" => {
            let config = &receiver.msteams[at];
            Ok(built(MsTeams::build(config, templates), &config.http_config)?)
        }
        "msteamsv2" => {
            let config = &receiver.msteamsv2[at];
            Ok(built(MsTeamsV2::build(config, templates), &config.http_config)?)
        }
        "rocketchat" => {
            let config = &receiver.rocketchat[at];
            Ok(built(RocketChat::build(config, templates), &config.http_config)?)
        }
        "mattermost" => {
            let config = &receiver.mattermost[at];
            Ok(built(Mattermost::build(config, templates), &config.http_config)?)
        }
        "wechat" => {
            let config = &receiver.wechat[at];
            Ok(built(WeChat::build(config, templates), &config.http_config)?)
        }
        "jira" => {
            let config = &receiver.jira[at];
            Ok(built(Jira::build(config, templates), &config.http_config)?)
        }
        "sns" => {
            let config = &receiver.sns[at];
            Ok(built(Sns::build(config, templates), &config.http_config)?)
        }
        // There is none; the test below holds that.
        kind => Err(format!("{kind}_configs: nothing here sends to such receivers")),
    }
}

fn built<'a>(
    integration: Result<impl Integration + 'static, bellwether_integrations::BuildError>,
    http_config: &'a Option<HttpConfig>,
) -> Result<Built<'a>, String> {
    let integration = integration.map_err(|error| error.to_string())?;
    Ok(Built { integration: Box::new(integration), http_config: http_config.as_ref() })
}

/// The name of this machine; empty if it has none.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bellwether_config::Receiver;
    use bellwether_integrations::Templates;
    use bellwether_integrations::templates::ReadYaml;

    use super::build;

    /// All fields are named: another kind of receiver does not compile before it stands here.
    #[test]
    fn every_kind_of_receiver_can_be_told() {
        let receiver = Receiver {
            name: "all".into(),
            labels: BTreeMap::new(),
            discord: vec![Default::default()],
            email: vec![Default::default()],
            incidentio: vec![Default::default()],
            pagerduty: vec![Default::default()],
            slack: vec![Default::default()],
            webhook: vec![Default::default()],
            opsgenie: vec![Default::default()],
            wechat: vec![Default::default()],
            pushover: vec![Default::default()],
            victorops: vec![Default::default()],
            sns: vec![Default::default()],
            telegram: vec![Default::default()],
            webex: vec![Default::default()],
            msteams: vec![Default::default()],
            msteamsv2: vec![Default::default()],
            jira: vec![Default::default()],
            rocketchat: vec![Default::default()],
            mattermost: vec![Default::default()],
        };
        let mut templates =
            Templates::load("http://am.example", ReadYaml(|_| None), []).expect("no files");
        let mut kinds = 0;
        for block in receiver.integrations() {
            // An empty block may be refused, but not for its kind.
            let refusal = build(&receiver, &block, &mut templates).err().unwrap_or_default();
            assert!(!refusal.contains("nothing here sends"), "{refusal}");
            kinds += 1;
        }
        assert_eq!(kinds, 18);
    }
}
