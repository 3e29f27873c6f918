use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use bellwether_model::{Mono, Now, Timestamp};

use super::claims::{ALL_CLAIMS_MAX, CLAIMS_MAX};
use super::{ClockChange, NotCorrected, Peer, PeerSettings, Peers, StatusBroadcast, StatusRefusal};

fn now(seconds: u64) -> Now {
    let mono = Mono(seconds * 1_000_000_000);
    Now { wall: Timestamp::from_unix(1_700_000_000 + seconds as i64, 0), mono }
}

fn peers(own: &str, others: &[(&str, bool)]) -> Peers {
    let timeout = Duration::from_secs(15);
    let settings =
        PeerSettings { name: own.to_owned(), timeout, corrects_clock: true, trusts_status: true };
    let mut peers = Peers::new(Some(settings));
    let others = others.iter().map(|(name, is_bellwether)| peer(name, *is_bellwether));
    peers.set_peers(now(0), others.collect());
    peers
}

fn peer(name: &str, is_bellwether: bool) -> Peer {
    Peer { name: name.to_owned(), address: address(name), is_bellwether }
}

/// Each peer has an address of its own.
fn address(name: &str) -> IpAddr {
    Ipv4Addr::new(10, 0, 0, name.bytes().last().unwrap_or_default()).into()
}

fn status(peers: &mut Peers, at: u64, peer: &str, ahead: i64, claims: &[u64]) {
    let wall = Timestamp::from_unix(now(at).wall.unix_seconds() + ahead, 0);
    let status = StatusBroadcast { from: peer.to_owned(), wall, claims: claims.to_vec() };
    let taken = peers.take_status(now(at), now(at).wall, address(peer), status);
    taken.expect("a status of a peer");
}

/// Those that are unresponsive after checks that only `alive` answer.
fn checked_for_a_second(peers: &mut Peers, from: u64, alive: &[&str]) -> Vec<String> {
    for half in 0..2 {
        peers.check_liveness(Mono(now(from).mono.0 + half * 500_000_000), true);
        for name in alive {
            peers.note_alive(name);
        }
    }
    peers.check_liveness(now(from + 1).mono, true).unresponsive
}

#[test]
fn a_peer_ahead_that_is_unresponsive_for_a_second_is_not_waited_for() {
    let mut peers = peers("c", &[("a", false), ("b", true), ("d", true)]);
    assert_eq!(peers.wait(now(0).mono), Duration::from_secs(30));
    assert_eq!(peers.check_liveness(now(0).mono, true).to_check, ["a", "b"]);
    peers.note_alive("b");
    peers.check_liveness(Mono(500_000_000), true);
    peers.note_alive("b");
    let watch = peers.check_liveness(now(1).mono, true);
    assert_eq!(watch.unresponsive, ["a"]);
    assert_eq!(peers.wait(now(0).mono), Duration::from_secs(15));
    assert!(peers.note_alive("a"));
    assert_eq!(peers.wait(now(0).mono), Duration::from_secs(30));
    peers.check_liveness(now(1).mono, false);
    assert_eq!(
        peers.wait(now(0).mono),
        Duration::from_secs(30),
        "silence is forgotten with the wait"
    );
}

#[test]
fn no_node_notifies_before_a_living_go_node_ahead_would_have() {
    let seconds = Duration::from_secs;
    let mut peers = peers("e", &[("a", true), ("b", false), ("c", true), ("d", false)]);
    assert_eq!(peers.wait(now(0).mono), seconds(60));
    let dead = checked_for_a_second(&mut peers, 0, &["b", "c", "d"]);
    assert_eq!(dead, ["a"]);
    assert_eq!(peers.wait(now(0).mono), seconds(60), "d counts a, b and c");

    // It is gone 100 s later: a group that is due up to 5 s later may still count it.
    let rest = [("b", false), ("c", true), ("d", false)];
    let rest = rest.map(|(name, is_bellwether)| peer(name, is_bellwether));
    peers.set_peers(now(100), rest.to_vec());
    assert_eq!(peers.wait(now(104).mono), seconds(60));
    assert_eq!(peers.wait(now(105).mono), seconds(45));
    assert_eq!(peers.wait(now(0).mono), seconds(60), "for those that have waited since");

    // Names behind the Go node do not count.
    peers.set_peers(now(200), rest[..2].to_vec());
    peers.set_peers(now(201), rest[..1].to_vec());
    assert_eq!(peers.wait(now(201).mono), seconds(15));
}

#[test]
fn a_go_node_ahead_has_a_second_to_gossip_however_short_the_peer_timeout() {
    let timeout = Duration::from_millis(100);
    let settings =
        PeerSettings { name: "c".to_owned(), timeout, corrects_clock: true, trusts_status: true };
    let mut peers = Peers::new(Some(settings));
    let ours = peer("a", true);
    let go = peer("b", false);
    peers.set_peers(now(0), vec![ours.clone(), go]);
    assert_eq!(peers.wait(now(0).mono), Duration::from_millis(1_100));
    peers.set_peers(now(0), vec![ours]);
    assert_eq!(peers.wait(now(0).mono), Duration::from_millis(100));
}

#[test]
fn a_claim_that_ends_is_taken_over_in_the_order_of_names() {
    let mut peers = peers("d", &[("a", true), ("b", true), ("c", false), ("e", true)]);
    let since = now(1).mono;
    assert_eq!(peers.takeover_at(7, false, since), None);
    status(&mut peers, 2, "e", 0, &[7]);
    status(&mut peers, 3, "e", 0, &[]);
    assert_eq!(peers.takeover_at(7, false, since), Some(now(8).mono), "a, then b, then d");
    assert_eq!(peers.takeover_at(7, true, since), None, "e is behind it");
    assert_eq!(peers.takeover_at(7, false, now(4).mono), None, "it ended before");

    // Who has claimed it itself has had its turn.
    status(&mut peers, 4, "a", 0, &[7]);
    status(&mut peers, 5, "a", 0, &[]);
    assert_eq!(peers.takeover_at(7, true, since), Some(now(8).mono), "b, then d");

    // What is unresponsive no longer claims, also after it is gone.
    status(&mut peers, 6, "b", 0, &[9]);
    assert_eq!(checked_for_a_second(&mut peers, 6, &["a", "c"]), ["b"]);
    assert_eq!(peers.takeover_at(9, false, since), Some(now(9).mono), "a, then d");
    let rest = ["a", "e"].map(|name| peer(name, true));
    peers.set_peers(now(9), rest.to_vec());
    assert_eq!(peers.takeover_at(9, false, since), Some(now(9).mono));
}

#[test]
fn members_that_join_during_a_wait_do_not_prolong_it() {
    let mut peers = peers("m", &[("a", true), ("b", false)]);
    let wait = peers.wait(now(10).mono);
    assert_eq!(wait, Duration::from_secs(30));
    for at in 10..60 {
        let strangers = (0..at).map(|number| peer(&format!("!{number}"), number % 2 == 0));
        let all = strangers.chain([peer("a", true), peer("b", false)]);
        peers.set_peers(now(at), all.collect());
        assert!(peers.wait(now(9).mono) <= wait, "at {at}");
    }
    // What begins later waits as a Go node in this place would.
    assert_eq!(peers.wait(now(60).mono), Duration::from_secs(61 * 15));
}

#[test]
fn members_that_come_and_go_are_counted_as_far_as_a_cluster_may_lose_them() {
    let mut peers = peers("m", &[("b", false)]);
    for at in 0..20 {
        let strangers = (0..50).map(|number| peer(&format!("!{at}-{number}"), false));
        peers.set_peers(now(at), strangers.chain([peer("b", false)]).collect());
    }
    peers.set_peers(now(20), vec![peer("b", false)]);
    assert_eq!(peers.wait(now(20).mono), Duration::from_secs(15 * 11));
}

#[test]
fn a_member_that_was_away_for_a_moment_is_waited_for_again() {
    let mut peers = peers("c", &[("a", true), ("b", true)]);
    peers.set_peers(now(5), vec![peer("a", true)]);
    peers.set_peers(now(6), vec![peer("a", true), peer("b", true)]);
    assert_eq!(peers.wait(now(4).mono), Duration::from_secs(30));
}

#[test]
fn a_node_that_was_late_itself_reads_answers_before_it_calls_a_peer_unresponsive() {
    let mut peers = peers("b", &[("a", false)]);
    assert_eq!(peers.check_liveness(now(0).mono, true).to_check, ["a"]);
    assert!(peers.check_liveness(now(5).mono, true).unresponsive.is_empty());
    peers.note_alive("a");
    assert!(peers.check_liveness(now(6).mono, true).unresponsive.is_empty());
    assert!(peers.next().is_some_and(|at| at > now(6).mono));
}

#[test]
fn a_claimed_notification_is_left_to_the_peer_while_its_status_arrives() {
    let mut peers = peers("b", &[("a", true), ("c", true)]);
    status(&mut peers, 1, "c", 0, &[7]);
    assert!(peers.claimed_until(7, false, now(2).mono).is_some());
    assert!(peers.claimed_until(7, true, now(2).mono).is_none(), "c is behind b");
    assert!(peers.claimed_until(8, false, now(2).mono).is_none());
    assert!(peers.claimed_until(7, false, now(5).mono).is_none(), "no status came since");
    status(&mut peers, 5, "a", 0, &[7]);
    assert!(peers.claimed_until(7, true, now(6).mono).is_some(), "a is ahead of b");
}

#[test]
fn a_clock_that_is_ahead_is_set_back_only_by_a_majority() {
    let mut two = peers("a", &[("b", true)]);
    status(&mut two, 0, "b", -120, &[]);
    assert_eq!(two.corrected(now(0)).wall, now(0).wall);
    assert!(matches!(&two.take_clock_changes()[..], [ClockChange::Differs { .. }]));

    let mut three = peers("a", &[("b", true), ("c", true)]);
    status(&mut three, 0, "b", -120, &[]);
    status(&mut three, 0, "c", -121, &[]);
    let wall = three.corrected(now(0)).wall;
    assert!((wall.unix_seconds() - (now(0).wall.unix_seconds() - 120)).abs() <= 1);

    let mut right = peers("a", &[("b", true), ("c", true)]);
    status(&mut right, 0, "b", -120, &[]);
    status(&mut right, 0, "c", 0, &[]);
    assert_eq!(right.corrected(now(0)).wall, now(0).wall);

    let mut five = peers("a", &[("b", true), ("c", true), ("d", true), ("e", true)]);
    status(&mut five, 0, "b", -120, &[]);
    status(&mut five, 0, "c", -120, &[]);
    assert_eq!(five.corrected(now(0)).wall, now(0).wall, "two of five");
    status(&mut five, 0, "d", -120, &[]);
    assert_eq!(five.corrected(now(0)).wall, now(0).wall.minus(Duration::from_secs(120)));
}

#[test]
fn whatever_peers_say_the_clock_is_set_back_by_five_minutes_at_most_and_never_ahead() {
    let years = 3 * 365 * 86_400;
    for ahead in [-years, -301, 31, 240, years] {
        let mut peers = peers("a", &[("b", true), ("c", true)]);
        for at in 0..20 {
            status(&mut peers, at, "b", ahead * (1 + at as i64), &[]);
            status(&mut peers, at, "c", ahead * (1 + at as i64), &[]);
            let wall = peers.corrected(now(at)).wall;
            assert!(wall <= now(at).wall && wall >= now(at).wall.minus(Duration::from_mins(5)));
        }
        let changes = peers.take_clock_changes();
        let is_late = |change: &&ClockChange| {
            matches!(change, ClockChange::NotCorrected { why: NotCorrected::WouldSkipTime, .. })
        };
        assert_eq!(changes.iter().filter(is_late).count(), usize::from(ahead > 0), "said once");
    }
}

#[test]
fn a_clock_is_not_corrected_where_anyone_may_be_a_peer() {
    let timeout = Duration::from_secs(15);
    let settings =
        PeerSettings { name: "a".to_owned(), timeout, corrects_clock: false, trusts_status: false };
    let mut peers = Peers::new(Some(settings));
    peers.set_peers(now(0), vec![peer("b", true), peer("c", true)]);
    for at in 0..3 {
        status(&mut peers, at, "b", -120, &[]);
        status(&mut peers, at, "c", -120, &[]);
        assert_eq!(peers.corrected(now(at)).wall, now(at).wall);
    }
    let changes = peers.take_clock_changes();
    let refused = |change: &&ClockChange| matches!(change, ClockChange::NotCorrected { .. });
    let refused: Vec<_> = changes.iter().filter(refused).collect();
    let why = NotCorrected::PeersUnproven;
    assert_eq!(refused, [&ClockChange::NotCorrected { off_seconds: -120.0, why }]);
}

#[test]
fn a_status_broadcast_counts_only_from_the_address_of_a_bellwether_member() {
    let timeout = Duration::from_secs(15);
    let settings =
        PeerSettings { name: "b".to_owned(), timeout, corrects_clock: true, trusts_status: false };
    let mut peers = Peers::new(Some(settings));
    peers.set_peers(now(0), vec![peer("a", true), peer("c", true), peer("g", false)]);
    let forged = |from: &str, at: IpAddr, peers: &mut Peers| {
        let wall = now(0).wall.minus(HOUR);
        let status = StatusBroadcast { from: from.to_owned(), wall, claims: vec![7] };
        peers.take_status(now(0), now(0).wall, at, status)
    };
    assert_eq!(forged("x", address("x"), &mut peers), Err(StatusRefusal::NoPeer));
    assert_eq!(forged("g", address("g"), &mut peers), Err(StatusRefusal::NoPeer));
    for is_news in [true, false] {
        let refused = Err(StatusRefusal::OtherAddress { is_news });
        assert_eq!(forged("a", address("c"), &mut peers), refused);
    }
    assert_eq!(peers.claimed_until(7, false, now(1).mono), None);
    assert_eq!(peers.take_clock_changes(), []);
    assert!(forged("a", address("a"), &mut peers).is_ok());
    assert!(peers.claimed_until(7, false, now(1).mono).is_some());
}

#[test]
fn with_tls_a_status_broadcast_counts_from_any_address() {
    let mut peers = peers("b", &[("a", true), ("c", true)]);
    let (wall, claims) = (now(0).wall, vec![7]);
    let status = StatusBroadcast { from: "a".to_owned(), wall, claims };
    assert!(peers.take_status(now(0), wall, address("z"), status).is_ok());
    assert!(peers.claimed_until(7, false, now(1).mono).is_some());
}

#[test]
fn claims_are_limited_for_each_member_and_in_all() {
    let mut peers = peers("a", &[("b", true), ("c", true), ("d", true)]);
    let many: Vec<u64> = (0..CLAIMS_MAX as u64).collect();
    let mut claim = |at: u64, from: &str, claims: &[u64]| {
        let (wall, claims) = (now(at).wall, claims.to_vec());
        let status = StatusBroadcast { from: from.to_owned(), wall, claims };
        let taken = peers.take_status(now(at), wall, address(from), status);
        taken.expect("a status of a peer").claims_refused
    };
    assert_eq!(claim(0, "b", &many), 0);
    assert_eq!(claim(0, "b", &many), 0);
    assert_eq!(claim(0, "b", &[1]), 1, "in the same second");
    assert_eq!(claim(1, "b", &many), 0);
    assert_eq!(claim(1, "c", &many), 0);
    assert_eq!(claim(1, "d", &[1, 2]), 2, "{ALL_CLAIMS_MAX} are there");
    assert_eq!(claim(40, "b", &[]), 0);
    assert_eq!(claim(40, "d", &[1, 2]), 0);
}

#[test]
fn statuses_that_queued_while_this_node_was_paused_do_not_make_clocks_differ() {
    let mut peers = peers("a", &[("b", true), ("c", true)]);
    peers.follow_clock(now(0));
    peers.follow_clock(now(50));
    for ahead in [-50, -25, 0] {
        status(&mut peers, 50, "b", ahead, &[]);
        status(&mut peers, 50, "c", ahead, &[]);
        assert_eq!(peers.corrected(now(50)).wall, now(50).wall);
    }
    assert_eq!(peers.take_clock_changes(), []);

    // What comes in later was sent later.
    peers.follow_clock(now(55));
    status(&mut peers, 55, "b", -50, &[]);
    status(&mut peers, 55, "c", -50, &[]);
    assert_ne!(peers.corrected(now(55)).wall, now(55).wall);
}

#[test]
fn a_correction_outlives_the_majority_that_asked_for_it() {
    let mut peers = peers("a", &[("b", true), ("c", true)]);
    peers.follow_clock(now(0));
    status(&mut peers, 0, "b", -180, &[]);
    status(&mut peers, 0, "c", -180, &[]);
    peers.set_peers(now(5), vec![peer("c", true)]);
    status(&mut peers, 5, "c", -181, &[]);
    assert_eq!(peers.corrected(now(6)).wall, now(6).wall.minus(THREE_MINUTES));
    peers.set_peers(now(7), Vec::new());
    assert_eq!(peers.corrected(now(8)).wall, now(8).wall.minus(THREE_MINUTES));

    // Somebody says that the own clock is right after all.
    peers.set_peers(now(9), vec![peer("d", true)]);
    status(&mut peers, 9, "d", 0, &[]);
    assert_eq!(peers.corrected(now(9)).wall, now(9).wall);
}

#[test]
fn a_clock_that_is_set_right_is_corrected_no_more() {
    let mut peers = peers("a", &[("b", true), ("c", true)]);
    peers.follow_clock(now(0));
    status(&mut peers, 0, "b", -180, &[]);
    status(&mut peers, 0, "c", -180, &[]);
    let set = |seconds| Now { wall: now(seconds).wall.minus(THREE_MINUTES), ..now(seconds) };
    peers.follow_clock(now(1));
    peers.follow_clock(set(2));
    assert_eq!(peers.corrected(set(2)).wall, set(2).wall);

    // What its peers said before does not count against it now.
    let status = StatusBroadcast { from: "b".into(), wall: set(3).wall, claims: Vec::new() };
    peers.take_status(set(3), set(3).wall, address("b"), status).expect("a status of a peer");
    assert_eq!(peers.corrected(set(3)).wall, set(3).wall);
}

const HOUR: Duration = Duration::from_secs(3600);
const THREE_MINUTES: Duration = Duration::from_secs(180);

#[test]
fn status_broadcasts_round_trip_and_invalid_bytes_are_refused() {
    let status = StatusBroadcast { from: "a".into(), wall: now(3).wall, claims: vec![1, u64::MAX] };
    assert_eq!(StatusBroadcast::decode(&status.encode()), Some(status));
    assert_eq!(StatusBroadcast::decode(&[8, 255]), None);
    let year_10000 = [8, 0x80, 0xdc, 0xd5, 0xdb, 0xb0, 0x39 | 0x80, 0x7f];
    assert_eq!(StatusBroadcast::decode(&year_10000), None);
}

#[test]
fn a_claim_holds_until_three_and_a_half_seconds_after_the_last_status() {
    let mut peers = peers("b", &[("a", true)]);
    status(&mut peers, 1, "a", 0, &[7]);
    assert!(peers.claimed_until(7, false, Mono(4_499_999_999)).is_some());
    assert!(peers.claimed_until(7, false, Mono(4_500_000_000)).is_none());
}

#[test]
fn former_members_are_remembered_for_ten_minutes_and_ten_of_them_counted() {
    let second = Duration::from_secs(1);
    let go = peer("y", false);
    let set = |peers: &mut Peers, at: u64| peers.set_peers(now(at), vec![go.clone()]);
    let mut few = peers("z", &[("a", true), ("y", false)]);
    set(&mut few, 100);
    set(&mut few, 699);
    assert_eq!(few.wait(now(0).mono), 30 * second, "y counts a");
    set(&mut few, 700);
    assert_eq!(few.wait(now(0).mono), 15 * second);

    let names: Vec<String> = (0..11).map(|number| format!("p{number:02}")).collect();
    let mut all: Vec<(&str, bool)> = names.iter().map(|name| (name.as_str(), true)).collect();
    all.push(("y", false));
    let mut many = peers("z", &all);
    set(&mut many, 100);
    assert_eq!(many.wait(now(0).mono), 15 * 11 * second, "ten turns, and that of y");
}

#[test]
fn invalid_times_of_a_status_are_refused() {
    let status = |wall| StatusBroadcast { from: "a".into(), wall, claims: Vec::new() };
    let last = status(Timestamp::from_unix(1, 999_999_999));
    assert_eq!(StatusBroadcast::decode(&last.encode()), Some(last));
    // Seconds 1, nanoseconds 1,000,000,000.
    assert_eq!(StatusBroadcast::decode(&[8, 1, 16, 0x80, 0x94, 0xeb, 0xdc, 3]), None);
}
