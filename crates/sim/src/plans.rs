//! The configurations that operators switch between.
//!
//! All group by `alertname`, so that a group's key depends on its route alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bellwether_engine::{
    GroupBy, InhibitRule, Integration, Plan, PlanParts, Receiver, RouteSpec, Timing,
};
use bellwether_model::interval::TimeRange;
use bellwether_model::{IntegrationId, LabelSet, Matcher, Matchers, Op, TimeInterval};

pub const RESOLVE_TIMEOUT: Duration = Duration::from_secs(180);
/// The longest `group_interval` of any plan.
pub const INTERVAL_MAX: Duration = Duration::from_secs(60);
pub const REPEAT: Duration = Duration::from_secs(5 * 60);
pub const GROUP_WAIT: Duration = Duration::from_secs(10);

/// Which of the configurations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    Base,
    /// Groups are looked at less often.
    Slower,
    /// A time interval mutes the team `db`.
    Muted,
    /// The team `db` has no route of its own.
    Merged,
}

pub const VARIANTS: [Variant; 4] =
    [Variant::Base, Variant::Slower, Variant::Muted, Variant::Merged];

pub fn plan(variant: Variant) -> Arc<Plan> {
    let interval = if variant == Variant::Slower { 50 } else { 30 };
    let mut audit = route("audit", "host", "h1", interval);
    audit.continues = true;
    let mut db = route("db", "team", "db", INTERVAL_MAX.as_secs());
    if variant == Variant::Muted {
        db.mute_intervals = vec!["always".into()];
    }
    let mut routes = vec![audit, db];
    if variant == Variant::Merged {
        routes.pop();
    }
    let mut root = route("ops", "", "", interval);
    root.matchers = Matchers::default();
    root.routes = routes;
    build(root)
}

/// The labels of every alert that there can be: names, hosts, severities and teams.
pub fn all_labels() -> Vec<LabelSet> {
    let mut all = Vec::new();
    for name in ["A", "B", "C"] {
        for host in HOSTS {
            let team = if name == "C" { "db" } else { "web" };
            let severity = if name == "B" { "critical" } else { "warning" };
            let pairs =
                [("alertname", name), ("host", host), ("severity", severity), ("team", team)];
            all.push(LabelSet::new(pairs));
        }
    }
    all
}

pub const HOSTS: [&str; 3] = ["h1", "h2", "h3"];

/// Whether this plan mutes alerts with these labels.
pub fn is_muted(variant: Variant, labels: &LabelSet) -> bool {
    variant == Variant::Muted && labels.value("team") == "db"
}

pub fn equal(name: &str, value: &str) -> Matchers {
    Matchers::new(vec![Matcher::new(name, Op::Equal, value).expect("no pattern")])
}

/// The receivers and rules are always the same.
fn build(root: RouteSpec) -> Arc<Plan> {
    let always = TimeRange::parse("00:00", "24:00").expect("a valid range");
    let always = TimeInterval { times: Some(vec![always]), ..TimeInterval::default() };
    Arc::new(Plan::new(PlanParts {
        route: root,
        receivers: vec![
            receiver("ops", &[("webhook", true), ("email", false)]),
            receiver("audit", &[("webhook", true)]),
            receiver("db", &[("webhook", true), ("webhook", true)]),
        ],
        inhibit_rules: vec![InhibitRule {
            name: String::new(),
            source: equal("severity", "critical"),
            target: equal("severity", "warning"),
            equal: vec!["host".to_owned()],
        }],
        intervals: BTreeMap::from([(Arc::from("always"), vec![always])]),
        resolve_timeout: RESOLVE_TIMEOUT,
    }))
}

fn route(receiver: &str, name: &str, value: &str, interval_seconds: u64) -> RouteSpec {
    RouteSpec {
        receiver: receiver.into(),
        group_by: GroupBy::Labels(BTreeSet::from(["alertname".to_owned()])),
        matchers: equal(name, value),
        continues: false,
        timing: Timing {
            group_wait: GROUP_WAIT,
            group_interval: Duration::from_secs(interval_seconds),
            repeat_interval: REPEAT,
        },
        mute_intervals: Vec::new(),
        active_intervals: Vec::new(),
        labels: LabelSet::default(),
        routes: Vec::new(),
    }
}

fn receiver(name: &str, kinds: &[(&str, bool)]) -> Receiver {
    let mut integrations: Vec<Integration> = Vec::new();
    for (kind, send_resolved) in kinds {
        let index = integrations.iter().filter(|other| *other.id.kind == **kind).count() as u32;
        let id = IntegrationId { receiver: name.into(), kind: (*kind).into(), index };
        integrations.push(Integration { id, send_resolved: *send_resolved });
    }
    Receiver { name: name.into(), labels: LabelSet::new([("name", name)]), integrations }
}
