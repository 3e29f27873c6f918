use super::*;

const INTERVAL: Duration = Duration::from_secs(2);

/// Polls with these numbers of members, every two seconds; answers with the second it settled.
fn settled_after(members: &[usize], joining: usize, timeout: u64) -> Option<(u64, bool)> {
    let start = Mono(7);
    let mut settle = Settle::new(start, INTERVAL, Duration::from_secs(timeout));
    for (index, members) in members.iter().enumerate() {
        let now = start.plus(INTERVAL * (index as u32 + 1));
        match settle.poll(now, *members, index < joining) {
            Poll::Settled { elapsed } => return Some((elapsed.as_secs(), false)),
            Poll::TimedOut { elapsed, .. } => return Some((elapsed.as_secs(), true)),
            Poll::NotDue | Poll::Unsettled { .. } => {}
        }
    }
    None
}

#[test]
fn a_steady_cluster_settles_at_the_fifth_poll() {
    assert_eq!(settled_after(&[3; 9], 0, 60), Some((10, false)));
}

#[test]
fn a_change_starts_the_count_again() {
    assert_eq!(settled_after(&[1, 1, 1, 2, 2, 2, 2, 2, 2], 0, 60), Some((16, false)));
}

#[test]
fn joins_under_way_hold_it_up() {
    assert_eq!(settled_after(&[1; 20], 10, 60), Some((28, false)));
}

#[test]
fn time_runs_out_whatever_is_missing() {
    assert_eq!(settled_after(&[1; 20], 20, 20), Some((20, true)));
}

#[test]
fn between_polls_nothing_is_due() {
    let mut settle = Settle::new(Mono(0), INTERVAL, Duration::from_secs(60));
    assert_eq!(settle.next_wakeup(), Some(Mono(0).plus(INTERVAL)));
    assert_eq!(settle.poll(Mono(0).plus(INTERVAL / 2), 1, false), Poll::NotDue);
    assert_eq!(settle.polls_missing(), 3);
    assert!(!settle.is_settled());
}
