use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bellwether_model::{Alert, LabelSet, Matcher, Matchers, Op, Timestamp};
use proptest::prelude::*;

use super::Inhibition;
use crate::plan::{GroupBy, InhibitRule, Plan, PlanParts, RouteSpec, Timing};

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix(1_000_000, 0).plus(Duration::from_secs(seconds))
}

/// Each rule: the severities of source and target (any, if empty), and the labels that are equal.
fn plan(rules: &[(&str, &str, &[&str])]) -> Plan {
    let severity = |value: &str| match value {
        "" => Matchers::default(),
        _ => {
            let is = Matcher::new("severity", Op::Equal, value).expect("a valid matcher");
            Matchers::new(vec![is])
        }
    };
    let rule = |(source, target, equal): &(&str, &str, &[&str])| InhibitRule {
        name: String::new(),
        source: severity(source),
        target: severity(target),
        equal: equal.iter().map(|name| (*name).to_owned()).collect(),
    };
    Plan::new(PlanParts {
        route: RouteSpec {
            receiver: "team".into(),
            group_by: GroupBy::Labels(Default::default()),
            matchers: Matchers::default(),
            continues: false,
            timing: Timing {
                group_wait: Duration::ZERO,
                group_interval: Duration::from_secs(60),
                repeat_interval: Duration::from_secs(3600),
            },
            mute_intervals: Vec::new(),
            active_intervals: Vec::new(),
            labels: LabelSet::default(),
            routes: Vec::new(),
        },
        receivers: Vec::new(),
        inhibit_rules: rules.iter().map(rule).collect(),
        intervals: BTreeMap::new(),
        resolve_timeout: Duration::from_secs(300),
    })
}

fn alert(severity: &str, cluster: &str, ends_at: Timestamp, updated_at: Timestamp) -> Alert {
    let labels = [("severity", severity), ("cluster", cluster)];
    let labels = LabelSet::new(labels.into_iter().filter(|(_, value)| !value.is_empty()));
    Alert {
        fingerprint: labels.fingerprint(),
        labels,
        annotations: LabelSet::default(),
        generator_url: "".into(),
        starts_at: at(0),
        ends_at,
        updated_at,
        timed_out: false,
        late_by_s: 0,
    }
}

/// The rule as it is written, looking at every source: `sources` with the time until which each
/// fires or fired.
fn naive(plan: &Plan, sources: &[(Alert, Timestamp)], target: &LabelSet, since: Timestamp) -> bool {
    let inhibits = |rule: &InhibitRule, source: &LabelSet| {
        let two_sided = rule.source.matches(target) && rule.target.matches(source);
        rule.source.matches(source)
            && rule.target.matches(target)
            && !two_sided
            && rule.equal.iter().all(|name| source.value(name) == target.value(name))
    };
    let firing = || sources.iter().filter(|(_, until)| *until > since);
    plan.inhibit_rules().iter().any(|rule| firing().any(|(it, _)| inhibits(rule, &it.labels)))
}

const SEVERITIES: [&str; 4] = ["", "info", "warning", "critical"];
const CLUSTERS: [&str; 3] = ["", "x", "y"];

proptest! {
    #[test]
    fn the_index_agrees_with_a_look_at_every_source(
        rules in proptest::collection::vec((0..4usize, 0..4usize, any::<bool>()), 1..4),
        reports in proptest::collection::vec((0..4usize, 0..3usize, 0..60u64), 1..30),
    ) {
        let rules: Vec<(&str, &str, &[&str])> = rules
            .into_iter()
            .map(|(source, target, equal)| {
                let equal: &[&str] = if equal { &["cluster"] } else { &[] };
                (SEVERITIES[source], SEVERITIES[target], equal)
            })
            .collect();
        let plan = plan(&rules);
        let mut inhibition = Inhibition::new(&plan);
        let mut sources: Vec<(Alert, Timestamp)> = Vec::new();
        for (second, (severity, cluster, ends)) in reports.into_iter().enumerate() {
            let now = at(second as u64 + 20);
            // Some have ended on arrival.
            let reported = alert(SEVERITIES[severity], CLUSTERS[cluster], at(ends), now);
            inhibition.update(&plan, &reported, now);
            let known = sources.iter().position(|(it, _)| it.fingerprint == reported.fingerprint);
            match known {
                None if reported.resolved_at(now) => {}
                None => sources.push((reported, at(ends))),
                Some(known) if reported.resolved_at(now) => {
                    sources[known].1 = sources[known].1.min(now);
                }
                Some(known) => sources[known].1 = at(ends),
            }
            for since in [now, now.minus(Duration::from_secs(10))] {
                for target in SEVERITIES.iter().flat_map(|it| CLUSTERS.map(|cluster| (it, cluster))) {
                    let target = alert(target.0, target.1, at(100), now).labels;
                    let found = inhibition.index.inhibitor(&plan, &target, since);
                    prop_assert_eq!(found.is_some(), naive(&plan, &sources, &target, since));
                    if let Some((by, until)) = found {
                        let is_it = |(it, ends): &(Alert, Timestamp)| {
                            it.fingerprint == by && *ends == until
                        };
                        prop_assert!(sources.iter().any(is_it));
                    }
                }
            }
        }
        for (source, until) in &sources {
            prop_assert!(inhibition.fired_after(until.minus(Duration::from_nanos(1)), source.fingerprint) || !is_source(&plan, source));
            prop_assert!(!inhibition.fired_after(*until, source.fingerprint));
        }
        for (source, _) in &sources {
            inhibition.remove(&plan, source);
        }
        prop_assert!(inhibition.fires_until.is_empty());
        prop_assert!(inhibition.index.rules.iter().all(|rule| rule.by_equal.is_empty()));
    }
}

fn is_source(plan: &Plan, alert: &Alert) -> bool {
    plan.inhibit_rules().iter().any(|rule| rule.source.matches(&alert.labels))
}

#[test]
fn a_restored_source_fired_until_its_end_was_known() {
    let plan = plan(&[("critical", "warning", &[])]);
    let target = alert("warning", "", at(1000), at(0)).labels;
    let until = |inhibition: &Inhibition| {
        inhibition.index.inhibitor(&plan, &target, at(0)).map(|(_, until)| until)
    };
    let restored = |source: Alert| {
        let mut inhibition = Inhibition::new(&plan);
        inhibition.restore(&plan, [Arc::new(source)].iter());
        until(&inhibition)
    };
    // It fires; it ended by itself; its end was reported later.
    assert_eq!(restored(alert("critical", "", at(50), at(20))), Some(at(50)));
    assert_eq!(restored(alert("critical", "", at(30), at(20))), Some(at(30)));
    assert_eq!(restored(alert("critical", "", at(10), at(20))), Some(at(20)));
    assert_eq!(restored(alert("info", "", at(50), at(20))), None);

    // Under a new plan it keeps what was known, not what the last of several reports of its end says.
    let mut inhibition = Inhibition::new(&plan);
    inhibition.update(&plan, &alert("critical", "", at(50), at(10)), at(10));
    inhibition.update(&plan, &alert("critical", "", at(20), at(20)), at(20));
    let again = alert("critical", "", at(30), at(30));
    inhibition.update(&plan, &again, at(30));
    inhibition.restore(&plan, [Arc::new(again)].iter());
    assert_eq!(until(&inhibition), Some(at(20)));
}
