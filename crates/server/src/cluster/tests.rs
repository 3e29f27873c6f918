use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bellwether_engine::Peer;
use bellwether_memberlist::cluster::{Member, Status};
use bellwether_memberlist::{Address, NodeName};
use bellwether_mesh::Security;

use super::{BellwetherMetadata, drifted, listen_address, peers, settings};
use crate::flags::{Flags, Parsed, parse};

fn flags(arguments: &[&str]) -> Flags {
    let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
    match parse(&arguments, |_| Err("no files here".into())) {
        Ok(Parsed::Run(flags)) => *flags,
        other => panic!("{arguments:?}: {other:?}"),
    }
}

fn own() -> BellwetherMetadata {
    BellwetherMetadata { cluster_id: String::new(), config: 1 }
}

fn member(name: &str, meta: &[u8]) -> Member {
    Member {
        name: NodeName::new(name).unwrap(),
        address: Address::new([127, 0, 0, 1], 1),
        meta: meta.to_vec().into(),
        suspect: false,
    }
}

fn status() -> Status {
    let other = BellwetherMetadata { config: 2, ..own() };
    Status {
        name: NodeName::new("b").unwrap(),
        address: Address::new([127, 0, 0, 1], 1),
        settling: None,
        position: 1,
        members: vec![
            member("a", b""),
            member("b", own().meta().as_bytes()),
            member("c", own().meta().as_bytes()),
            member("d", other.meta().as_bytes()),
        ],
        refused: None,
        expected: 3,
        missing: Vec::new(),
        failed_peers: 0,
        messages_queued: 0,
        health_score: 0,
    }
}

#[test]
fn an_empty_host_listens_everywhere() {
    for (text, expected) in [
        (":9094", "0.0.0.0:9094"),
        ("127.0.0.1:0", "127.0.0.1:0"),
        ("[::1]:7", "[::1]:7"),
        ("[::]:7", "[::]:7"),
        ("localhost:7", "127.0.0.1:7"),
    ] {
        assert_eq!(listen_address(text), Ok(expected.parse::<SocketAddr>().unwrap()));
    }
    for text in ["9094", "a:b", "example.com:1", "127.0.0.1:70000"] {
        assert!(listen_address(text).is_err(), "{text}");
    }
}

#[test]
fn flags_become_settings_and_errors_name_them() {
    let storage = tempfile::tempdir().unwrap();
    let make = |arguments: &[&str]| {
        settings(&flags(arguments), storage.path(), &own(), Security::Plain, 1)
    };
    assert!(make(&["--cluster.listen-address="]).unwrap().is_none());
    let made = make(&["--cluster.peer=a:1", "--cluster.gossip-interval=1s"]).unwrap().unwrap();
    assert_eq!(made.cluster.peers, ["a:1"]);
    assert_eq!(made.cluster.machine.gossip_interval.as_secs(), 1);
    let again = make(&[]).unwrap().unwrap();
    assert_eq!(again.cluster.machine.name, made.cluster.machine.name, "the name is kept");
    for (argument, flag) in [
        ("--cluster.peer=nowhere", "--cluster.peer"),
        ("--cluster.advertise-address=name:1", "--cluster.advertise-address"),
        ("--cluster.listen-address=name:1", "--cluster.listen-address"),
    ] {
        let error = format!("{:#}", make(&[argument]).unwrap_err());
        assert!(error.starts_with(flag), "{error}");
    }
}

#[test]
fn bellwether_peers_and_drift_are_recognized_by_node_metadata() {
    let peer = |name: &str, is_bellwether| {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Peer { name: name.to_owned(), address, is_bellwether }
    };
    assert_eq!(peers(&status()), [peer("a", false), peer("c", true), peer("d", true)]);
    assert_eq!(drifted(&status(), &own()), ["d"]);
}
