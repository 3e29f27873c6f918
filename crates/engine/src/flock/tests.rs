use std::time::Duration;

use bellwether_model::{Mono, Now, Timestamp};

use super::{Bulletin, ClockNews, Flock, Peer, PeerSettings};

fn now(seconds: u64) -> Now {
    let mono = Mono(seconds * 1_000_000_000);
    Now { wall: Timestamp::from_unix(1_700_000_000 + seconds as i64, 0), mono }
}

fn flock(own: &str, peers: &[(&str, bool)]) -> Flock {
    let timeout = Duration::from_secs(15);
    let mut flock = Flock::new(Some(PeerSettings { name: own.to_owned(), timeout }));
    let peers = peers.iter().map(|(name, kin)| Peer { name: (*name).to_owned(), kin: *kin });
    flock.set_peers(now(0), peers.collect());
    flock
}

fn bulletin(flock: &mut Flock, at: u64, peer: &str, ahead: i64, busy_with: &[u64]) {
    let wall = Timestamp::from_unix(now(at).wall.unix_seconds() + ahead, 0);
    let bulletin = Bulletin { from: peer.to_owned(), wall, busy_with: busy_with.to_vec() };
    flock.hear_bulletin(now(at), now(at).wall, bulletin);
}

#[test]
fn a_peer_ahead_that_answers_nobody_for_a_second_is_not_waited_for() {
    let mut flock = flock("c", &[("a", false), ("b", true), ("d", true)]);
    assert_eq!(flock.wait(), Duration::from_secs(30));
    assert_eq!(flock.watch(now(0).mono, true).ask, ["a", "b"]);
    flock.hear_from("b");
    flock.watch(Mono(500_000_000), true);
    flock.hear_from("b");
    let watch = flock.watch(now(1).mono, true);
    assert_eq!(watch.fallen_silent, ["a"]);
    assert_eq!(flock.wait(), Duration::from_secs(15));
    assert!(flock.hear_from("a"));
    assert_eq!(flock.wait(), Duration::from_secs(30));
    flock.watch(now(1).mono, false);
    assert_eq!(flock.wait(), Duration::from_secs(30), "silence is forgotten with the wait");
}

#[test]
fn a_node_that_was_late_itself_calls_nobody_silent_before_it_has_read_the_answers() {
    let mut flock = flock("b", &[("a", false)]);
    assert_eq!(flock.watch(now(0).mono, true).ask, ["a"]);
    assert!(flock.watch(now(5).mono, true).fallen_silent.is_empty());
    flock.hear_from("a");
    assert!(flock.watch(now(6).mono, true).fallen_silent.is_empty());
    assert!(flock.next().is_some_and(|at| at > now(6).mono));
}

#[test]
fn what_another_tries_to_tell_is_left_to_it_while_its_bulletins_come() {
    let mut flock = flock("b", &[("a", true), ("c", true)]);
    bulletin(&mut flock, 1, "c", 0, &[7]);
    assert!(flock.left_to_others(7, false, now(2).mono).is_some());
    assert!(flock.left_to_others(7, true, now(2).mono).is_none(), "c is behind b");
    assert!(flock.left_to_others(8, false, now(2).mono).is_none());
    assert!(flock.left_to_others(7, false, now(5).mono).is_none(), "no bulletin came since");
    bulletin(&mut flock, 5, "a", 0, &[7]);
    assert!(flock.left_to_others(7, true, now(6).mono).is_some(), "a is ahead of b");
}

#[test]
fn a_clock_that_is_off_is_corrected_only_by_a_majority() {
    let mut two = flock("a", &[("b", true)]);
    bulletin(&mut two, 0, "b", 3600, &[]);
    assert_eq!(two.corrected(now(0)).wall, now(0).wall);
    assert!(matches!(&two.take_clock_news()[..], [ClockNews::Differs { .. }]));

    let mut three = flock("a", &[("b", true), ("c", true)]);
    bulletin(&mut three, 0, "b", -86_400, &[]);
    bulletin(&mut three, 0, "c", -86_401, &[]);
    let wall = three.corrected(now(0)).wall;
    assert!((wall.unix_seconds() - (now(0).wall.unix_seconds() - 86_400)).abs() <= 1);

    let mut right = flock("a", &[("b", true), ("c", true)]);
    bulletin(&mut right, 0, "b", 86_400, &[]);
    bulletin(&mut right, 0, "c", 0, &[]);
    assert_eq!(right.corrected(now(0)).wall, now(0).wall);
}

#[test]
fn bulletins_that_waited_while_this_node_slept_do_not_make_their_senders_slow() {
    let mut flock = flock("a", &[("b", true), ("c", true)]);
    flock.follow_clock(now(0));
    flock.follow_clock(now(50));
    for ahead in [-50, -25, 0] {
        bulletin(&mut flock, 50, "b", ahead, &[]);
        bulletin(&mut flock, 50, "c", ahead, &[]);
        assert_eq!(flock.corrected(now(50)).wall, now(50).wall);
    }
    assert_eq!(flock.take_clock_news(), []);

    // What comes in later was sent later.
    flock.follow_clock(now(55));
    bulletin(&mut flock, 55, "b", -50, &[]);
    bulletin(&mut flock, 55, "c", -50, &[]);
    assert_ne!(flock.corrected(now(55)).wall, now(55).wall);
}

#[test]
fn a_correction_outlives_the_majority_that_asked_for_it() {
    let mut flock = flock("a", &[("b", true), ("c", true)]);
    flock.follow_clock(now(0));
    bulletin(&mut flock, 0, "b", -3600, &[]);
    bulletin(&mut flock, 0, "c", -3600, &[]);
    flock.set_peers(now(5), vec![Peer { name: "c".into(), kin: true }]);
    bulletin(&mut flock, 5, "c", -3601, &[]);
    assert_eq!(flock.corrected(now(6)).wall, now(6).wall.minus(HOUR));
    flock.set_peers(now(7), Vec::new());
    assert_eq!(flock.corrected(now(8)).wall, now(8).wall.minus(HOUR));

    // Somebody says that the own clock is right after all.
    flock.set_peers(now(9), vec![Peer { name: "d".into(), kin: true }]);
    bulletin(&mut flock, 9, "d", 0, &[]);
    assert_eq!(flock.corrected(now(9)).wall, now(9).wall);
}

#[test]
fn a_clock_that_is_set_right_is_corrected_no_more() {
    let mut flock = flock("a", &[("b", true), ("c", true)]);
    flock.follow_clock(now(0));
    bulletin(&mut flock, 0, "b", -3600, &[]);
    bulletin(&mut flock, 0, "c", -3600, &[]);
    let set = |seconds| Now { wall: now(seconds).wall.minus(HOUR), ..now(seconds) };
    flock.follow_clock(now(1));
    flock.follow_clock(set(2));
    assert_eq!(flock.corrected(set(2)).wall, set(2).wall);

    // What its peers said before does not count against it now.
    let news = Bulletin { from: "b".into(), wall: set(3).wall, busy_with: Vec::new() };
    flock.hear_bulletin(set(3), set(3).wall, news);
    assert_eq!(flock.corrected(set(3)).wall, set(3).wall);
}

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn bulletins_come_back_and_nonsense_does_not() {
    let bulletin = Bulletin { from: "a".into(), wall: now(3).wall, busy_with: vec![1, u64::MAX] };
    assert_eq!(Bulletin::decode(&bulletin.encode()), Some(bulletin));
    assert_eq!(Bulletin::decode(&[8, 255]), None);
    let year_10000 = [8, 0x80, 0xdc, 0xd5, 0xdb, 0xb0, 0x39 | 0x80, 0x7f];
    assert_eq!(Bulletin::decode(&year_10000), None);
}
