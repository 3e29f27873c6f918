//! Global settings into the integrations that do not have their own.
//!
//! What an integration takes over is in the file of its kind ([`receivers`](crate::receivers)). An
//! integration's `http_config` replaces the global one as a whole; only Slack's token and the second
//! Teams's proxy are mixed in.

use std::collections::BTreeSet;

use bellwether_integrations::IntegrationConfig;

use crate::config::{Config, Global, Receiver};
use crate::receivers::{MERGED, end_with_slash, settings};
use crate::rules::Findings;

pub(crate) fn merge_globals(config: &mut Config, findings: &mut Findings<'_>) {
    complete_global_urls(config);
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

/// Compat: an integration that needs a URL with a slash at its end adds it to the global one too,
/// if it takes that over; it is visible in the printed configuration.
fn complete_global_urls(config: &mut Config) {
    let global = &mut config.global;
    for integration in config.receivers.iter().flat_map(|receiver| &receiver.integrations) {
        let (own, global) = match integration {
            IntegrationConfig::Opsgenie(own) => (&own.api_url, &mut global.opsgenie_api_url),
            IntegrationConfig::WeChat(own) => (&own.api_url, &mut global.wechat_api_url),
            IntegrationConfig::VictorOps(own) => (&own.api_url, &mut global.victorops_api_url),
            _ => continue,
        };
        if own.is_empty() && !global.is_empty() {
            end_with_slash(global);
        }
    }
}

fn merge_receiver(
    receiver: &mut Receiver,
    global: &Global,
    path: &str,
    findings: &mut Findings<'_>,
) {
    for kind in MERGED {
        let of_kind = receiver.integrations.iter_mut().filter(|config| config.kind() == kind);
        for (index, config) in of_kind.enumerate() {
            if let Err(message) = settings(config).merge(global) {
                findings.refuse(format!("{path}.{}[{index}]", kind.config_key()), message);
            }
        }
    }
}
