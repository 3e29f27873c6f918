use std::time::Duration;

use bellwether_model::{LabelSet, NewAlert, Timestamp};

use super::{Alerts, LabelBits, Refusal, Was};

const RESOLVE_TIMEOUT: Duration = Duration::from_secs(300);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(1_000_000 + seconds, 0)
}

fn alert(host: &str, starts_at: Option<i64>, ends_at: Option<i64>) -> NewAlert {
    let labels = LabelSet::new([("alertname", "Disk"), ("host", host)]);
    NewAlert {
        fingerprint: labels.fingerprint(),
        labels,
        annotations: LabelSet::default(),
        generator_url: "".into(),
        starts_at: starts_at.map(at),
        ends_at: ends_at.map(at),
    }
}

fn check_change(reports: &[(i64, Option<i64>, Option<i64>)], expected: Was) {
    let mut alerts = Alerts::new(0);
    let mut last = None;
    for (now, starts_at, ends_at) in reports {
        let change = alerts.report(alert("a", *starts_at, *ends_at), at(*now), RESOLVE_TIMEOUT);
        last = Some(change.expect("the report is valid").was);
    }
    assert_eq!(last, Some(expected), "{reports:?}");
}

#[test]
fn only_what_a_receiver_could_see_is_a_difference() {
    check_change(&[(0, Some(0), Some(60))], Was::New);
    check_change(&[(0, Some(0), Some(60)), (30, Some(0), Some(90))], Was::Repeated);
    check_change(&[(0, Some(0), None), (30, Some(0), None)], Was::Repeated);
    // It resolves, it is reported as resolved again, and it fires again.
    check_change(&[(0, Some(0), Some(60)), (30, Some(0), Some(30))], Was::Different);
    check_change(&[(60, Some(0), Some(30)), (90, Some(0), Some(30))], Was::Repeated);
    check_change(&[(60, Some(0), Some(30)), (90, Some(80), Some(150))], Was::Different);
    check_change(&[(30, Some(0), Some(30)), (60, Some(0), Some(30))], Was::Repeated);
    check_change(&[(60, Some(0), Some(30)), (90, Some(0), Some(150))], Was::Different);
    // It ended by itself meanwhile.
    check_change(&[(0, Some(0), Some(60)), (90, Some(0), Some(150))], Was::Different);
    // It started earlier than was known.
    check_change(&[(0, Some(0), Some(60)), (30, Some(-10), Some(90))], Was::Different);
}

#[test]
fn what_a_sender_leaves_out_is_filled_in() {
    let mut alerts = Alerts::new(0);
    let mut report = |starts_at, ends_at| {
        let new = alert(&format!("{starts_at:?}{ends_at:?}"), starts_at, ends_at);
        alerts.report(new, at(0), RESOLVE_TIMEOUT).expect("the report is valid").alert
    };
    let neither = report(None, None);
    assert_eq!((neither.starts_at, neither.ends_at), (at(0), at(300)));
    assert!(neither.timed_out);
    let end = report(None, Some(-60));
    assert_eq!((end.starts_at, end.ends_at, end.timed_out), (at(-60), at(-60), false));
    let start = report(Some(-60), None);
    assert_eq!((start.starts_at, start.ends_at, start.timed_out), (at(-60), at(300), true));
}

#[test]
fn an_end_before_the_start_is_refused_and_changes_nothing() {
    let mut alerts = Alerts::new(0);
    let refused = alerts.report(alert("a", Some(10), Some(5)), at(0), RESOLVE_TIMEOUT);
    assert_eq!(refused.map(|change| change.was), Err(Refusal::EndsBeforeStart));
    assert_eq!(alerts.iter().count(), 0);
}

#[test]
fn the_limit_per_name_counts_what_is_active_and_lets_known_ones_in() {
    let mut alerts = Alerts::new(2);
    let mut report = |host, now, ends_at| {
        let change = alerts.report(alert(host, Some(0), Some(ends_at)), at(now), RESOLVE_TIMEOUT);
        change.map(|change| change.was)
    };
    let too_many = || Err(Refusal::TooManyOfName { name: "Disk".into() });
    assert_eq!(report("a", 0, 60), Ok(Was::New));
    assert_eq!(report("b", 0, 100), Ok(Was::New));
    assert_eq!(report("c", 0, 100), too_many());
    assert_eq!(report("b", 10, 110), Ok(Was::Repeated));
    assert_eq!(report("c", 60, 100), Ok(Was::New), "a has ended and gives way");
    assert_eq!(report("d", 60, 100), too_many());
}

#[test]
fn only_resolved_alerts_that_no_group_holds_are_collected() {
    let mut alerts = Alerts::new(3);
    for host in ["held", "ended", "firing"] {
        let ends_at = if host == "firing" { 500 } else { 50 };
        let change = alerts.report(alert(host, Some(0), Some(ends_at)), at(0), RESOLVE_TIMEOUT);
        let change = change.expect("the report is valid");
        if host == "held" {
            alerts.add_holder(change.alert.fingerprint);
        }
    }
    let hosts = |gone: Vec<std::sync::Arc<bellwether_model::Alert>>| -> Vec<String> {
        gone.iter().map(|alert| alert.labels.value("host").to_owned()).collect()
    };
    assert_eq!(hosts(alerts.collect(at(100), 9, |_| false)), ["ended"]);
    alerts.remove_holder(alert("held", None, None).fingerprint);
    assert_eq!(hosts(alerts.collect(at(100), 9, |_| false)), ["held"]);
    assert_eq!(hosts(alerts.collect(at(100), 9, |_| false)), [""; 0]);
    assert_eq!(hosts(alerts.collect(at(500), 9, |_| false)), ["firing"]);
    assert!(alerts.ends_by_name.is_empty(), "nothing is left of what is gone");
}

#[test]
fn a_report_after_the_wall_clock_went_back_is_still_the_newer_one() {
    let mut alerts = Alerts::new(0);
    alerts.report(alert("a", Some(-9000), Some(240)), at(0), RESOLVE_TIMEOUT).expect("valid");
    let change = alerts.report(alert("a", Some(-9000), Some(-3600)), at(-3600), RESOLVE_TIMEOUT);
    let change = change.expect("the report is valid");
    assert!(change.alert.resolved_at(at(-3600)), "the end is believed: {:?}", change.alert);
    assert_eq!(change.alert.updated_at, at(0), "and no update is older than the one before");
}

#[test]
fn a_snapshot_stays_as_it_was_and_is_in_order() {
    let mut alerts = Alerts::new(0);
    for host in 0..100 {
        let new = alert(&host.to_string(), Some(0), Some(60));
        alerts.report(new, at(0), RESOLVE_TIMEOUT).expect("valid");
    }
    let snapshot = alerts.snapshot();
    alerts.report(alert("5", Some(0), Some(0)), at(10), RESOLVE_TIMEOUT).expect("valid");
    alerts.report(alert("new", Some(0), Some(60)), at(10), RESOLVE_TIMEOUT).expect("valid");
    let seen: Vec<_> = snapshot.candidates(LabelBits::default()).collect();
    assert_eq!(seen.len(), 100);
    assert!(seen.iter().all(|alert| alert.ends_at == at(60)));
    assert!(seen.is_sorted_by_key(|alert| alert.fingerprint));

    let wanted = LabelBits::default().with("host", "7");
    let found: Vec<_> = snapshot.candidates(wanted).collect();
    assert!(found.iter().any(|alert| alert.labels.value("host") == "7"));
    assert!(found.len() < 20, "{} of 100 are looked at", found.len());
}

#[test]
fn a_late_clock_is_logged_once_in_ten_minutes() {
    let mut alerts = Alerts::new(0);
    let logged = [0, 0, 599, 600, 601, 300].map(|seconds| alerts.logs_late_clock(at(seconds)));
    assert_eq!(logged, [true, false, false, true, false, true], "the last: the clock went back");
}

#[test]
fn alerts_that_no_group_holds_after_a_reload_are_collected() {
    let mut alerts = Alerts::new(0);
    let change = alerts.report(alert("a", Some(0), Some(50)), at(0), RESOLVE_TIMEOUT);
    let fingerprint = change.expect("the report is valid").alert.fingerprint;
    alerts.add_holder(fingerprint);
    alerts.clear_holders();
    alerts.add_holder(fingerprint);
    alerts.remove_holder(fingerprint);
    assert_eq!(alerts.collect(at(100), 9, |_| false).len(), 1);
}
