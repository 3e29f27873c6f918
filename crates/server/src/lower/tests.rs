use std::collections::BTreeSet;
use std::time::Duration;

use bellwether_engine::{GroupBy, Timing};
use bellwether_integrations::Kind;
use bellwether_model::MatcherMode;

use super::{Lowered, TimingWarningKind, lower};
use crate::features::Features;
use crate::metrics::Metrics;
use crate::receivers::ReceiverSettings;

const RETENTION: Duration = Duration::from_secs(120 * 3600);

fn lowered(yaml: &str) -> Result<Lowered, String> {
    let parsed = bellwether_config::parse(yaml, MatcherMode::Fallback).unwrap();
    let settings = ReceiverSettings::usual(Metrics::new(Features::default()).into());
    lower(&parsed.config, "http://am.example", RETENTION, &settings)
}

fn check_refused(yaml: &str, expected: &str) {
    match lowered(yaml) {
        Err(reason) => assert_eq!(reason, expected),
        Ok(_) => panic!("accepted: {yaml}"),
    }
}

const TREE: &str = r#"
global: {resolve_timeout: 7m}
route:
  receiver: team
  group_by: [alertname]
  group_wait: 10s
  labels: {tier: one, area: here}
  routes:
  - match: {severity: page}
    match_re: {owner: a|b}
    matchers: ['env="prod"']
    continue: true
    group_by: ['...']
    repeat_interval: 1m
    labels: {tier: two}
    routes:
    - receiver: other
      group_by: []
      mute_time_intervals: [nights]
      active_time_intervals: [days]
  - receiver: team
receivers:
- name: other
  webhook_configs: [{url: 'http://127.0.0.1:1/', send_resolved: false}]
- name: team
  labels: {area: core}
  webhook_configs: [{url: 'http://127.0.0.1:1/'}, {url_file: /somewhere}]
- name: unused
  discord_configs: [{webhook_url: 'http://127.0.0.1:1/'}]
inhibit_rules:
- name: rule
  source_match: {a: b}
  target_matchers: [c="d"]
  equal: [e]
mute_time_intervals: [{name: nights, time_intervals: [{years: ['2024']}]}]
time_intervals: [{name: days, time_intervals: [{years: ['2025']}]}]
"#;

#[test]
fn child_routes_inherit_what_they_do_not_set() {
    let lowered = lowered(TREE).unwrap();
    let root = &lowered.parts.route;
    assert_eq!(root.group_by, GroupBy::Labels(BTreeSet::from(["alertname".into()])));
    assert_eq!(
        root.timing,
        Timing {
            group_wait: Duration::from_secs(10),
            group_interval: Duration::from_secs(300),
            repeat_interval: Duration::from_secs(4 * 3600),
        }
    );
    let child = &root.routes[0];
    assert_eq!(&*child.receiver, "team");
    assert_eq!(child.group_by, GroupBy::AllLabels);
    assert_eq!(child.matchers.to_string(), "{env=\"prod\",owner=~\"^(?:a|b)$\",severity=\"page\"}");
    assert!(child.continues);
    assert_eq!(child.timing.group_wait, Duration::from_secs(10));
    assert_eq!(child.timing.repeat_interval, Duration::from_secs(60));
    assert_eq!(child.labels.to_string(), "{area=\"here\", tier=\"two\"}");
    let grandchild = &child.routes[0];
    assert_eq!(&*grandchild.receiver, "other");
    assert_eq!(grandchild.group_by, GroupBy::Labels(BTreeSet::new()));
    assert!(!grandchild.continues && grandchild.matchers.is_empty());
    assert_eq!(grandchild.mute_intervals, ["nights".into()]);
    assert_eq!(grandchild.active_intervals, ["days".into()]);
    assert!(child.mute_intervals.is_empty());
    assert_eq!(root.routes[1].group_by, root.group_by);
}

#[test]
fn receivers_rules_and_intervals_are_carried_over() {
    let lowered = lowered(TREE).unwrap();
    assert_eq!(lowered.parts.resolve_timeout, Duration::from_secs(7 * 60));
    let receivers = &lowered.parts.receivers;
    let names: Vec<&str> = receivers.iter().map(|receiver| &*receiver.name).collect();
    assert_eq!(names, ["other", "team", "unused"]);
    assert_eq!(receivers[1].labels.to_string(), "{area=\"core\", name=\"team\"}");
    assert!(!receivers[0].integrations[0].send_resolved);
    let built: Vec<String> = lowered.notifiers.ids().map(ToString::to_string).collect();
    assert_eq!(built, ["other/webhook[0]", "team/webhook[0]", "team/webhook[1]"]);
    assert_eq!((lowered.receivers_used, lowered.receivers_skipped), (2, vec!["unused".into()]));
    let rule = &lowered.parts.inhibit_rules[0];
    assert_eq!((rule.name.as_str(), rule.equal.as_slice()), ("rule", ["e".to_string()].as_slice()));
    assert_eq!(rule.source.to_string(), "{a=\"b\"}");
    let intervals: Vec<&str> = lowered.parts.intervals.keys().map(|name| &**name).collect();
    assert_eq!(intervals, ["days", "nights"]);
}

#[test]
fn doubtful_repeat_intervals_give_a_warning() {
    let timing_warnings = lowered(TREE).unwrap().timing_warnings;
    let kinds: Vec<TimingWarningKind> = timing_warnings.iter().map(|doubt| doubt.what).collect();
    assert_eq!(kinds, [TimingWarningKind::RepeatBelowGroupInterval; 2]);
    let yaml = "route: {receiver: a, repeat_interval: 10d}\nreceivers: [{name: a}]";
    assert_eq!(
        lowered(yaml).unwrap().timing_warnings[0].what,
        TimingWarningKind::RepeatAboveRetention
    );
}

#[test]
fn what_this_build_cannot_do_is_refused_by_name() {
    check_refused(
        "route: {receiver: a}\nreceivers: [{name: a}]\ntracing: {endpoint: 'localhost:4317'}",
        "tracing: this build cannot send traces; remove the block",
    );
    let missing = lowered(
        "route: {receiver: a}\nreceivers:\n- name: a\n  webhook_configs:\n  - url: \
         'https://127.0.0.1:1/'\n    http_config: {tls_config: {ca_file: /nowhere/ca.pem}}",
    );
    let reason = missing.err().unwrap();
    assert!(reason.starts_with("receiver \"a\", webhook_configs[0]: http_config: "), "{reason}");
    assert!(reason.contains("/nowhere/ca.pem"), "{reason}");
}

#[test]
fn every_kind_of_receiver_has_a_documented_example_that_is_accepted() {
    let text = include_str!("../../../../docs/receivers.md");
    let examples: Vec<&str> = text
        .split("```yaml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or_default())
        .collect();
    let mut kinds = BTreeSet::new();
    for example in examples {
        let lowered = lowered(&format!("route: {{receiver: team}}\n{example}"));
        let lowered = lowered.unwrap_or_else(|reason| panic!("{reason}\n{example}"));
        assert_eq!(lowered.notifiers.count(), 1, "{example}");
        assert_eq!(lowered.template_faults, [], "{example}");
        kinds.extend(lowered.notifiers.ids().map(|id| id.kind.to_string()));
    }
    assert_eq!(kinds, Kind::ALL.map(|kind| kind.name().to_owned()).into());
}

#[test]
fn end_to_end_test_of_secrets_covers_every_kind_of_receiver() {
    let config = include_str!("../../../../tests/e2e/secrets/config.yml");
    for kind in Kind::ALL {
        assert!(config.contains(&format!(" {}:", kind.config_key())), "{}", kind.name());
    }
}
