//! All kinds of integrations, once: [`Kind`], and [`IntegrationConfig`] with the settings of one.
//!
//! What differs between kinds is a `match` over one of the two without a wildcard, here and in
//! `bellwether-config`. So a new kind is a line in the list below, and the compiler names every
//! other place.

use crate::exchange::{BuildError, Integration};
use crate::http::HttpConfig;
use crate::templates::Templates;
use crate::{
    discord, email, incidentio, jira, mattermost, msteams, msteamsv2, opsgenie, pagerduty,
    pushover, rocketchat, slack, sns, telegram, victorops, webex, webhook, wechat,
};

/// Declares both enums from one list of kinds, each with its module.
macro_rules! kinds {
    ($($kind:ident $module:ident,)*) => {
        /// A kind of integration.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Kind {
            $($kind,)*
        }

        /// The settings of one integration.
        #[derive(Clone, Debug, PartialEq)]
        pub enum IntegrationConfig {
            $($kind(Box<$module::config::Config>),)*
        }

        impl Kind {
            /// In the order in which the integrations of a receiver are notified.
            pub const ALL: [Kind; [$(Kind::$kind),*].len()] = [$(Kind::$kind),*];

            /// As in metrics, logs and the notification log: `webhook`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Kind::$kind => stringify!($module),)*
                }
            }

            /// The key of its list in a receiver's block: `webhook_configs`.
            pub const fn config_key(self) -> &'static str {
                match self {
                    $(Kind::$kind => concat!(stringify!($module), "_configs"),)*
                }
            }

            /// The settings that hold where an operator gives none.
            pub fn default_config(self) -> IntegrationConfig {
                match self {
                    $(Kind::$kind => IntegrationConfig::$kind(Box::default()),)*
                }
            }
        }

        impl IntegrationConfig {
            pub fn kind(&self) -> Kind {
                match self {
                    $(IntegrationConfig::$kind(_) => Kind::$kind,)*
                }
            }

            /// Whether it is notified of resolved alerts.
            pub fn send_resolved(&self) -> bool {
                match self {
                    $(IntegrationConfig::$kind(config) => config.send_resolved,)*
                }
            }
        }
    };
}

kinds! {
    Webhook webhook,
    Email email,
    PagerDuty pagerduty,
    Opsgenie opsgenie,
    WeChat wechat,
    Slack slack,
    VictorOps victorops,
    Pushover pushover,
    Sns sns,
    Telegram telegram,
    Discord discord,
    Webex webex,
    MsTeams msteams,
    MsTeamsV2 msteamsv2,
    Jira jira,
    IncidentIo incidentio,
    RocketChat rocketchat,
    Mattermost mattermost,
}

impl IntegrationConfig {
    /// How its requests travel; `None` means the defaults.
    pub fn http_config(&self) -> Option<&HttpConfig> {
        match self {
            // It speaks SMTP.
            IntegrationConfig::Email(_) => None,
            IntegrationConfig::Webhook(config) => config.http_config.as_ref(),
            IntegrationConfig::PagerDuty(config) => config.http_config.as_ref(),
            IntegrationConfig::Opsgenie(config) => config.http_config.as_ref(),
            IntegrationConfig::WeChat(config) => config.http_config.as_ref(),
            IntegrationConfig::Slack(config) => config.http_config.as_ref(),
            IntegrationConfig::VictorOps(config) => config.http_config.as_ref(),
            IntegrationConfig::Pushover(config) => config.http_config.as_ref(),
            IntegrationConfig::Sns(config) => config.http_config.as_ref(),
            IntegrationConfig::Telegram(config) => config.http_config.as_ref(),
            IntegrationConfig::Discord(config) => config.http_config.as_ref(),
            IntegrationConfig::Webex(config) => config.http_config.as_ref(),
            IntegrationConfig::MsTeams(config) => config.http_config.as_ref(),
            IntegrationConfig::MsTeamsV2(config) => config.http_config.as_ref(),
            IntegrationConfig::Jira(config) => config.http_config.as_ref(),
            IntegrationConfig::IncidentIo(config) => config.http_config.as_ref(),
            IntegrationConfig::RocketChat(config) => config.http_config.as_ref(),
            IntegrationConfig::Mattermost(config) => config.http_config.as_ref(),
        }
    }

    /// Builds the integration. `host_name` is this machine's, empty if it has none.
    ///
    /// # Errors
    /// If nothing can be sent with these settings.
    pub fn build(
        &self,
        host_name: &str,
        templates: &mut Templates,
    ) -> Result<Box<dyn Integration>, BuildError> {
        Ok(match self {
            Self::Webhook(config) => Box::new(webhook::Webhook::build(config, templates)?),
            Self::Email(config) => Box::new(email::Email::build(config, host_name, templates)?),
            Self::PagerDuty(config) => Box::new(pagerduty::PagerDuty::build(config, templates)?),
            Self::Opsgenie(config) => Box::new(opsgenie::Opsgenie::build(config, templates)?),
            Self::WeChat(config) => Box::new(wechat::WeChat::build(config, templates)?),
            Self::Slack(config) => Box::new(slack::Slack::build(config, templates)?),
            Self::VictorOps(config) => Box::new(victorops::VictorOps::build(config, templates)?),
            Self::Pushover(config) => Box::new(pushover::Pushover::build(config, templates)?),
            Self::Sns(config) => Box::new(sns::Sns::build(config, templates)?),
            Self::Telegram(config) => Box::new(telegram::Telegram::build(config, templates)?),
            Self::Discord(config) => Box::new(discord::Discord::build(config, templates)?),
            Self::Webex(config) => Box::new(webex::Webex::build(config, templates)?),
            Self::MsTeams(config) => Box::new(msteams::MsTeams::build(config, templates)?),
            Self::MsTeamsV2(config) => Box::new(msteamsv2::MsTeamsV2::build(config, templates)?),
            Self::Jira(config) => Box::new(jira::Jira::build(config, templates)?),
            Self::IncidentIo(config) => Box::new(incidentio::IncidentIo::build(config, templates)?),
            Self::RocketChat(config) => Box::new(rocketchat::RocketChat::build(config, templates)?),
            Self::Mattermost(config) => Box::new(mattermost::Mattermost::build(config, templates)?),
        })
    }
}
