//! What does it take to render a notification of a large group?
//!
//! A notification of many alerts is made into a request by the most common receivers, with
//! the default texts; sending the request is not part of it.

use std::hint::black_box;
use std::sync::Arc;

use anyhow::{Context, bail};
use bellwether_integrations::templates::ReadYaml;
use bellwether_integrations::{
    BuildError, Definitions, Files, Integration, Renderer, Step, Templates, email, slack,
};
use bellwether_model::{
    Alert, GroupKey, IntegrationId, LabelSet, Notification, Reason, Remembered, Secret, Timestamp,
};

use super::{alert, instance};

/// Alerts of the group.
pub const ALERTS: usize = 100;

/// Everything that an attempt needs.
pub struct Rendering {
    integration: Box<dyn Integration>,
    definitions: Definitions,
    notification: Notification,
}

impl Rendering {
    pub fn slack(start: Timestamp) -> anyhow::Result<Self> {
        let config = slack::config::Config {
            api_url: Secret::new("http://127.0.0.1/"),
            channel: "#alerts".to_owned(),
            ..Default::default()
        };
        Self::new(start, |templates| Ok(Box::new(slack::Slack::build(&config, templates)?)))
    }

    pub fn email(start: Timestamp) -> anyhow::Result<Self> {
        let config = email::config::Config {
            to: "team@example.org".to_owned(),
            from: "alerts@example.org".to_owned(),
            smarthost: email::config::HostPort { host: "127.0.0.1".into(), port: "25".into() },
            ..Default::default()
        };
        let host = "alerts.example.org";
        Self::new(start, |templates| Ok(Box::new(email::Email::build(&config, host, templates)?)))
    }

    fn new(
        start: Timestamp,
        build: impl FnOnce(&mut Templates) -> Result<Box<dyn Integration>, BuildError>,
    ) -> anyhow::Result<Self> {
        let mut templates = Templates::load("http://alerts.example.org", ReadYaml(|_| None), [])
            .map_err(|error| anyhow::anyhow!("{error}"))?;
        let integration = build(&mut templates).map_err(|error| anyhow::anyhow!("{error}"))?;
        let (definitions, _) = templates.finish([]);
        Ok(Self { integration, definitions, notification: notification(start) })
    }

    /// Renders the notification; the size in bytes of what would be sent.
    pub fn render(&self) -> anyhow::Result<usize> {
        let files = Files::default();
        let mut renderer = Renderer::new(&self.definitions, black_box(&self.notification), &files);
        let begun = self.integration.begin(&mut renderer);
        let mut exchange = begun.ok().context("the attempt is refused")?;
        if let Some(fault) = renderer.faults().first() {
            bail!("a template fails: {fault}");
        }
        Ok(match black_box(exchange.begin()) {
            Step::Send(request) => request.body.len(),
            Step::Mail(mail) => mail.message.len(),
            step => bail!("nothing is sent: {step:?}"),
        })
    }
}

fn notification(start: Timestamp) -> Notification {
    let group_labels = LabelSet::new([("alertname", "DiskSpaceLow")]);
    Notification {
        integration: IntegrationId { receiver: "team".into(), kind: "rendering".into(), index: 0 },
        group_key: GroupKey::new("{}", &group_labels),
        group_labels,
        route_labels: LabelSet::default(),
        reason: Reason::NewAlertsAdded,
        now: start,
        alerts: (0..ALERTS).map(|number| Arc::new(notified(number, start))).collect(),
        remembered: Remembered::default(),
    }
}

fn notified(number: usize, start: Timestamp) -> Alert {
    let new = alert(number, start);
    let instance = instance(number);
    Alert {
        fingerprint: new.fingerprint,
        labels: new.labels,
        annotations: LabelSet::new([
            (
                "description",
                format!("The filesystem of {instance} has less than 5% of its space left.")
                    .as_str(),
            ),
            ("summary", format!("Filesystem of {instance} is almost full").as_str()),
        ]),
        generator_url: new.generator_url,
        starts_at: start,
        ends_at: new.ends_at.unwrap_or(start),
        updated_at: start,
        timed_out: false,
        late_by_s: 0,
    }
}
