use std::time::Duration;

use bellwether_model::{Alert, LabelSet, Matchers, Mono, Now, Timestamp};

use super::{GroupState, Suppressed, first_due, next_flush};
use crate::plan::{GroupBy, RouteSpec, Timing};
use crate::route::{RouteIndex, Routes};

#[test]
fn flushes_keep_their_rhythm_unless_one_was_early_or_far_too_late() {
    let next = |due, now| next_flush(Mono(due), Duration::from_nanos(5), Mono(now)).0;
    assert_eq!(next(10, 10), 15);
    assert_eq!(next(10, 14), 15);
    assert_eq!(next(10, 15), 20);
    assert_eq!(next(10, 33), 38);
    assert_eq!(next(11, 10), 15);
}

#[test]
fn only_an_alert_older_than_group_wait_makes_its_group_due_at_once() {
    let spec = RouteSpec {
        receiver: "team".into(),
        group_by: GroupBy::Labels(Default::default()),
        matchers: Matchers::default(),
        continues: false,
        timing: Timing {
            group_wait: Duration::from_secs(30),
            group_interval: Duration::from_secs(60),
            repeat_interval: Duration::from_secs(3600),
        },
        mute_intervals: Vec::new(),
        active_intervals: Vec::new(),
        labels: LabelSet::default(),
        routes: Vec::new(),
    };
    let routes = Routes::compile(&spec);
    let route = routes.route(RouteIndex(0));
    let now = Now { wall: Timestamp::from_unix(1000, 0), mono: Mono(7) };
    let due = |starts_at: i64| {
        let labels = LabelSet::new([("alertname", "Disk")]);
        let alert = Alert {
            fingerprint: labels.fingerprint(),
            labels,
            annotations: LabelSet::default(),
            generator_url: "".into(),
            starts_at: Timestamp::from_unix(starts_at, 0),
            ends_at: Timestamp::MAX,
            updated_at: now.wall,
            timed_out: false,
            late_by_s: 0,
        };
        first_due(route, &alert, now)
    };
    let later = Mono(7).plus(Duration::from_secs(30));
    assert_eq!([due(969), due(970), due(1000)], [Mono(7), later, later]);
}

#[test]
fn suppressed_alerts_are_looked_at_no_later_than_asked() {
    let suppressed = Some(Suppressed { until: Mono(20), by: Default::default() });
    let mut state = GroupState { due: Mono(50), suppressed, open: None };
    assert_eq!(state.next(), Mono(20));
    assert!(!state.look_by(Mono(20)) && !state.look_by(Mono(30)));
    assert!(state.look_by(Mono(19)));
    assert_eq!(state.next(), Mono(19));
    state.due = Mono(18);
    assert_eq!(state.next(), Mono(18));
    state.suppressed = None;
    assert!(!state.look_by(Mono(1)));
    assert_eq!(state.next(), Mono(18));
}
