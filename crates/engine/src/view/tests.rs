use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bellwether_model::interval::TimeRange;
use bellwether_model::regex::Pattern;
use bellwether_model::{
    IntegrationId, LabelSet, Matcher, Matchers, Mono, NewAlert, Now, Op, TimeInterval, Timestamp,
};

use super::{AlertQuery, GroupQuery, ReceiverFilter, View};
use crate::{
    Effect, Engine, EngineSettings, GroupBy, InhibitRule, Input, Integration, Peer, PeerSettings,
    Plan, PlanParts, PostedSilence, Receiver, RefusedAlerts, RouteSpec, Ticket, Timing, Turn,
};

/// Half past noon on a Monday.
fn now() -> Timestamp {
    Timestamp::from_unix(1_767_616_200, 0)
}

fn matchers(name: &str, op: Op, value: &str) -> Matchers {
    Matchers(vec![Matcher::new(name, op, value).expect("a valid matcher")])
}

fn route(receiver: &str, matchers: Matchers) -> RouteSpec {
    RouteSpec {
        receiver: receiver.into(),
        group_by: GroupBy::Labels(BTreeSet::from(["alertname".to_owned()])),
        matchers,
        continues: false,
        timing: Timing {
            group_wait: Duration::ZERO,
            group_interval: Duration::from_secs(300),
            repeat_interval: Duration::from_secs(3600),
        },
        mute_intervals: Vec::new(),
        active_intervals: Vec::new(),
        labels: LabelSet::default(),
        routes: Vec::new(),
    }
}

fn receiver(name: &str, team: &str) -> Receiver {
    let id = IntegrationId { receiver: name.into(), kind: "webhook".into(), index: 0 };
    Receiver {
        name: name.into(),
        labels: LabelSet::new([("name", name), ("team", team)]),
        integrations: vec![Integration { id, send_resolved: true }],
    }
}

/// Silenced: host s. Inhibited: severity warning, while `Down` fires. Muted: the team night.
fn engine() -> Engine {
    let noon = TimeRange::parse("12:00", "13:00").expect("a valid range");
    let noon = TimeInterval { times: Some(vec![noon]), ..TimeInterval::default() };
    let dawn = TimeRange::parse("05:00", "06:00").expect("a valid range");
    let dawn = TimeInterval { times: Some(vec![dawn]), ..TimeInterval::default() };
    let twice = vec![noon.clone(), dawn.clone(), TimeInterval::default()];
    let mut root = route("root", Matchers::default());
    let mut audit = route("audit", matchers("audit", Op::Equal, "yes"));
    audit.continues = true;
    let mut night = route("night", matchers("team", Op::Equal, "night"));
    night.mute_intervals = vec!["noon".into()];
    let mut closed = route("night", matchers("team", Op::Equal, "closed"));
    closed.active_intervals = vec!["never".into(), "dawn".into()];
    closed.mute_intervals = vec!["dawn".into(), "twice".into(), "noon".into()];
    root.routes = vec![audit, night, closed];
    let plan = Plan::new(PlanParts {
        route: root,
        receivers: vec![receiver("root", "a"), receiver("audit", "b"), receiver("night", "b")],
        inhibit_rules: vec![InhibitRule {
            name: String::new(),
            source: matchers("alertname", Op::Equal, "Down"),
            target: matchers("severity", Op::Equal, "warning"),
            equal: Vec::new(),
        }],
        intervals: BTreeMap::from([
            (Arc::from("noon"), vec![noon]),
            (Arc::from("dawn"), vec![dawn]),
            (Arc::from("never"), Vec::new()),
            (Arc::from("twice"), twice),
        ]),
        resolve_timeout: Duration::from_secs(300),
    });
    Engine::new(Arc::new(plan), EngineSettings::default(), 1)
}

fn alert(text: &str, ends_at: Timestamp) -> NewAlert {
    let labels = LabelSet::new(text.split(' ').filter_map(|pair| pair.split_once('=')));
    NewAlert {
        fingerprint: labels.fingerprint(),
        labels,
        annotations: LabelSet::default(),
        generator_url: "".into(),
        starts_at: Some(now().minus(Duration::from_secs(60))),
        ends_at: Some(ends_at),
    }
}

/// An engine with alerts and a silence: its view, and the turn that its inputs left.
fn filled() -> (View, Turn) {
    let mut engine = engine();
    let mut turn = Turn::default();
    let clocks = Now { wall: now(), mono: Mono(0) };
    let silence = PostedSilence {
        id: None,
        matchers: matchers("host", Op::Equal, "s").0,
        starts_at: now(),
        ends_at: now().plus(Duration::from_secs(600)),
        created_by: String::new(),
        comment: String::new(),
        annotations: BTreeMap::new(),
    };
    engine.handle(clocks, Input::PostSilence { silence, ticket: Ticket(1) }, &mut turn);
    let later = now().plus(Duration::from_secs(240));
    let firing = [
        "alertname=Down host=d",
        "alertname=Plain host=a",
        "alertname=Plain host=b audit=yes",
        "alertname=Plain host=s",
        "alertname=Warned host=a severity=warning",
        "alertname=Night host=a team=night",
        "alertname=Both host=s severity=warning",
    ];
    let mut alerts: Vec<NewAlert> = firing.iter().map(|text| alert(text, later)).collect();
    alerts.push(alert("alertname=Ended host=a", now().minus(Duration::from_secs(1))));
    engine.handle(
        clocks,
        Input::Alerts { alerts, refused: RefusedAlerts::default(), ticket: Ticket(2) },
        &mut turn,
    );
    (engine.view(), turn)
}

fn listed(query: &AlertQuery) -> Vec<String> {
    let mut names = Vec::new();
    filled().0.each_alert(now(), query, |listed| {
        let labels = &listed.alert.labels;
        names.push(format!("{}/{}", labels.value("alertname"), labels.value("host")));
    });
    names.sort();
    names
}

fn check(query: AlertQuery, expected: &str) {
    assert_eq!(listed(&query).join(" "), expected, "{query:?}");
}

fn filter(name: &str, op: Op, value: &str) -> AlertQuery {
    AlertQuery { filters: matchers(name, op, value).0, ..AlertQuery::default() }
}

#[test]
fn filters_hold_together_and_empty_ones_ask_for_presence() {
    let everything = "Both/s Down/d Night/a Plain/a Plain/b Plain/s Warned/a";
    check(AlertQuery::default(), everything);
    check(filter("alertname", Op::Equal, "Plain"), "Plain/a Plain/b Plain/s");
    check(filter("alertname", Op::Matches, "P.*|D.*"), "Down/d Plain/a Plain/b Plain/s");
    check(filter("alertname", Op::Matches, "P"), "");
    check(filter("alertname", Op::NotEqual, "Plain"), "Both/s Down/d Night/a Warned/a");
    check(filter("severity", Op::Equal, ""), "Down/d Night/a Plain/a Plain/b Plain/s");
    check(filter("severity", Op::NotEqual, ""), "Both/s Warned/a");
    check(filter("severity", Op::Matches, ""), "Down/d Night/a Plain/a Plain/b Plain/s");
    check(filter("severity", Op::NotMatches, ""), "Both/s Warned/a");
    check(filter("severity", Op::NotEqual, "x"), everything);
    let mut both = filter("alertname", Op::Equal, "Plain");
    both.filters.extend(matchers("host", Op::Equal, "b").0);
    check(both, "Plain/b");
}

#[test]
fn states_leave_out_what_has_them() {
    let all = AlertQuery::default;
    check(AlertQuery { active: false, ..all() }, "Both/s Plain/s Warned/a");
    check(AlertQuery { silenced: false, ..all() }, "Down/d Night/a Plain/a Plain/b Warned/a");
    check(AlertQuery { inhibited: false, ..all() }, "Down/d Night/a Plain/a Plain/b Plain/s");
    let suppressed = AlertQuery { active: false, silenced: false, ..all() };
    check(AlertQuery { inhibited: false, ..suppressed.clone() }, "");
    check(suppressed, "Warned/a");
}

#[test]
fn receivers_are_chosen_by_name_and_labels_of_one_and_the_same() {
    let by = |name: Option<&str>, team: Option<&str>| AlertQuery {
        receivers: ReceiverFilter {
            name: name.map(|name| Pattern::anchored(name).expect("a valid pattern")),
            labels: team.map_or(Vec::new(), |team| matchers("team", Op::Equal, team).0),
        },
        ..AlertQuery::default()
    };
    check(by(Some("audit"), None), "Plain/b");
    check(by(Some("aud"), None), "");
    check(by(Some("aud.*|night"), None), "Night/a Plain/b");
    check(by(None, Some("b")), "Night/a Plain/b");
    check(by(Some("audit"), Some("a")), "");
}

#[test]
fn alerts_are_listed_by_fingerprint_with_their_receivers() {
    let mut fingerprints = Vec::new();
    filled().0.each_alert(now(), &AlertQuery::default(), |listed| {
        fingerprints.push(listed.alert.fingerprint);
        let receivers: Vec<&str> = listed.receivers.iter().map(|name| &**name).collect();
        let expected = match listed.alert.labels.value("alertname") {
            "Night" => vec!["night"],
            "Plain" if listed.alert.labels.get("audit").is_some() => vec!["audit"],
            _ => vec!["root"],
        };
        assert_eq!(receivers, expected, "{:?}", listed.alert.labels);
        assert!(listed.status.muted_by.is_empty(), "only groups know intervals");
    });
    assert_eq!(fingerprints.len(), 7);
    assert!(fingerprints.is_sorted());
}

#[test]
fn groups_are_in_order_and_show_what_mutes_them() {
    let describe = |query: &GroupQuery| -> Vec<String> {
        let groups = filled().0.groups(now(), query).collect::<Vec<_>>();
        let describe = |group: &super::ListedGroup| {
            let alerts: Vec<&str> =
                group.alerts.iter().map(|a| a.alert.labels.value("host")).collect();
            format!("{} {} {}", group.receiver, group.labels.value("alertname"), alerts.join(","))
        };
        groups.iter().map(describe).collect()
    };
    let all = [
        "root Both s",
        "root Down d",
        "night Night a",
        "audit Plain b",
        "root Plain a,s",
        "root Warned a",
    ];
    assert_eq!(describe(&GroupQuery::default()), all);
    let unmuted = GroupQuery { muted: false, ..GroupQuery::default() };
    assert_eq!(
        describe(&unmuted),
        all.map(|g| g).into_iter().filter(|g| !g.contains("Night")).collect::<Vec<_>>()
    );
    let night = filled().0.groups(now(), &GroupQuery::default()).nth(2).expect("a third group");
    assert_eq!(night.alerts[0].status.muted_by, [Arc::from("noon")]);
    assert!(night.alerts[0].status.is_suppressed());
}

#[test]
fn active_and_mute_intervals_are_named_together() {
    let mut engine = engine();
    let alerts = vec![alert("alertname=Closed team=closed", now().plus(Duration::from_secs(60)))];
    let input = Input::Alerts { alerts, refused: RefusedAlerts::default(), ticket: Ticket(1) };
    engine.handle(Now { wall: now(), mono: Mono(1) }, input, &mut Turn::default());
    let group = engine.view().groups(now(), &GroupQuery::default()).next().expect("a group");
    let names = ["never", "dawn", "twice", "twice", "noon"].map(Arc::from);
    assert_eq!(group.alerts[0].status.muted_by, names);
}

#[test]
fn a_flush_sends_exactly_what_a_reader_sees_as_active() {
    let (view, turn) = filled();
    let mut notified = BTreeSet::new();
    for effect in &turn.after {
        if let Effect::Attempt(attempt) = effect {
            notified.extend(attempt.notification().alerts.iter().map(|alert| alert.fingerprint));
        }
    }
    let groups = view.groups(now(), &GroupQuery::default()).collect::<Vec<_>>();
    let active: BTreeSet<_> = groups
        .iter()
        .flat_map(|group| &group.alerts)
        .filter(|alert| !alert.status.is_suppressed())
        .map(|alert| alert.alert.fingerprint)
        .collect();
    assert_eq!(notified, active);
    assert_eq!(notified.len(), 3, "Down, and two of Plain");
    let counts = view.alert_counts(now());
    assert_eq!((counts.active, counts.suppressed), (4, 3), "intervals do not count here");
}

#[test]
fn reading_changes_nothing_and_a_view_stays_as_it_was() {
    let mut engine = engine();
    let clocks = Now { wall: now(), mono: Mono(0) };
    let before = engine.view();
    let generation = engine.generation();
    let alerts = vec![alert("alertname=New host=a", now().plus(Duration::from_secs(60)))];
    let input = Input::Alerts { alerts, refused: RefusedAlerts::default(), ticket: Ticket(1) };
    engine.handle(clocks, input, &mut Turn::default());
    assert!(engine.generation() > generation);
    assert_eq!(before.alert_counts(now()).active, 0);
    let generation = engine.generation();
    assert_eq!(engine.view().alert_counts(now()).active, 1);
    assert_eq!(engine.view().group_count(), 1);
    assert_eq!(engine.generation(), generation);
}

#[test]
fn a_filter_for_presence_finds_a_label_without_a_value() {
    let labels = LabelSet::new([("host", "")]);
    let fits = |name, op| super::filter_fits(&matchers(name, op, "").0[0], &labels);
    for op in [Op::NotEqual, Op::NotMatches] {
        assert!(fits("host", op) && !fits("job", op), "{op:?}");
    }
    for op in [Op::Equal, Op::Matches] {
        assert!(fits("host", op) && fits("job", op), "{op:?}");
    }
}

#[test]
fn an_alert_is_shown_until_after_the_instant_of_its_end() {
    let ended = now().minus(Duration::from_secs(1));
    let (view, _) = filled();
    let groups = |now| view.groups(now, &GroupQuery::default()).count();
    let counts = |now| view.alert_counts(now).active + view.alert_counts(now).suppressed;
    assert_eq!((groups(ended), counts(ended)), (6 + 1, 7 + 1));
    let after = ended.plus(Duration::from_nanos(1));
    assert_eq!((groups(after), counts(after)), (6, 7));
}

#[test]
fn a_view_knows_the_receivers_of_labels_and_the_members_of_the_cluster() {
    let labels = LabelSet::new([("alertname", "X"), ("audit", "yes"), ("team", "night")]);
    let (view, _) = filled();
    let receivers = view.plan().receivers_of(&labels);
    assert_eq!(receivers, ["audit", "night"].map(Arc::from));
    assert_eq!(view.plan().receivers_of(&LabelSet::default()), ["root"].map(Arc::from));
    let all: Vec<&str> = view.plan().receivers().iter().map(|receiver| &*receiver.name).collect();
    assert_eq!(all, ["root", "audit", "night"]);
    assert_eq!(view.peers(), []);

    let peers = PeerSettings {
        name: "b".to_owned(),
        timeout: Duration::from_secs(15),
        corrects_clock: true,
        trusts_status: true,
    };
    let settings = EngineSettings { peers: Some(peers), ..EngineSettings::default() };
    let mut member = Engine::new(view.plan().clone(), settings, 1);
    let peers = ["c", "a"].map(|name| Peer {
        name: name.to_owned(),
        address: std::net::Ipv4Addr::LOCALHOST.into(),
        is_bellwether: true,
    });
    let clocks = Now { wall: now(), mono: Mono(0) };
    member.handle(clocks, Input::Peers(peers.to_vec()), &mut Turn::default());
    let view = member.view();
    let names: Vec<&str> = view.peers().iter().map(|peer| peer.name.as_str()).collect();
    assert_eq!(names, ["a", "c"]);
}

#[test]
fn plans_that_notify_others_have_another_hash() {
    let plan = |receiver: &str, send_resolved: bool| {
        let mut integration = self::receiver(receiver, "a");
        integration.integrations[0].send_resolved = send_resolved;
        Plan::new(PlanParts {
            route: route(receiver, Matchers::default()),
            receivers: vec![integration],
            inhibit_rules: Vec::new(),
            intervals: BTreeMap::new(),
            resolve_timeout: Duration::from_secs(300),
        })
    };
    let hash = |receiver, send_resolved| plan(receiver, send_resolved).keys_hash();
    assert_eq!(hash("a", true), hash("a", true));
    assert_ne!(hash("a", true), hash("b", true));
    assert_ne!(hash("a", true), hash("a", false));
}
