//! What is believed of whom.

use super::*;
use crate::message::{Dead, Suspect};

fn suspect(node: &str, incarnation: u32, from: &str) -> Message {
    Message::Suspect(Suspect { incarnation, node: name(node), from: name(from) })
}

fn dead(node: &str, incarnation: u32, from: &str) -> Message {
    Message::Dead(Dead { incarnation, node: name(node), from: name(from) })
}

fn join(node: &str, number: u8) -> MembershipEvent {
    MembershipEvent::Join { node: name(node), address: address(number) }
}

#[test]
fn we_are_our_first_member() {
    let stage = Stage::new();
    assert_eq!(stage.events(), [join("me", 1)]);
    assert_eq!(stage.out[0], Output::Event(MembershipEvent::AliveSeen { node: name("me") }));
    assert_eq!(stage.machine.size(), 1);
}

#[test]
fn an_alive_node_becomes_a_member_and_is_gossiped() {
    let mut stage = Stage::new();
    stage.silence_news();
    stage.receive(&alive("p2", 2, 1));
    assert_eq!(stage.events(), [join("p2", 2)]);
    let members: Vec<&str> = stage.machine.members().map(|node| node.name.as_str()).collect();
    assert_eq!(members, ["me", "p2"]);
    stage.pass(SECOND);
    assert!(stage.sent().contains(&(address(2), alive("p2", 2, 1))));
}

#[test]
fn an_older_or_equal_number_changes_nothing() {
    let mut stage = Stage::among(2);
    stage.receive(&suspect("p2", 5, "p3"));
    stage.receive(&alive("p2", 2, 5));
    assert_eq!(stage.status("p2"), Some(NodeStatus::Suspect));
    stage.receive(&alive("p2", 2, 6));
    assert_eq!(stage.status("p2"), Some(NodeStatus::Alive));
    stage.receive(&suspect("p2", 5, "p3"));
    stage.receive(&dead("p2", 5, "p3"));
    assert_eq!((stage.status("p2"), stage.incarnation("p2")), (Some(NodeStatus::Alive), 6));
}

#[test]
fn suspect_and_dead_claims_about_unknown_nodes_are_ignored() {
    let mut stage = Stage::new();
    stage.receive(&suspect("ghost", 1, "p3"));
    stage.receive(&dead("ghost", 1, "p3"));
    assert_eq!(stage.status("ghost"), None);
    assert!(stage.out.is_empty());
}

#[test]
fn a_suspect_is_a_member_until_its_time_is_over() {
    let mut stage = Stage::among(2);
    stage.receive(&suspect("p2", 1, "p3"));
    assert!(stage.events().is_empty());
    stage.pass(Duration::from_millis(3_999));
    assert_eq!((stage.status("p2"), stage.machine.size()), (Some(NodeStatus::Suspect), 3));
    stage.pass(Duration::from_millis(1));
    assert!(stage.events().contains(&MembershipEvent::Leave {
        node: name("p2"),
        address: address(2),
        graceful: false
    }));
    assert_eq!((stage.status("p2"), stage.machine.size()), (Some(NodeStatus::Dead), 2));
}

#[test]
fn an_answer_from_the_suspect_ends_the_suspicion_for_good() {
    let mut stage = Stage::among(2);
    stage.receive(&suspect("p2", 1, "p3"));
    stage.receive(&alive("p2", 2, 2));
    assert!(stage.events().is_empty(), "it never left");
    assert_eq!(stage.machine.suspicions.next_due(), None);
}

#[test]
fn a_leave_is_final_and_distinct_from_a_failure() {
    let mut stage = Stage::among(2);
    stage.receive(&dead("p2", 1, "p2"));
    assert_eq!(stage.status("p2"), Some(NodeStatus::Left));
    let graceful =
        |event: &MembershipEvent| matches!(event, MembershipEvent::Leave { graceful: true, .. });
    assert!(stage.events().iter().any(graceful));
    stage.receive(&dead("p3", 1, "me"));
    assert_eq!(stage.status("p3"), Some(NodeStatus::Dead));
}

#[test]
fn what_is_gone_is_forgotten_after_half_a_minute() {
    let mut stage = Stage::among(2);
    stage.receive(&dead("p2", 1, "p2"));
    stage.receive(&dead("p3", 1, "x"));
    stage.pass(29 * SECOND);
    assert!(stage.status("p2").is_some() && stage.status("p3").is_some());
    stage.pass(3 * SECOND);
    assert_eq!((stage.status("p2"), stage.status("p3")), (None, None));
}

#[test]
fn we_refute_with_a_number_above_the_accusers() {
    for accusation in [suspect("me", 41, "p2"), dead("me", 41, "p2"), dead("me", 41, "me")] {
        let mut stage = Stage::among(2);
        stage.receive(&accusation);
        assert_eq!(stage.status("me"), Some(NodeStatus::Alive));
        assert_eq!((stage.incarnation("me"), stage.machine.health_score()), (42, 1));
        stage.pass(SECOND);
        assert!(stage.sent().contains(&(address(2), alive("me", 1, 42))));
    }
}

#[test]
fn an_outdated_accusation_is_refuted_again() {
    let mut stage = Stage::among(2);
    stage.receive(&suspect("me", 1, "p2"));
    stage.silence_news();
    stage.receive(&suspect("me", 1, "p3"));
    stage.pass(SECOND);
    assert_eq!(stage.incarnation("me"), 2, "without another number");
    assert!(stage.sent().contains(&(address(3), alive("me", 1, 2))));
}

#[test]
fn the_greatest_number_of_all_is_not_exceeded() {
    let mut stage = Stage::among(1);
    stage.receive(&suspect("me", u32::MAX, "p2"));
    assert_eq!(stage.incarnation("me"), u32::MAX);
}

#[test]
fn what_we_said_ourselves_is_no_news_but_an_earlier_life_is_refuted() {
    let mut stage = Stage::among(1);
    stage.receive(&alive("me", 1, 1));
    assert_eq!(stage.incarnation("me"), 1);
    stage.receive(&alive("me", 1, 9));
    assert_eq!(stage.incarnation("me"), 10);
    let other_meta = Alive { meta: Bytes::from_static(b"old"), ..alive_as("me", 1, 10) };
    stage.receive(&Message::Alive(other_meta));
    assert_eq!(stage.incarnation("me"), 11);
}

#[test]
fn a_name_keeps_its_address_until_it_has_left() {
    let mut stage = Stage::among(2);
    stage.receive(&alive("p2", 22, 9));
    let conflict =
        MembershipEvent::Conflict { node: name("p2"), address: address(2), claimed: address(22) };
    assert_eq!(stage.events(), std::slice::from_ref(&conflict));
    stage.receive(&dead("p2", 1, "p3"));
    stage.receive(&alive("p2", 22, 9));
    assert_eq!(stage.events(), [conflict], "a dead one may come back to where it was");
    stage.receive(&dead("p3", 1, "p3"));
    stage.receive(&alive("p3", 33, 1));
    assert_eq!(stage.events(), [join("p3", 33)], "a new process counts from one");
}

#[test]
fn no_other_node_takes_our_name() {
    let mut stage = Stage::among(1);
    stage.receive(&alive("me", 66, 9));
    assert!(matches!(stage.events()[..], [MembershipEvent::Conflict { .. }]));
    assert_eq!(stage.incarnation("me"), 1);
}

#[test]
fn port_zero_is_the_same_as_ours() {
    let mut stage = Stage::new();
    let claim = alive_as("p2", 2, 1);
    let address = Address { port: 0, ..claim.address };
    stage.receive(&Message::Alive(Alive { address, ..claim }));
    assert_eq!(stage.events(), [join("p2", 2)]);
}

#[test]
fn versions_that_make_no_sense_keep_a_node_out() {
    for versions in [None, Some(Versions([0, 5, 2, 0, 0, 0])), Some(Versions([3, 2, 2, 0, 0, 0]))] {
        let mut stage = Stage::new();
        stage.receive(&Message::Alive(Alive { versions, ..alive_as("p2", 2, 1) }));
        assert!(matches!(stage.notes()[..], [MemberlistNote::BadVersions { .. }]), "{versions:?}");
        assert_eq!(stage.machine.size(), 1);
    }
}

#[test]
fn strangers_stay_outside_and_the_silent_are_let_in() {
    let member_filter =
        MemberFilter { scheme: Bytes::from_static(b"bw:"), cluster: Bytes::from_static(b"one;") };
    let mut stage = Stage::with(|settings| settings.member_filter = Some(member_filter));
    for (meta, members) in [("bw:two;x", 1), ("bw:one", 1), ("", 2), ("bw:one;x", 3), ("else", 4)] {
        let node = format!("p{meta}");
        let claim = Alive { meta: Bytes::from(meta), ..alive_as(&node, 2, 1) };
        stage.receive(&Message::Alive(claim));
        assert_eq!(stage.machine.size(), members, "{meta:?}");
    }
}

#[test]
fn a_full_member_list_admits_no_node() {
    let mut stage = Stage::with(|settings| settings.limits.nodes_max = 3);
    for number in 2..6 {
        stage.receive(&alive(&format!("p{number}"), number, 1));
    }
    assert_eq!(stage.machine.size(), 3);
    assert_eq!(stage.out, [Output::Note(MemberlistNote::NodesFull { refused: name("p5") })]);
    stage.receive(&alive("p2", 2, 2));
    assert_eq!(stage.incarnation("p2"), 2, "a known member is updated");
}

#[test]
fn more_members_than_may_be_are_refused_unless_they_are_expected() {
    let mut stage = Stage::with(|settings| settings.limits.members_max = 3);
    for number in 2..6 {
        stage.receive(&alive(&format!("p{number}"), number, 1));
    }
    assert_eq!(stage.machine.size(), 3);
    let refused = |node: &str, number| {
        let (refused, address) = (name(node), address(number));
        Output::Note(MemberlistNote::MembersFull { refused, address })
    };
    assert_eq!(stage.out, [refused("p5", 5)]);
    assert!(stage.machine.node(&name("p4")).is_none(), "it is not remembered either");
    stage.receive(&alive("p2", 2, 2));
    assert_eq!(stage.incarnation("p2"), 2, "a member is updated");

    stage.handle(Input::Expect([address(4)].into()));
    stage.receive(&alive("p4", 4, 1));
    assert_eq!(stage.machine.size(), 4);
    stage.receive(&alive("p6", 4, 1));
    assert_eq!(stage.out, [refused("p6", 4)], "one at each address");
}

#[test]
fn what_a_node_says_about_itself_is_kept_and_a_change_is_an_event() {
    let mut stage = Stage::among(1);
    let claim = Alive { meta: Bytes::from_static(b"new"), ..alive_as("p2", 2, 2) };
    stage.receive(&Message::Alive(claim));
    assert_eq!(stage.events(), [MembershipEvent::Update { node: name("p2") }]);
    assert_eq!(stage.machine.node(&name("p2")).unwrap().meta, "new");
}

#[test]
fn new_metadata_is_gossiped_once_with_a_new_incarnation() {
    let mut stage = Stage::among(1);
    let meta = NodeMeta::new("about me").unwrap();
    stage.handle(Input::SetMeta(meta.clone()));
    assert_eq!(stage.events(), [MembershipEvent::Update { node: name("me") }]);
    let expected = Alive { meta: Bytes::from_static(b"about me"), ..alive_as("me", 1, 2) };
    assert!(stage.sent().contains(&(address(2), Message::Alive(expected))));
    stage.handle(Input::SetMeta(meta));
    assert_eq!((stage.events(), stage.incarnation("me")), (vec![], 2));
}

#[test]
fn a_meta_has_five_hundred_and_twelve_bytes_at_most() {
    assert!(NodeMeta::new(vec![1; 512]).is_some());
    assert_eq!(NodeMeta::new(vec![1; 513]), None);
}

#[test]
fn alone_we_have_left_at_once() {
    let mut stage = Stage::new();
    stage.handle(Input::Leave);
    assert_eq!(stage.events().last(), Some(&MembershipEvent::LeaveDone));
    assert_eq!(stage.machine.size(), 0);
}

#[test]
fn a_leave_is_retransmitted_like_any_broadcast_and_is_not_refuted() {
    let mut stage = Stage::among(2);
    stage.handle(Input::Leave);
    assert!(!stage.events().contains(&MembershipEvent::LeaveDone));
    let mut leaves = stage.sent();
    stage.pass(SECOND);
    leaves.extend(stage.sent());
    leaves.retain(|(_, message)| *message == dead("me", 1, "me"));
    assert_eq!(leaves.len(), 4);
    assert!(stage.events().contains(&MembershipEvent::LeaveDone));
    stage.receive(&alive("me", 1, 9));
    stage.receive(&suspect("me", 9, "p2"));
    assert_eq!(stage.status("me"), Some(NodeStatus::Left));
    stage.handle(Input::Leave);
    assert!(stage.events().is_empty());
}

#[test]
fn a_leave_that_reaches_no_peer_ends_after_its_timeout() {
    let mut stage = Stage::with(|settings| settings.gossip_nodes = 0);
    stage.receive(&alive("p2", 2, 1));
    stage.machine.probe_at = Mono(u64::MAX);
    stage.handle(Input::Leave);
    stage.pass(Duration::from_millis(9_999));
    assert!(stage.events().is_empty());
    stage.pass(Duration::from_millis(1));
    assert_eq!(stage.events(), [MembershipEvent::LeaveDone]);
}

#[test]
fn only_an_outdated_suspicion_of_this_node_makes_it_say_again_that_it_is_alive() {
    let says = |stage: &mut Stage| {
        stage.pass(SECOND);
        let alive =
            |message: &Message| matches!(message, Message::Alive(it) if it.node == name("me"));
        stage.sent().iter().any(|(_, message)| alive(message))
    };
    let mut stage = Stage::among(2);
    stage.machine.probe_at = Mono(u64::MAX);
    stage.receive(&suspect("me", 1, "p2"));
    assert!(says(&mut stage), "it refutes");
    stage.silence_news();
    let own = stage.incarnation("me");
    stage.receive(&suspect("p2", 0, "p3"));
    assert!(!says(&mut stage), "another node is suspected");
    stage.receive(&suspect("me", own - 1, "p2"));
    assert!(says(&mut stage), "who suspects it has not heard");
}
