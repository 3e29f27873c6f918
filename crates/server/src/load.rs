//! The configuration file, from its path to everything that is made from it.
//!
//! In: the file. Out: [`Loaded`], ready to take effect, or why it cannot. The steps are the same at
//! the start and at each reload, and do not change anything that runs.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bellwether_config::{Config, Parsed};
use bellwether_engine::Plan;
use bellwether_integrations::TemplateFault;
use bellwether_model::MatcherMode;
use md5::{Digest, Md5};
use tracing::{error, info, warn};

use crate::attempts::Notifiers;
use crate::clock::Clock;
use crate::features::Features;
use crate::lower::{Lowered, TimingWarning, TimingWarningKind, lower};
use crate::metrics::Metrics;
use crate::receivers::ReceiverSettings;

/// What is needed to load the file, again and again.
#[derive(Clone)]
pub struct Loader {
    pub path: PathBuf,
    pub features: Features,
    pub external_url: String,
    pub retention: Duration,
    pub metrics: Arc<Metrics>,
    pub clock: Clock,
    pub current: CurrentConfig,
    pub receivers: ReceiverSettings,
}

/// A configuration that can take effect.
pub struct Loaded {
    pub plan: Arc<Plan>,
    pub notifiers: Notifiers,
    configured: Configured,
    hash: f64,
    receivers: usize,
    inhibition_rules: usize,
    template_faults: usize,
}

/// How much a configuration has of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contents {
    pub inhibit_rules: usize,
    pub receivers: usize,
    pub templates: usize,
    /// Invalid templates: a plain-text fallback is sent in their place.
    pub template_faults: usize,
}

/// The parsed file.
#[derive(Clone, Default)]
pub struct Configured {
    /// For readers: without secrets.
    pub text: Arc<str>,
    /// For tests of receivers: complete, its paths resolved.
    pub config: Arc<Config>,
}

/// The configuration in force.
#[derive(Clone, Default)]
pub struct CurrentConfig(Arc<Mutex<Configured>>);

impl CurrentConfig {
    pub fn now(&self) -> Configured {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, configured: Configured) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = configured;
    }
}

impl Loader {
    /// Reads and compiles the file. Blocks on files.
    pub fn load(&self) -> Result<Loaded, String> {
        let file = self.path.display().to_string();
        info!(component = COMPONENT, file, "Loading configuration file");
        let loaded = self.compile()?;
        info!(component = COMPONENT, file, "Completed loading of configuration file");
        Ok(loaded)
    }

    /// To be called if a configuration cannot take effect, and another one stays in force.
    pub fn refused(&self, err: &str) {
        self.metrics.config_reload_successful.set(0.0);
        let file = self.path.display().to_string();
        error!(component = COMPONENT, file, err, "Loading configuration file failed");
    }

    /// To be called once a configuration has taken effect.
    pub fn takes_effect(&self, loaded: &Applied) {
        self.metrics.config_reload_successful.set(1.0);
        let now = self.clock.now().wall.unix_nanos() as f64 / 1e9;
        self.metrics.config_reload_seconds.set(now);
        self.metrics.config_hash.set(loaded.hash);
        self.metrics.receivers.set(loaded.receivers as f64);
        self.metrics.integrations.set(loaded.integrations as f64);
        self.metrics.inhibition_rules.set(loaded.inhibition_rules as f64);
        self.current.set(loaded.configured.clone());
    }

    fn compile(&self) -> Result<Loaded, String> {
        let (bytes, mut parsed) = read(&self.path, self.matcher_mode())?;
        for warning in &parsed.warnings {
            warn!(component = COMPONENT, "{warning}");
        }
        parsed.config.resolve_paths(self.path.parent().unwrap_or(Path::new("")));
        let shown = bellwether_config::print(&parsed.config);
        let inhibition_rules = parsed.config.inhibit_rules.len();
        let lowered = lower(&parsed.config, &self.external_url, self.retention, &self.receivers)?;
        let Lowered {
            parts,
            notifiers,
            receivers_used,
            receivers_skipped,
            template_faults,
            timing_warnings,
        } = lowered;
        for receiver in receivers_skipped {
            info!(
                component = COMPONENT,
                receiver, "skipping creation of receiver not referenced by any route"
            );
        }
        timing_warnings.iter().for_each(log_timing_warning);
        let faults = template_faults.len();
        for TemplateFault { field, reason } in template_faults {
            warn!(
                component = COMPONENT, field = %field, err = reason,
                "Invalid template; a plain-text fallback will be sent"
            );
        }
        for id in notifiers.ids() {
            self.metrics.begin_integration(&id.kind, &id.receiver);
        }
        Ok(Loaded {
            plan: Arc::new(Plan::new(parts)),
            notifiers,
            configured: Configured { text: shown.into(), config: Arc::new(parsed.config) },
            hash: hash(&bytes),
            receivers: receivers_used,
            inhibition_rules,
            template_faults: faults,
        })
    }

    fn matcher_mode(&self) -> MatcherMode {
        self.features.matchers
    }
}

/// A configuration file's bytes and the parsed configuration; relative paths are as written.
pub fn read(path: &Path, mode: MatcherMode) -> Result<(Vec<u8>, Parsed), String> {
    let bytes = std::fs::read(path).map_err(|error| format!("open {}: {error}", path.display()))?;
    let text = bellwether_config::decode(&bytes)
        .map_err(|error| format!("{} is {error}", path.display()))?;
    let parsed = bellwether_config::parse(&text, mode).map_err(|errors| errors.to_string())?;
    Ok((bytes, parsed))
}

/// What is left of a [`Loaded`] once its plan and notifiers have been passed on.
pub struct Applied {
    configured: Configured,
    hash: f64,
    receivers: usize,
    integrations: usize,
    inhibition_rules: usize,
}

impl Loaded {
    pub fn contents(&self) -> Contents {
        let config = &self.configured.config;
        Contents {
            inhibit_rules: config.inhibit_rules.len(),
            receivers: config.receivers.len(),
            templates: config.templates.len(),
            template_faults: self.template_faults,
        }
    }

    /// Splits off what takes effect.
    pub fn apply(self) -> (Arc<Plan>, Notifiers, Applied) {
        let Loaded {
            plan,
            notifiers,
            configured,
            hash,
            receivers,
            inhibition_rules,
            template_faults: _,
        } = self;
        let integrations = notifiers.count();
        let applied = Applied { configured, hash, receivers, integrations, inhibition_rules };
        (plan, notifiers, applied)
    }
}

fn log_timing_warning(warning: &TimingWarning) {
    let TimingWarning { what, receiver, repeat_interval, compared_with } = warning;
    let repeat_interval = go_text(*repeat_interval);
    let compared_with = go_text(*compared_with);
    match what {
        TimingWarningKind::RepeatAboveRetention => {
            warn!(
                component = COMPONENT,
                repeat_interval,
                retention = compared_with,
                receiver,
                "repeat_interval is greater than the data retention period. It can lead to notifications being repeated more often than expected."
            );
        }
        TimingWarningKind::RepeatBelowGroupInterval => {
            warn!(
                component = COMPONENT,
                repeat_interval,
                group_interval = compared_with,
                receiver,
                "repeat_interval is less than group_interval. Notifications will not repeat until the next group_interval."
            );
        }
    }
}

fn go_text(duration: Duration) -> String {
    bellwether_model::duration::format_go(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
}

/// The first 48 bits of the file's MD5, as a number: what the metric has always shown.
fn hash(bytes: &[u8]) -> f64 {
    let digest = Md5::digest(bytes);
    digest[..6].iter().rev().fold(0.0, |number, byte| number * 256.0 + f64::from(*byte))
}

const COMPONENT: &str = "configuration";

#[cfg(test)]
mod tests;
