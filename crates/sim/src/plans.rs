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
pub const INTERVAL_MAX: Duration = Duration::from_secs(180);
pub const REPEAT: Duration = Duration::from_secs(20 * 60);

/// Which of the configurations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    Base,
    /// Groups are looked at less often.
    Slower,
    /// What concerns the team `db` is muted.
    Muted,
    /// The team `db` has no route of its own.
    Merged,
}

pub const VARIANTS: [Variant; 4] =
    [Variant::Base, Variant::Slower, Variant::Muted, Variant::Merged];

pub fn plan(variant: Variant) -> Arc<Plan> {
    let interval = if variant == Variant::Slower { 120 } else { 60 };
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

/// Whether nothing is told about alerts with these labels as long as this plan stands.
pub fn is_muted(variant: Variant, labels: &LabelSet) -> bool {
    variant == Variant::Muted && labels.value("team") == "db"
}

pub fn equal(name: &str, value: &str) -> Matchers {
    Matchers::new(vec![Matcher::new(name, Op::Equal, value).expect("no pattern")])
}

fn route(receiver: &str, name: &str, value: &str, interval_seconds: u64) -> RouteSpec {
    RouteSpec {
        receiver: receiver.into(),
        group_by: GroupBy::Labels(BTreeSet::from(["alertname".to_owned()])),
        matchers: equal(name, value),
        continues: false,
        timing: Timing {
            group_wait: Duration::from_secs(10),
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
