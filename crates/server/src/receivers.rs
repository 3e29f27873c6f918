//! What the flags say about all receivers.
//!
//! In: the flags, once at the start. Out: [`ReceiverSettings`], which every configuration's notifiers
//! and every test of a receiver share.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bellwether_courier::{DialObserver, Firewall, NetworkPolicy, PlaintextAuth};
use bellwether_integrations::Mentions;
use ipnet::IpNet;

use crate::flags::Flags;
use crate::metrics::Metrics;
use crate::rendering::{Limits, Rendering};

/// Shared by all configurations; cheap to clone.
#[derive(Clone)]
pub struct ReceiverSettings {
    pub rendering: Rendering,
    pub mentions: Mentions,
    /// Where notifications may be sent.
    pub network: NetworkPolicy,
    /// Counts connections to them.
    pub dials: Arc<dyn DialObserver>,
}

impl ReceiverSettings {
    /// # Errors
    /// With a text that names the flag.
    pub fn from_flags(flags: &Flags, metrics: &Arc<Metrics>) -> Result<Self, String> {
        let time = flags.receivers_render_timeout.positive();
        let time = time.ok_or("--receivers.render-timeout must be above 0")?;
        Ok(ReceiverSettings {
            rendering: Rendering::new(Limits::new(time), Arc::clone(metrics)),
            mentions: if flags.receivers_allow_mentions {
                Mentions::Allow
            } else {
                Mentions::Neutralise
            },
            network: network(
                &flags.receivers_deny_networks,
                &flags.receivers_allow_networks,
                flags.receivers_deny_private,
                flags.receivers_deny_plaintext_auth,
            )?,
            dials: Arc::clone(metrics) as Arc<dyn DialObserver>,
        })
    }

    /// Those of a server that is started without flags.
    pub fn usual(metrics: Arc<Metrics>) -> Self {
        ReceiverSettings {
            rendering: Rendering::new(Limits::new(RENDER_TIMEOUT), Arc::clone(&metrics)),
            mentions: Mentions::default(),
            network: NetworkPolicy::default(),
            dials: metrics,
        }
    }
}

/// # Errors
/// With a text that names the flag.
pub fn network(
    denied: &[String],
    allowed: &[String],
    deny_private: bool,
    deny_plaintext_auth: bool,
) -> Result<NetworkPolicy, String> {
    let firewall = Firewall {
        denied: networks("--receivers.deny-cidr", denied)?,
        allowed: networks("--receivers.allow-cidr", allowed)?,
        deny_private,
    };
    let plaintext_auth =
        if deny_plaintext_auth { PlaintextAuth::Local } else { PlaintextAuth::AsConfigured };
    Ok(NetworkPolicy { firewall: Arc::new(firewall), plaintext_auth })
}

fn networks(flag: &str, texts: &[String]) -> Result<Vec<IpNet>, String> {
    let given = texts.iter().filter(|text| !text.is_empty());
    given
        .map(|text| {
            let address = text.parse::<IpAddr>().map(IpNet::from);
            text.parse().or(address).map_err(|_| {
                format!("{flag}: {text:?} is neither a network such as 10.0.0.0/8 nor an address")
            })
        })
        .collect()
}

/// Limit: for rendering one notification, unless `--receivers.render-timeout` says otherwise.
const RENDER_TIMEOUT: Duration = Duration::from_secs(10);
