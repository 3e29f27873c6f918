//! How are several Alertmanagers started as one cluster?
//!
//! A [`Cluster`] is a list of [`Node`]s that have each other's addresses on their command lines. The
//! cluster's intervals are short, so that it settles in two or three seconds. Each node can be
//! killed, stopped and started again on the same data and address.
//!
//! Each cluster has its own loopback address: its ports must stay the same from start to start, and
//! on an address that no other test uses none can be taken in between.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::process::ExitStatus;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use crate::alertmanager::{Running, Setup};
use crate::programs::Program;
use crate::wait;

/// Nodes of one cluster, in the order of their start.
pub struct Cluster {
    nodes: Vec<Node>,
}

/// One member, whether it runs or not.
pub struct Node {
    pub setup: Setup,
    /// Where its peers find it.
    peers_listen: SocketAddr,
    /// Where it listens for HTTP.
    web_listen: String,
    running: Option<Running>,
}

impl Cluster {
    /// A cluster of these programs on loopback.
    pub fn new(programs: &[Program], config: &str) -> Self {
        let ip = own_loopback_address();
        let nodes = programs.iter().map(|&program| {
            let address = free_peer_address(ip.into());
            Node::new(Setup::detailed(program, config), address, "127.0.0.1:0")
        });
        Self::of(nodes.collect())
    }

    /// A cluster of these nodes, each of which gets the addresses of all others.
    pub fn of(nodes: Vec<Node>) -> Self {
        let addresses: Vec<SocketAddr> = nodes.iter().map(|node| node.peers_listen).collect();
        let add_peers = |mut node: Node| {
            for address in addresses.iter().filter(|&&address| address != node.peers_listen) {
                node.setup = node.setup.flag(&format!("--cluster.peer={address}"));
            }
            for flag in QUICK {
                node.setup = node.setup.flag(flag);
            }
            for fragment in APART {
                node.setup = node.setup.expect_log(fragment);
            }
            node
        };
        Self { nodes: nodes.into_iter().map(add_peers).collect() }
    }

    /// A flag for all nodes.
    #[must_use]
    pub fn flag(self, flag: &str) -> Self {
        self.map(|setup| setup.flag(flag))
    }

    /// See [`Setup::expect_log`].
    #[must_use]
    pub fn expect_log(self, fragment: &str) -> Self {
        self.map(|setup| setup.expect_log(fragment))
    }

    /// A flag for one node.
    #[must_use]
    pub fn flag_of(mut self, at: usize, flag: &str) -> Self {
        let node = self.nodes.remove(at);
        self.nodes.insert(at, Node { setup: node.setup.flag(flag), ..node });
        self
    }

    fn map(self, change: impl Fn(Setup) -> Setup) -> Self {
        let nodes = self.nodes.into_iter();
        let nodes = nodes.map(|node| Node { setup: change(node.setup), ..node });
        Self { nodes: nodes.collect() }
    }

    /// Starts all and waits until they have settled with each other.
    pub fn start(&mut self) {
        for node in &mut self.nodes {
            node.start();
        }
        self.wait_until_settled();
    }

    /// Waits until all that run know each other and no other node, and are ready to notify.
    #[track_caller]
    pub fn wait_until_settled(&mut self) {
        self.wait_until_agreed();
        for server in self.running() {
            wait::until("the cluster has settled", || {
                (server.cluster()["status"] == "ready").then_some(())
            });
        }
    }

    /// Waits until all that run have the same list of members: those that run.
    #[track_caller]
    pub fn wait_until_agreed(&mut self) {
        let mut addresses: Vec<String> = self
            .nodes
            .iter()
            .filter(|node| node.running.is_some())
            .map(|node| node.peers_listen.to_string())
            .collect();
        addresses.sort();
        wait::until(&format!("all report that the members are {addresses:?}"), || {
            let lists: Vec<_> = self.running().map(Running::members).collect();
            let mut found: Vec<&String> = lists[0].iter().map(|(_, address)| address).collect();
            found.sort();
            (found.into_iter().eq(&addresses) && lists.iter().all(|list| *list == lists[0]))
                .then_some(())
        });
    }

    /// How many nodes there are, running or not.
    #[expect(clippy::len_without_is_empty, reason = "no cluster is empty")]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn node(&mut self, at: usize) -> &mut Node {
        &mut self.nodes[at]
    }

    /// The server of a node that runs.
    #[track_caller]
    pub fn server(&mut self, at: usize) -> &mut Running {
        self.nodes[at].running.as_mut().expect("the node runs")
    }

    /// All servers that run.
    pub fn running(&mut self) -> impl Iterator<Item = &mut Running> {
        self.nodes.iter_mut().filter_map(|node| node.running.as_mut())
    }

    /// Posts alerts to all that run, as Prometheus does.
    #[track_caller]
    pub fn post_alerts(&mut self, alerts: &Value) {
        for server in self.running() {
            server.post_alerts(alerts);
        }
    }

    /// Waits until `ask` is content with every server that runs.
    #[track_caller]
    pub fn wait_on_each(&mut self, what: &str, ask: impl Fn(&mut Running) -> bool) {
        for server in self.running() {
            wait::until(what, || ask(server).then_some(()));
        }
    }
}

impl Node {
    /// A node that does not run yet.
    pub fn new(setup: Setup, peers_listen: SocketAddr, web_listen: &str) -> Self {
        let setup = setup.in_cluster(peers_listen);
        Self { setup, peers_listen, web_listen: web_listen.to_owned(), running: None }
    }

    /// Starts it and waits until it listens for HTTP.
    pub fn start(&mut self) -> &mut Running {
        self.running.insert(self.setup.start_at(&self.web_listen))
    }

    /// `kill -9`.
    #[track_caller]
    pub fn kill(&mut self) {
        self.running.take().expect("the node runs").kill();
    }

    /// SIGTERM: it leaves the cluster.
    #[track_caller]
    pub fn stop(&mut self) -> ExitStatus {
        self.running.take().expect("the node runs").stop()
    }
}

impl Running {
    /// The cluster block of the status.
    pub fn cluster(&mut self) -> Value {
        self.get("/api/v2/status").expect_status(200).json()["cluster"].clone()
    }

    /// Name and address of each member, this one included, by name.
    pub fn members(&mut self) -> Vec<(String, String)> {
        let cluster = self.cluster();
        let peers = cluster["peers"].as_array().map(Vec::as_slice).unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut members: Vec<(String, String)> =
            peers.iter().map(|peer| (text(&peer["name"]), text(&peer["address"]))).collect();
        members.sort();
        members
    }
}

/// An address with a port that is free for UDP and TCP alike.
///
/// Peers' addresses are on every command line before any node listens, and a Go server given port 0
/// announces that 0 to its peers. So the kernel is asked for a port here, which is then given back.
pub fn free_peer_address(ip: std::net::IpAddr) -> SocketAddr {
    wait::until("a port is free for UDP and TCP", || {
        let stream = TcpListener::bind((ip, 0)).expect("loopback has a free port");
        let address = stream.local_addr().expect("a bound listener has an address");
        UdpSocket::bind(address).is_ok().then_some(address)
    })
}

/// One of 127.0.0.0/8 that no other cluster of this run has.
fn own_loopback_address() -> Ipv4Addr {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let number = TAKEN.fetch_add(1, Ordering::Relaxed) + 1;
    // Another run of the tests at the same time starts elsewhere.
    let run = std::process::id() % 250 + 1;
    Ipv4Addr::from(127 << 24 | run << 16 | number)
}

/// What nodes say while others have not started yet, or are killed.
const APART: &[&str] = &[
    "failed to join cluster",
    "Cluster is incomplete",
    "Peer failed; trying to reconnect",
    "from a host that runs a peer",
    "with a host that runs a peer",
];

/// Settles within three seconds and notices a dead peer within about as many.
const QUICK: &[&str] = &[
    "--cluster.gossip-interval=50ms",
    "--cluster.probe-interval=500ms",
    "--cluster.probe-timeout=250ms",
    "--cluster.reconnect-interval=1s",
];
