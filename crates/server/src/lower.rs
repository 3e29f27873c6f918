//! Compiles the configuration into what the engine and the courier use.
//!
//! In: a checked [`Config`]. Out: the engine's [`PlanParts`] and the [`Notifiers`] of every receiver
//! that a route uses, or why this build does not support it. Everything that can fail happens
//! here, before anything that runs is changed.
//!
//! What this build cannot do is rejected: a configuration must not be accepted and then fail to
//! notify.

mod template_files;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bellwether_config::{Config, GroupBy, InhibitRule, NamedIntervals, Receiver, Route};
use bellwether_courier::{Client, Dials};
use bellwether_engine as engine;
use bellwether_engine::PlanParts;
use bellwether_integrations::http::HttpConfig;
use bellwether_integrations::templates::ReadYaml;
use bellwether_integrations::{Integration, IntegrationConfig, Kind, TemplateFault, Templates};
use bellwether_model::{IntegrationId, LabelSet, Matchers};

use crate::attempts::{IntegrationNotifier, Notifiers};
use crate::receivers::ReceiverSettings;

/// What a configuration becomes.
pub struct Lowered {
    pub parts: PlanParts,
    pub notifiers: Notifiers,
    /// Receivers that a route uses.
    pub receivers_used: usize,
    /// Names of receivers that no route uses; they are not built.
    pub receivers_skipped: Vec<String>,
    /// Invalid templates: a plain-text fallback is sent in their place.
    pub template_faults: Vec<TemplateFault>,
    /// Timings that probably do not have the intended effect.
    pub timing_warnings: Vec<TimingWarning>,
}

/// A route whose repeat interval does not fit the other times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimingWarning {
    pub what: TimingWarningKind,
    pub receiver: String,
    pub repeat_interval: Duration,
    pub compared_with: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimingWarningKind {
    RepeatAboveRetention,
    RepeatBelowGroupInterval,
}

/// Compiles a configuration. Reads the certificates that it names.
///
/// # Errors
/// With a text for the operator, which names the receiver.
pub fn lower(
    config: &Config,
    external_url: &str,
    retention: Duration,
    settings: &ReceiverSettings,
) -> Result<Lowered, String> {
    let Config {
        // The rest of it has been merged into the integrations.
        global,
        route,
        inhibit_rules,
        receivers,
        templates,
        mute_time_intervals,
        time_intervals,
        tracing,
        // Compat: without its feature the recorder is checked and ignored.
        event_recorder: _,
    } = config;
    if tracing.is_some() {
        return Err("tracing: this build cannot send traces; remove the block".into());
    }
    let root = lower_route(route, &inherited_by_root(route));
    let mut used = BTreeSet::new();
    let mut timing_warnings = Vec::new();
    walk(&root, &mut |spec| {
        used.insert(Arc::clone(&spec.receiver));
        check_timing(spec, retention, &mut timing_warnings);
    });
    let mut route_labels = BTreeSet::new();
    walk(&root, &mut |spec| {
        route_labels.extend(spec.labels.iter().map(|(_, value)| value.to_owned()));
    });
    let BuiltReceivers { built, template_faults } =
        build_receivers(receivers, templates, external_url, &used, &route_labels, settings)?;
    let mut notifiers = Notifiers::default();
    for (id, notifier) in built {
        notifiers.insert(id, Arc::new(notifier));
    }
    let skipped = receivers.iter().filter(|receiver| !used.contains(receiver.name.as_str()));
    Ok(Lowered {
        receivers_used: used.len(),
        receivers_skipped: skipped.map(|receiver| receiver.name.clone()).collect(),
        template_faults,
        timing_warnings,
        notifiers,
        parts: PlanParts {
            route: root,
            receivers: receivers.iter().map(lower_receiver).collect(),
            inhibit_rules: inhibit_rules.iter().map(lower_inhibit_rule).collect(),
            intervals: lower_intervals(mute_time_intervals.iter().chain(time_intervals)),
            resolve_timeout: global.resolve_timeout,
        },
    })
}

/// The notifiers of one receiver, in the order in which they are notified, whether a route uses it
/// or not. Reads the files that the configuration names.
///
/// # Errors
/// As [`lower`].
pub fn lower_alone(
    config: &Config,
    external_url: &str,
    receiver: &str,
    settings: &ReceiverSettings,
) -> Result<Vec<(IntegrationId, IntegrationNotifier)>, String> {
    let Config { receivers, templates, .. } = config;
    let only = BTreeSet::from([Arc::from(receiver)]);
    // Invalid templates are reported again when they are rendered.
    let labels = BTreeSet::new();
    let receivers = build_receivers(receivers, templates, external_url, &only, &labels, settings)?;
    Ok(receivers.built)
}

/// The notifiers of the receivers, and their invalid templates.
struct BuiltReceivers {
    built: Vec<(IntegrationId, IntegrationNotifier)>,
    template_faults: Vec<TemplateFault>,
}

/// Those of the receivers `used`.
fn build_receivers(
    receivers: &[Receiver],
    templates: &[String],
    external_url: &str,
    used: &BTreeSet<Arc<str>>,
    route_labels: &BTreeSet<String>,
    settings: &ReceiverSettings,
) -> Result<BuiltReceivers, String> {
    let files = template_files::read(templates)?;
    let files = files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    let mut templates =
        Templates::load(external_url, ReadYaml(bellwether_config::read_value), files)
            .map_err(|error| format!("failed to parse templates: {error}"))?;
    let built = build_integrations(receivers, used, &mut templates, settings)?;
    let (definitions, template_faults) = templates.finish(route_labels.iter().map(String::as_str));
    let definitions = Arc::new(definitions.with_mentions(settings.mentions));
    let notifiers = built.into_iter().map(|(id, integration, client)| {
        let (definitions, integration) = (Arc::clone(&definitions), Arc::from(integration));
        let rendering = settings.rendering.clone();
        (id.clone(), IntegrationNotifier { id, integration, definitions, client, rendering })
    });
    Ok(BuiltReceivers { built: notifiers.collect(), template_faults })
}

/// What the root inherits: the defaults of the format.
fn inherited_by_root(root: &Route) -> engine::RouteSpec {
    engine::RouteSpec {
        receiver: root.receiver.as_str().into(),
        group_by: engine::GroupBy::Labels(BTreeSet::new()),
        matchers: Matchers::default(),
        continues: false,
        timing: engine::Timing {
            group_wait: Duration::from_secs(30),
            group_interval: Duration::from_secs(5 * 60),
            repeat_interval: Duration::from_secs(4 * 3600),
        },
        mute_intervals: Vec::new(),
        active_intervals: Vec::new(),
        labels: LabelSet::default(),
        routes: Vec::new(),
    }
}

fn lower_route(route: &Route, parent: &engine::RouteSpec) -> engine::RouteSpec {
    let Route {
        receiver,
        group_by,
        match_equal: _,
        match_re: _,
        matchers: _,
        mute_time_intervals,
        active_time_intervals,
        continue_matching,
        routes,
        group_wait,
        group_interval,
        repeat_interval,
        labels,
    } = route;
    let own = labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let mut spec = engine::RouteSpec {
        receiver: if receiver.is_empty() {
            Arc::clone(&parent.receiver)
        } else {
            receiver.as_str().into()
        },
        group_by: match group_by {
            None => parent.group_by.clone(),
            Some(GroupBy::All) => engine::GroupBy::AllLabels,
            Some(GroupBy::Labels(names)) => {
                engine::GroupBy::Labels(names.iter().cloned().collect())
            }
        },
        matchers: route.matchers_combined(),
        continues: *continue_matching,
        timing: engine::Timing {
            group_wait: group_wait.unwrap_or(parent.timing.group_wait),
            group_interval: group_interval.unwrap_or(parent.timing.group_interval),
            repeat_interval: repeat_interval.unwrap_or(parent.timing.repeat_interval),
        },
        mute_intervals: shared(mute_time_intervals),
        active_intervals: shared(active_time_intervals),
        labels: LabelSet::new(parent.labels.iter().chain(own)),
        routes: Vec::new(),
    };
    spec.routes = routes.iter().map(|child| lower_route(child, &spec)).collect();
    spec
}

fn shared(names: &[String]) -> Vec<Arc<str>> {
    names.iter().map(|name| name.as_str().into()).collect()
}

fn walk(route: &engine::RouteSpec, visit: &mut impl FnMut(&engine::RouteSpec)) {
    visit(route);
    for child in &route.routes {
        walk(child, visit);
    }
}

fn check_timing(
    route: &engine::RouteSpec,
    retention: Duration,
    timing_warnings: &mut Vec<TimingWarning>,
) {
    let engine::Timing { group_wait: _, group_interval, repeat_interval } = route.timing;
    let mut add = |what, compared_with| {
        let receiver = route.receiver.to_string();
        timing_warnings.push(TimingWarning { what, receiver, repeat_interval, compared_with });
    };
    if repeat_interval > retention {
        add(TimingWarningKind::RepeatAboveRetention, retention);
    }
    if repeat_interval < group_interval {
        add(TimingWarningKind::RepeatBelowGroupInterval, group_interval);
    }
}

fn lower_receiver(receiver: &Receiver) -> engine::Receiver {
    let labels = receiver.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let integrations = receiver.indexed().map(|(index, config)| engine::Integration {
        id: integration_id(receiver, config, index),
        send_resolved: config.send_resolved(),
    });
    engine::Receiver {
        name: receiver.name.as_str().into(),
        labels: LabelSet::new(labels),
        integrations: integrations.collect(),
    }
}

fn lower_inhibit_rule(rule: &InhibitRule) -> engine::InhibitRule {
    let InhibitRule {
        name,
        source_match: _,
        source_match_re: _,
        source_matchers: _,
        target_match: _,
        target_match_re: _,
        target_matchers: _,
        equal,
    } = rule;
    engine::InhibitRule {
        name: name.clone(),
        source: rule.source_combined(),
        target: rule.target_combined(),
        equal: equal.clone(),
    }
}

fn lower_intervals<'a>(
    named: impl Iterator<Item = &'a NamedIntervals>,
) -> BTreeMap<Arc<str>, Vec<bellwether_model::TimeInterval>> {
    named
        .map(|NamedIntervals { name, time_intervals }| {
            (Arc::from(name.as_str()), time_intervals.clone())
        })
        .collect()
}

type BuiltIntegration = (IntegrationId, Box<dyn Integration>, Arc<Client>);

fn build_integrations(
    receivers: &[Receiver],
    used: &BTreeSet<Arc<str>>,
    templates: &mut Templates,
    settings: &ReceiverSettings,
) -> Result<Vec<BuiltIntegration>, String> {
    let mut all = Vec::new();
    let mut clients = Clients::default();
    let host_name = host_name();
    for receiver in receivers.iter().filter(|receiver| used.contains(receiver.name.as_str())) {
        for (index, config) in receiver.indexed() {
            let integration = config.build(&host_name, templates);
            let built = integration
                .map_err(|error| error.to_string())
                .and_then(|integration| Ok((integration, clients.build(config, settings)?)));
            let (integration, client) = built.map_err(|reason| {
                let key = config.kind().config_key();
                format!("receiver {:?}, {key}[{index}]: {reason}", receiver.name)
            })?;
            let id = integration_id(receiver, config, index);
            all.push((id, integration, client));
        }
    }
    Ok(all)
}

/// Clients by kind and configuration, so that integrations with equal ones share connections.
#[derive(Default)]
struct Clients(Vec<(Kind, HttpConfig, Arc<Client>)>);

impl Clients {
    fn build(
        &mut self,
        config: &IntegrationConfig,
        settings: &ReceiverSettings,
    ) -> Result<Arc<Client>, String> {
        let (kind, own) = (config.kind(), config.http_config());
        let config = own.cloned().unwrap_or_default();
        let held = self.0.iter().find(|(of, held, _)| *of == kind && *held == config);
        if let Some((_, _, client)) = held {
            return Ok(Arc::clone(client));
        }
        let dials = match own {
            Some(_) => Dials::new(kind.name(), Arc::clone(&settings.dials)),
            None => Dials::default(),
        };
        let client = Client::build(&config, &settings.network, &dials);
        let client = Arc::new(client.map_err(|error| format!("http_config: {error}"))?);
        self.0.push((kind, config, Arc::clone(&client)));
        Ok(client)
    }
}

fn integration_id(receiver: &Receiver, config: &IntegrationConfig, index: u32) -> IntegrationId {
    let kind = config.kind().name().into();
    IntegrationId { receiver: receiver.name.as_str().into(), kind, index }
}

/// The name of this machine; empty if it has none.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}

#[cfg(test)]
mod tests;
