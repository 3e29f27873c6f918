//! `receivers`: a name, and the ways in which to tell it.

use std::collections::BTreeMap;

use bellwether_integrations::{
    discord, email, incidentio, jira, mattermost, msteams, msteamsv2, opsgenie, pagerduty,
    pushover, rocketchat, slack, sns, telegram, victorops, webex, webhook, wechat,
};

use crate::block::{Block, Problem, Reader, Visitor, refuse_if};
use crate::value::Required;

/// A named list of integrations; one without any swallows what it is sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Receiver {
    pub name: String,
    /// Always with `name`.
    pub labels: BTreeMap<String, String>,
    pub discord: Vec<discord::config::Config>,
    pub email: Vec<email::config::Config>,
    pub incidentio: Vec<incidentio::config::Config>,
    pub pagerduty: Vec<pagerduty::config::Config>,
    pub slack: Vec<slack::config::Config>,
    pub webhook: Vec<webhook::config::Config>,
    pub opsgenie: Vec<opsgenie::config::Config>,
    pub wechat: Vec<wechat::config::Config>,
    pub pushover: Vec<pushover::config::Config>,
    pub victorops: Vec<victorops::config::Config>,
    pub sns: Vec<sns::config::Config>,
    pub telegram: Vec<telegram::config::Config>,
    pub webex: Vec<webex::config::Config>,
    pub msteams: Vec<msteams::config::Config>,
    pub msteamsv2: Vec<msteamsv2::config::Config>,
    pub jira: Vec<jira::config::Config>,
    pub rocketchat: Vec<rocketchat::config::Config>,
    pub mattermost: Vec<mattermost::config::Config>,
}

/// One way to tell a receiver; kind and index are part of its identity between peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Integration {
    /// As in metrics and the notification log: `webhook`, `email`, …
    pub kind: &'static str,
    /// Within the list of its kind.
    pub index: u32,
    pub send_resolved: bool,
}

impl Receiver {
    /// All integrations, in the order in which they are notified.
    pub fn integrations(&self) -> impl Iterator<Item = Integration> {
        let of = |kind: &'static str, flags: Vec<bool>| {
            (0u32..).zip(flags).map(move |(index, send_resolved)| Integration {
                kind,
                index,
                send_resolved,
            })
        };
        macro_rules! flags {
            ($list:expr) => {
                $list.iter().map(|config| config.send_resolved).collect::<Vec<bool>>()
            };
        }
        [
            ("webhook", flags!(self.webhook)),
            ("email", flags!(self.email)),
            ("pagerduty", flags!(self.pagerduty)),
            ("opsgenie", flags!(self.opsgenie)),
            ("wechat", flags!(self.wechat)),
            ("slack", flags!(self.slack)),
            ("victorops", flags!(self.victorops)),
            ("pushover", flags!(self.pushover)),
            ("sns", flags!(self.sns)),
            ("telegram", flags!(self.telegram)),
            ("discord", flags!(self.discord)),
            ("webex", flags!(self.webex)),
            ("msteams", flags!(self.msteams)),
            ("msteamsv2", flags!(self.msteamsv2)),
            ("jira", flags!(self.jira)),
            ("incidentio", flags!(self.incidentio)),
            ("rocketchat", flags!(self.rocketchat)),
            ("mattermost", flags!(self.mattermost)),
        ]
        .into_iter()
        .flat_map(move |(kind, flags)| of(kind, flags))
    }
}

impl Block for Receiver {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.shown("name", &mut self.name);
        v.field("labels", &mut self.labels);
        v.field("discord_configs", &mut list(&mut self.discord, "missing discord config"));
        v.field("email_configs", &mut list(&mut self.email, "missing email config"));
        v.field("incidentio_configs", &mut list(&mut self.incidentio, "missing incidentio config"));
        v.field("pagerduty_configs", &mut list(&mut self.pagerduty, "missing pagerduty config"));
        v.field("slack_configs", &mut list(&mut self.slack, "missing slack config"));
        v.field("webhook_configs", &mut list(&mut self.webhook, "missing webhook config"));
        v.field("opsgenie_configs", &mut list(&mut self.opsgenie, "missing opsgenie config"));
        v.field("wechat_configs", &mut list(&mut self.wechat, "missing wechat config"));
        v.field("pushover_configs", &mut list(&mut self.pushover, "missing pushover config"));
        v.field("victorops_configs", &mut list(&mut self.victorops, "missing victorops config"));
        v.field("sns_configs", &mut list(&mut self.sns, "missing sns config"));
        v.field("telegram_configs", &mut list(&mut self.telegram, "missing telegram config"));
        v.field("webex_configs", &mut list(&mut self.webex, "missing webex config"));
        v.field("msteams_configs", &mut list(&mut self.msteams, "missing msteams config"));
        v.field("msteamsv2_configs", &mut list(&mut self.msteamsv2, "missing msteamsv2 config"));
        v.field("jira_configs", &mut list(&mut self.jira, "missing jira config"));
        v.field("rocketchat_configs", &mut list(&mut self.rocketchat, "missing rocketchat config"));
        v.field("mattermost_configs", &mut list(&mut self.mattermost, "missing mattermost config"));
    }

    fn check(&mut self, _reader: &mut Reader<'_>) -> Result<(), Problem> {
        refuse_if(self.name.is_empty(), "", "missing name in receiver")?;
        let name = self.name.clone();
        if let Some(label) = self.labels.insert("name".to_owned(), name).filter(|l| *l != self.name)
        {
            let message = format!(
                "receiver label \"name\" must match receiver name {:?}, got {label:?}",
                self.name
            );
            return Err(Problem::at("labels", message));
        }
        Ok(())
    }
}

fn list<'a, T>(list: &'a mut Vec<T>, message: &'static str) -> Required<'a, T> {
    Required { list, message }
}
