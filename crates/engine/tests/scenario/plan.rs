//! Plans as text: how a scenario writes down what an operator would configure.
//!
//! ```text
//! route receiver=team group_by=alertname group_wait=30s
//!   {severity=page} receiver=pager continue mute=nights
//! receiver team: webhook, email send_resolved=false
//! inhibit {severity=critical} => {severity=warning} equal cluster
//! interval nights 22:00-24:00 weekdays=monday:friday location=Europe/Berlin
//! resolve_timeout 5m
//! ```
//!
//! Children of a route stand below it, two spaces further in, and inherit what they do not say.
//! Receivers that are not described have one webhook.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bellwether_engine::{
    GroupBy, InhibitRule, Integration, Plan, PlanParts, Receiver, RouteSpec, Timing,
};
use bellwether_model::interval::{Location, TimeRange, WeekdayRange};
use bellwether_model::matcher::parse_matchers;
use bellwether_model::{IntegrationId, LabelSet, Matcher, MatcherMode, Matchers, TimeInterval};

pub fn parse_plan(text: &str) -> Arc<Plan> {
    let mut parts = PlanParts {
        route: default_route(),
        receivers: Vec::new(),
        inhibit_rules: Vec::new(),
        intervals: BTreeMap::new(),
        resolve_timeout: Duration::from_secs(300),
    };
    let mut open: Vec<usize> = Vec::new();
    for line in text.lines() {
        let depth = (line.len() - line.trim_start().len()) / 2;
        let (word, rest) = line.trim().split_once(" ").unwrap_or((line.trim(), ""));
        match word {
            "route" => read_route(&mut parts.route, rest),
            "receiver" => parts.receivers.push(receiver(rest)),
            "inhibit" => parts.inhibit_rules.push(inhibit_rule(rest)),
            "interval" => read_interval(&mut parts.intervals, rest),
            "resolve_timeout" => parts.resolve_timeout = duration(rest),
            _ => {
                assert!(depth > 0, "unknown line in a plan: {line}");
                open.truncate(depth - 1);
                let mut parent = &mut parts.route;
                for at in &open {
                    parent = &mut parent.routes[*at];
                }
                let mut child = RouteSpec {
                    matchers: Matchers::default(),
                    continues: false,
                    mute_intervals: Vec::new(),
                    active_intervals: Vec::new(),
                    routes: Vec::new(),
                    ..parent.clone()
                };
                read_route(&mut child, line.trim());
                open.push(parent.routes.len());
                parent.routes.push(child);
            }
        }
    }
    add_named_receivers(&parts.route, &mut parts.receivers);
    Arc::new(Plan::new(parts))
}

pub fn matchers(text: &str) -> Vec<Matcher> {
    parse_matchers(text, MatcherMode::Utf8).expect("matchers in a scenario are valid").value
}

pub fn duration(text: &str) -> Duration {
    bellwether_model::duration::parse_prometheus(text).expect("a duration in a scenario is valid")
}

/// `{a=b} rest`, or only `rest`.
pub fn split_braces(text: &str) -> (Option<&str>, &str) {
    match text.find('}') {
        Some(end) if text.starts_with('{') => (Some(&text[..=end]), text[end + 1..].trim()),
        _ => (None, text),
    }
}

fn default_route() -> RouteSpec {
    RouteSpec {
        receiver: "team".into(),
        group_by: GroupBy::Labels(BTreeSet::new()),
        matchers: Matchers::default(),
        continues: false,
        timing: Timing {
            group_wait: Duration::from_secs(30),
            group_interval: Duration::from_secs(300),
            repeat_interval: Duration::from_secs(4 * 3600),
        },
        mute_intervals: Vec::new(),
        active_intervals: Vec::new(),
        labels: LabelSet::default(),
        routes: Vec::new(),
    }
}

fn read_route(route: &mut RouteSpec, text: &str) {
    let (braces, rest) = split_braces(text);
    if let Some(braces) = braces {
        route.matchers = Matchers::new(matchers(braces));
    }
    for word in rest.split_whitespace() {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        let names = || value.split(',').map(Arc::from).collect::<Vec<Arc<str>>>();
        match name {
            "receiver" => route.receiver = value.into(),
            "group_by" if value == "..." => route.group_by = GroupBy::AllLabels,
            "group_by" => {
                route.group_by = GroupBy::Labels(value.split(',').map(str::to_owned).collect());
            }
            "group_wait" => route.timing.group_wait = duration(value),
            "group_interval" => route.timing.group_interval = duration(value),
            "repeat_interval" => route.timing.repeat_interval = duration(value),
            "continue" => route.continues = true,
            "mute" => route.mute_intervals = names(),
            "active" => route.active_intervals = names(),
            _ => panic!("unknown word in a route: {word}"),
        }
    }
}

/// `team: webhook, email send_resolved=false`
fn receiver(text: &str) -> Receiver {
    let (name, list) = text.split_once(':').expect("a receiver has a colon");
    let name: Arc<str> = name.into();
    let mut integrations: Vec<Integration> = Vec::new();
    for item in list.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        let (kind, option) = item.split_once(' ').unwrap_or((item, ""));
        let index = integrations.iter().filter(|other| *other.id.kind == *kind).count() as u32;
        let id = IntegrationId { receiver: name.clone(), kind: kind.into(), index };
        integrations.push(Integration { id, send_resolved: option != "send_resolved=false" });
    }
    Receiver { labels: LabelSet::new([("name", &*name)]), name, integrations }
}

fn add_named_receivers(route: &RouteSpec, receivers: &mut Vec<Receiver>) {
    if !receivers.iter().any(|receiver| receiver.name == route.receiver) {
        receivers.push(receiver(&format!("{}: webhook", route.receiver)));
    }
    for child in &route.routes {
        add_named_receivers(child, receivers);
    }
}

/// `{source} => {target} equal a,b`
fn inhibit_rule(text: &str) -> InhibitRule {
    let (source, rest) = text.split_once("=>").expect("an inhibit rule has =>");
    let (target, rest) = split_braces(rest.trim());
    let equal = rest.strip_prefix("equal ").unwrap_or_default();
    InhibitRule {
        name: String::new(),
        source: Matchers::new(matchers(source.trim())),
        target: Matchers::new(matchers(target.expect("an inhibit rule has a target"))),
        equal: equal.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
    }
}

/// `nights 22:00-24:00,00:00-06:00 weekdays=monday:friday location=Europe/Berlin`
fn read_interval(intervals: &mut BTreeMap<Arc<str>, Vec<TimeInterval>>, text: &str) {
    let (name, rest) = text.split_once(' ').expect("an interval has a name");
    let mut interval = TimeInterval::default();
    for word in rest.split_whitespace() {
        if let Some(days) = word.strip_prefix("weekdays=") {
            let range = |text| WeekdayRange::parse(text).expect("valid weekdays");
            interval.weekdays = Some(days.split(',').map(range).collect());
        } else if let Some(zone) = word.strip_prefix("location=") {
            interval.location = Location::parse(zone).expect("a known zone");
        } else {
            let range = |text: &str| {
                let (start, end) = text.split_once('-').expect("a time range has a dash");
                TimeRange::parse(start, end).expect("a valid time range")
            };
            interval.times = Some(word.split(',').map(range).collect());
        }
    }
    intervals.entry(name.into()).or_default().push(interval);
}
