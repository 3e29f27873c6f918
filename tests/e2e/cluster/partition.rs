//! A network that is cut in two.
//!
//! Neither side can know whether the other one runs, so each notifies: that is the one duplicate
//! that a cluster has to send. Once the cut is healed, both sides know what the other has sent.

use bellwether_e2e::Program::{Bellwether, Go};
use bellwether_e2e::{Cluster, Namespaces, Node, Setup, Sink, wait};
use serde_json::json;

use super::{config, notifications, silences, wait_for_notifications, wait_until_others_know};
use bellwether_e2e::fixtures::{alert, silence};

#[test]
fn each_side_of_a_partition_notifies_and_none_repeats_it_afterwards() {
    Namespaces::run("one_node_is_cut_from_two", 3, |network| {
        let hook = Sink::start_at(&network.hub_listen());
        let text = config(&hook.url("/"), "100ms", "1s", "4h");
        let nodes = [(0, Bellwether), (1, Go), (2, Bellwether)].map(|(node, program)| {
            let setup = Setup::detailed(program, &text).wrapped(&network.wrapper(node));
            Node::new(setup, network.peers_listen(node), &network.web_listen(node))
        });
        let mut cluster = Cluster::of(nodes.into())
            .flag("--cluster.peer-timeout=1s")
            .flag("--cluster.tcp-timeout=1s");
        cluster.start();
        cluster.post_alerts(&json!([alert("LongBefore")]));
        wait_for_notifications(&hook, "LongBefore", "firing", 1);
        wait_until_others_know(&mut cluster);

        network.cut(2);
        for (node, members) in [(0, 2), (1, 2), (2, 1)] {
            let server = cluster.server(node);
            wait::until("the cut is noticed", || (server.members().len() == members).then_some(()));
        }
        cluster.post_alerts(&json!([alert("LongDuring")]));
        wait_for_notifications(&hook, "LongDuring", "firing", 2);
        cluster.server(0).post_silence(&silence("Here", "made by two"));
        cluster.server(2).post_silence(&silence("There", "made by one"));

        network.heal(2);
        cluster.wait_until_agreed();
        cluster.wait_on_each("silences of both sides are known", |s| silences(s).len() == 2);
        let known: Vec<_> = cluster.running().map(silences).collect();
        assert!(known.iter().all(|list| *list == known[0]), "silences differ: {known:#?}");
        for server in cluster.running() {
            server.wait_for_another_flush("LongDuring");
        }
        cluster.post_alerts(&json!([alert("LongAfter")]));
        wait_for_notifications(&hook, "LongAfter", "firing", 1);
        for server in cluster.running() {
            server.wait_for_another_flush("LongAfter");
        }
        let requests = hook.requests();
        let count = |name| notifications(&requests, name, "firing").len();
        assert_eq!(count("LongBefore"), 1, "sent before the cut, and not again");
        assert_eq!(count("LongDuring"), 2, "once by each side");
        assert_eq!(count("LongAfter"), 1, "one cluster again");
    });
}
