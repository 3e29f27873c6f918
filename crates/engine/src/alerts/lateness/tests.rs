use std::time::Duration;

use bellwether_model::{LabelSet, NewAlert, Timestamp};

use super::{End, KEPT_FOR, LateEnds, SERIES_MAX};

/// Seconds after an instant that is no whole second, as Prometheus's evaluations are.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(1_700_000_000 + seconds, 123_456_789)
}

fn report(starts_at: Option<Timestamp>, ends_at: Timestamp) -> NewAlert {
    let labels = LabelSet::new([("alertname", "Disk")]);
    NewAlert {
        fingerprint: labels.fingerprint(),
        labels,
        annotations: LabelSet::default(),
        generator_url: "".into(),
        starts_at,
        ends_at: Some(ends_at),
    }
}

/// Plays reports, each received at a second with a start and an end relative to `at(0)`, and
/// returns which of them count as firing.
fn firing(reports: &[(i64, i64, i64)]) -> Vec<bool> {
    let mut ends = LateEnds::default();
    let read = |(received, starts, ends_at): &(i64, i64, i64)| {
        let new = report(Some(at(*starts)), at(*ends_at));
        ends.read(&new, at(*received)) != End::AsReported
    };
    reports.iter().map(read).collect()
}

const HOUR: i64 = 3600;

/// What Prometheus sends each minute whose clock is `late` seconds late: the start, and an end four
/// minutes ahead on its own clock.
fn prometheus(late: i64, minutes: std::ops::Range<i64>) -> Vec<(i64, i64, i64)> {
    let report = |minute| (60 * minute, -late, 60 * minute - late + 240);
    minutes.map(report).collect()
}

#[test]
fn an_end_that_moves_with_time_shows_a_late_clock_at_the_third_report() {
    assert_eq!(firing(&prometheus(3 * HOUR, 0..5)), [false, false, true, true, true]);
    let hours = prometheus(HOUR, 0..300);
    assert!(firing(&hours)[2..].iter().all(|firing| *firing));
}

#[test]
fn a_late_clock_resolves_by_an_end_that_moves_back_or_stands_still() {
    let mut reports = prometheus(3 * HOUR, 0..4);
    // Resolved at the next evaluation, and repeated.
    reports.extend((4..19).map(|minute| (60 * minute, -3 * HOUR, 240 - 3 * HOUR)));
    assert!(firing(&reports)[2..4].iter().all(|firing| *firing));
    assert_eq!(firing(&reports)[4..], [false; 15]);

    // Ten minutes of reports are lost, and it resolves before they come again.
    for resolved_at in [480, 840] {
        let mut reports = prometheus(3 * HOUR, 0..4);
        reports.push((840, -3 * HOUR, resolved_at - 3 * HOUR));
        assert_eq!(firing(&reports), [false, false, true, true, false], "{resolved_at}");
    }
}

#[test]
fn an_end_that_does_not_move_is_an_end_however_often_it_is_repeated() {
    let year_2000 = -700_000_000;
    let reports: Vec<_> = (0..60).map(|n| (60 * n, year_2000 - 60, year_2000)).collect();
    assert_eq!(firing(&reports), [false; 60]);
}

#[test]
fn a_program_that_repeats_that_all_is_well_never_fires() {
    let all_well = |starts: fn(i64) -> Option<i64>| {
        let mut ends = LateEnds::default();
        (0..60).all(|n| {
            let ends_at = 60 * n - 3 * HOUR;
            let new = report(starts(ends_at).map(at), at(ends_at));
            ends.read(&new, at(60 * n)) == End::AsReported
        })
    };
    assert!(all_well(|_| None), "without a start");
    assert!(all_well(Some), "start and end are the same");
    assert!(all_well(|ends_at| Some(ends_at - 300)), "the start moves with the end");

    // The start stands, and the end is read from a clock that is late.
    let mut ends = LateEnds::default();
    for n in 0..60_u32 {
        let read = Timestamp::from_unix(1_700_000_000 + 60 * i64::from(n), n * 7_654_321);
        let new = report(Some(at(-9 * HOUR)), read.minus(Duration::from_secs(3 * 3600)));
        assert_eq!(ends.read(&new, read), End::AsReported);
    }
}

#[test]
fn what_waited_in_a_queue_and_arrives_faster_than_it_was_made_shows_nothing() {
    // Five seconds apart when they were made; all at once, and fifty times faster than made.
    let at_once: Vec<_> = (0..60).map(|n| (0, -3 * HOUR, 5 * n - 3 * HOUR + 240)).collect();
    assert_eq!(firing(&at_once), [false; 60]);
    let faster: Vec<_> = (0..60).map(|n| (n, -5 * HOUR, 50 * n - 3 * HOUR)).collect();
    assert_eq!(firing(&faster), [false; 60]);
}

#[test]
fn an_end_of_the_last_half_hour_is_an_end() {
    assert_eq!(firing(&prometheus(29 * 60, 0..10)), [false; 10]);
}

#[test]
fn two_servers_with_the_same_late_clock_do_not_disturb_each_other() {
    let mut reports = Vec::new();
    for minute in 0..10 {
        reports.push((60 * minute, -3 * HOUR, 60 * minute - 3 * HOUR + 240));
        if minute > 4 {
            let late = 3 * HOUR - 7;
            reports.push((60 * minute + 1, 255 - late, 60 * minute - late + 240));
        }
    }
    assert!(firing(&reports)[2..].iter().all(|firing| *firing));
}

#[test]
fn an_alert_that_fires_again_is_known_by_its_clock() {
    let mut reports = prometheus(3 * HOUR, 0..4);
    reports.push((240, -3 * HOUR, 240 - 3 * HOUR));
    // With a new start.
    reports.push((600, 600 - 3 * HOUR, 840 - 3 * HOUR));
    assert_eq!(firing(&reports), [false, false, true, true, false, true]);
}

#[test]
fn a_clock_that_is_corrected_in_part_fires_still() {
    let mut reports = prometheus(3 * HOUR, 0..4);
    reports.push((240, -3 * HOUR, 480 - HOUR));
    reports.push((300, -3 * HOUR, 540 - HOUR));
    assert_eq!(firing(&reports), [false, false, true, true, true, true]);
}

#[test]
fn what_is_remembered_is_limited_in_number_and_time() {
    let mut ends = LateEnds::default();
    for n in 0..100 {
        let now = at(60 * n);
        ends.read(&report(Some(at(60 * n - 4 * HOUR)), at(60 * n - 3 * HOUR)), now);
        let kept = ends.series.values().map(Vec::len).sum::<usize>();
        assert!(kept <= SERIES_MAX, "{kept} series");
    }
    ends.forget_old(at(60 * 99).plus(KEPT_FOR));
    assert!(ends.series.is_empty());
}

#[test]
fn a_line_is_logged_every_ten_minutes() {
    let mut ends = LateEnds::default();
    let worth: Vec<_> = [0, 1, 599, 600, 601, -5].map(|s| ends.is_worth_a_line(at(s))).into();
    assert_eq!(worth, [true, false, false, true, false, true]);
}

#[test]
fn an_end_that_is_past_by_half_an_hour_is_an_end_whatever_was_reported_before() {
    assert_eq!(firing(&prometheus(1800 + 240, 0..5)), [false; 5]);
    assert_eq!(firing(&prometheus(1801 + 240, 0..3)), [false, false, true]);
}

#[test]
fn the_same_report_by_another_way_neither_counts_nor_begins_anew() {
    let late = prometheus(3 * HOUR, 0..5);
    let again = |n: usize| (late[n].0 + 5, late[n].1, late[n].2);
    let reports = [late[0], late[1], again(1), late[2], again(2), late[3]];
    assert_eq!(firing(&reports), [false, false, false, true, true, true]);
    let twice = [late[0], again(0), late[1], again(1)];
    assert_eq!(firing(&twice), [false; 4], "two reports are not three");
}

#[test]
fn a_clock_that_has_shown_to_be_late_still_reports_ends() {
    let late = prometheus(3 * HOUR, 0..3);
    let (received, starts, ends) = late[2];
    let then = |next| {
        let reports: Vec<_> = late.iter().copied().chain([next]).collect();
        firing(&reports)[3]
    };
    assert!(then((received + 60, starts, ends + 60)));
    assert!(!then((received + 60, starts, ends)), "the end stands still");
    assert!(!then((received + 5, starts, ends - 5)), "the end moves back");
}

#[test]
fn what_does_not_continue_a_series_begins_another_one() {
    let late = prometheus(3 * HOUR, 0..6);
    // The third is a minute late: what came before it shows nothing any more.
    let third = (late[2].0 + 60, late[2].1, late[2].2);
    let next = |n: usize| (late[n].0 + 60, late[n].1, late[n].2);
    let reports = [late[0], late[1], third, next(3), next(4)];
    assert_eq!(firing(&reports), [false, false, false, false, true]);
}
