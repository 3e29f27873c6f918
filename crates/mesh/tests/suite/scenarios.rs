//! What must work alike over both transports.

use std::net::SocketAddr;

use bellwether_memberlist::cluster::{self, ReceivedVia, SendVia};
use bellwether_memberlist::{Label, NodeMeta, NodeName};
use bellwether_mesh::{Mesh, MeshNote, Security};
use bytes::Bytes;

use crate::certificates::{Authority, Replaceable, node_config};
use crate::node::{Node, settings};

/// As many nodes as wanted, for one cluster.
enum Kind {
    Plain,
    Tls(Box<Authority>),
}

impl Kind {
    fn both() -> [Kind; 2] {
        [Kind::Plain, Kind::Tls(Box::new(Authority::new()))]
    }

    fn security(&self) -> Security {
        match self {
            Kind::Plain => Security::Plain,
            Kind::Tls(authority) => Security::Tls(Replaceable::new(node_config(authority))),
        }
    }
}

fn part(key: &str, data: &'static [u8]) -> (String, Bytes) {
    (key.to_owned(), Bytes::from_static(data))
}

#[tokio::test]
async fn two_nodes_join_and_exchange_everything() {
    for kind in Kind::both() {
        let first = settings("a", "127.0.0.1:0", &[], kind.security());
        let mut a = Node::with_state(first, vec![part("nfl", b"state of a")]).await;
        let second = settings("b", "127.0.0.1:0", &[a.address()], kind.security());
        let mut b = Node::with_state(second, vec![part("sil", b"state of b")]).await;
        a.until_members(&["a", "b"]).await;
        b.until_members(&["a", "b"]).await;
        a.until_received("sil", b"state of b", ReceivedVia::FullState).await;
        b.until_received("nfl", b"state of a", ReceivedVia::FullState).await;

        a.mesh.broadcast("sil", Bytes::from_static(b"small"));
        b.until_received("sil", b"small", ReceivedVia::Datagram).await;
        b.mesh.broadcast("sil", vec![1; 100_000].into());
        a.until_received("sil", &[1; 100_000], ReceivedVia::Stream).await;
        a.mesh.forward("nfl", Bytes::from_static(b"news"));
        b.until_received("nfl", b"news", ReceivedVia::Datagram).await;
        let peer = NodeName::new("a").unwrap();
        b.mesh.send_to_peer(peer.clone(), "own", Bytes::from_static(b"psst"), SendVia::Datagram);
        a.until_received("own", b"psst", ReceivedVia::Datagram).await;
        b.mesh.send_to_peer(peer, "own", Bytes::from_static(b"psst"), SendVia::Stream);
        a.until_received("own", b"psst", ReceivedVia::Stream).await;

        let report = b.report().await;
        assert_eq!(report.counters.oversize["sil"].sent, 1);
        assert!(report.transport.packets.sent > 0 && report.transport.packets.received > 0);
        assert!(report.transport.streams.sent >= 4);
        assert!(a.report().await.transport.streams.received >= 4);
        assert_eq!((report.commands_dropped, report.events_dropped), (0, 0));

        a.mesh.leave().await.unwrap();
        b.until_members(&["b"]).await;
        a.mesh.leave().await.unwrap();
    }
}

#[tokio::test]
async fn three_nodes_that_know_one_form_a_cluster() {
    for kind in Kind::both() {
        let a = Node::start(settings("a", "127.0.0.1:0", &[], kind.security())).await;
        let mut others = Vec::new();
        for name in ["b", "c"] {
            let peers = [a.address()];
            others.push(Node::start(settings(name, "127.0.0.1:0", &peers, kind.security())).await);
        }
        for node in others.iter().chain([&a]) {
            node.until_members(&["a", "b", "c"]).await;
        }
        a.mesh.broadcast("nfl", Bytes::from_static(b"for both"));
        for node in &mut others {
            node.until_received("nfl", b"for both", ReceivedVia::Datagram).await;
        }
        others[0].mesh.set_meta(NodeMeta::new("config=1").unwrap());
        let mut watch = a.mesh.watch();
        let has_meta = watch.wait_for(|status| status.members[1].meta == "config=1");
        tokio::time::timeout(crate::node::TEST_TIMEOUT, has_meta).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_state_of_many_megabytes_arrives_whole() {
    for kind in Kind::both() {
        // More than Go nodes before 0.35 take.
        let state: Vec<u8> = (0..45_000_000_u32).map(|n| (n % 251) as u8).collect();
        let first = settings("a", "127.0.0.1:0", &[], kind.security());
        let a = Node::with_state(first, vec![("nfl".to_owned(), state.clone().into())]).await;
        let second = settings("b", "127.0.0.1:0", &[a.address()], kind.security());
        let mut b = Node::start(second).await;
        b.until_received("nfl", &state, ReceivedVia::FullState).await;
    }
}

#[tokio::test]
async fn nodes_join_only_nodes_with_the_same_label() {
    for kind in Kind::both() {
        let labelled = |name: &str, label: &str, peers: &[SocketAddr]| {
            let mut settings = settings(name, "127.0.0.1:0", peers, kind.security());
            settings.cluster.machine.label = Label::new(label).unwrap();
            settings
        };
        let a = Node::start(labelled("a", "prod", &[])).await;
        let mut c = Node::start(labelled("c", "test", &[a.address()])).await;
        let b = Node::start(labelled("b", "prod", &[a.address()])).await;
        a.until_members(&["a", "b"]).await;
        b.until_members(&["a", "b"]).await;
        let failed = |note: &MeshNote| {
            matches!(note, MeshNote::Cluster(cluster::ClusterNote::JoinFailed { .. }))
        };
        c.until_noted(failed).await;
        c.until_members(&["c"]).await;
        a.until_members(&["a", "b"]).await;
    }
}

#[tokio::test]
async fn one_socket_serves_both_families() {
    for listen in ["[::]:0", "0.0.0.0:0"] {
        let mut a = Node::start(settings("a", listen, &[], Security::Plain)).await;
        let port = a.address().port();
        let families = [("b", "127.0.0.1:0", "to four"), ("c", "[::1]:0", "to six")];
        for (name, loopback, text) in families {
            let mut address: SocketAddr = loopback.parse().unwrap();
            address.set_port(port);
            let settings = settings(name, loopback, &[address], Security::Plain);
            let mut b = Node::with_state(settings, vec![part("sil", text.as_bytes())]).await;
            a.until_received("sil", text.as_bytes(), ReceivedVia::FullState).await;
            a.mesh.broadcast("nfl", Bytes::from_static(text.as_bytes()));
            b.until_received("nfl", text.as_bytes(), ReceivedVia::Datagram).await;
        }
    }
}

#[tokio::test]
async fn nodes_meet_where_there_is_only_the_sixth_version() {
    for kind in Kind::both() {
        let a = Node::start(settings("a", "[::1]:0", &[], kind.security())).await;
        let peers = [a.address()];
        let b = Node::start(settings("b", "[::1]:0", &peers, kind.security())).await;
        a.until_members(&["a", "b"]).await;
        b.until_members(&["a", "b"]).await;
        assert_eq!(b.mesh.status().address.ip.to_string(), "::1");
    }
}

#[tokio::test]
async fn a_taken_port_keeps_the_mesh_from_starting() {
    for kind in Kind::both() {
        let a = Node::start(settings("a", "127.0.0.1:0", &[], kind.security())).await;
        let taken = a.address().to_string();
        let error = Mesh::start(settings("b", &taken, &[], kind.security())).await.unwrap_err();
        assert!(error.to_string().contains(&taken), "{error}");
    }
}

#[tokio::test]
async fn names_are_looked_up() {
    let a = Node::start(settings("a", "127.0.0.1:0", &[], Security::Plain)).await;
    let mut by_name = settings("b", "127.0.0.1:0", &[], Security::Plain);
    by_name.cluster.peers = vec![format!("localhost:{}", a.address().port()), "no port".to_owned()];
    let mut b = Node::start(by_name).await;
    b.until_members(&["a", "b"]).await;
    let noted =
        |note: &MeshNote| matches!(note, MeshNote::LookupFailed { name, .. } if name == "no port");
    b.until_noted(noted).await;
}
