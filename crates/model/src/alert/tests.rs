use super::Alert;
use crate::labels::LabelSet;
use crate::time::Timestamp;

/// An alert active in `start..end`, reported at `updated`; all in seconds.
fn alert(start: i64, end: i64, updated: i64) -> Alert {
    let labels = LabelSet::new([("alertname", "X")]);
    Alert {
        fingerprint: labels.fingerprint(),
        labels,
        annotations: LabelSet::default(),
        generator_url: "".into(),
        starts_at: Timestamp::from_unix(start, 0),
        ends_at: Timestamp::from_unix(end, 0),
        updated_at: Timestamp::from_unix(updated, 0),
        timed_out: false,
        late_by_s: 0,
    }
}

#[track_caller]
fn check(old: Alert, new: Alert, start: i64, end: i64) {
    let after = Alert::after(&old, new);
    let seconds = (after.starts_at.unix_seconds(), after.ends_at.unix_seconds());
    assert_eq!(seconds, (start, end));
}

#[test]
fn a_repeated_alert_keeps_its_start_and_moves_its_end() {
    check(alert(100, 400, 100), alert(150, 450, 150), 100, 450);
}

#[test]
fn an_explicit_resolve_ends_the_alert() {
    check(alert(100, 400, 100), alert(100, 200, 200), 100, 200);
}

#[test]
fn activity_that_does_not_overlap_is_a_new_incident() {
    check(alert(100, 200, 200), alert(300, 700, 300), 300, 700);
}

#[test]
fn of_two_resolved_reports_the_later_end_stays() {
    check(alert(100, 250, 260), alert(100, 240, 270), 100, 250);
}

#[test]
fn an_explicit_end_outlives_an_earlier_one_but_a_guessed_end_does_not() {
    check(alert(100, 900, 100), alert(150, 500, 150), 100, 900);
    let guessed = Alert { timed_out: true, ..alert(100, 900, 100) };
    check(guessed, alert(150, 500, 150), 100, 500);
}

#[test]
fn a_report_that_arrives_late_does_not_win() {
    check(alert(100, 400, 300), alert(150, 350, 200), 100, 400);
}
