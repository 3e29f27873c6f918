//! How do three nodes become a cluster?
//!
//! A [`Cluster`] starts three processes of one program that name each other as peers, and waits until
//! each of them has settled and sees all three. The nodes are in the order of their names, which is
//! the order in which they notify. Everything is asked over HTTP.

use std::fs;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use bellwether_e2e::alertmanager::listening_address;
use bellwether_e2e::{Client, Process, Program};
use serde_json::Value;
use tempfile::TempDir;

pub const NODES: usize = 3;

/// Three nodes, in the order of their names.
pub struct Cluster {
    pub nodes: Vec<Node>,
}

/// One running node.
pub struct Node {
    pub process: Process,
    pub client: Client,
    pub name: String,
    origin: Origin,
}

/// What outlives a run of a node.
struct Origin {
    program: Program,
    folder: TempDir,
    own: SocketAddr,
    peers: Vec<SocketAddr>,
}

impl Cluster {
    /// Fresh nodes with this configuration and, if any, this notification log to begin with.
    pub fn start(program: Program, config: &str, log: Option<&[u8]>) -> Self {
        let addresses: Vec<SocketAddr> = free_addresses();
        let origins = addresses.iter().map(|&own| {
            let folder = tempfile::Builder::new().prefix("bellwether-bench-").tempdir();
            let folder = folder.expect("the temporary folder is writable");
            let written = fs::create_dir(folder.path().join(DATA))
                .and_then(|()| fs::write(folder.path().join(CONFIG), config))
                .and_then(|()| match log {
                    Some(log) => fs::write(folder.path().join(DATA).join("nflog"), log),
                    None => Ok(()),
                });
            written.expect("our temporary folder is writable");
            let peers = addresses.iter().copied().filter(|&peer| peer != own).collect();
            Origin { program, folder, own, peers }
        });
        let mut cluster = Cluster { nodes: origins.map(Origin::start).collect() };
        cluster.wait_until_settled();
        cluster
    }

    /// Kills the node without notice, and returns what it can be started from again.
    pub fn kill(&mut self, index: usize) -> Killed {
        let Node { mut process, origin, .. } = self.nodes.remove(index);
        process.kill();
        Killed(origin)
    }

    pub fn restart(&mut self, killed: Killed) {
        self.nodes.push(killed.0.start());
        self.wait_until_settled();
    }

    /// Posts a body to all nodes at once, as Prometheus does.
    pub fn post_alerts(&mut self, body: &[u8]) {
        thread::scope(|scope| {
            for node in &mut self.nodes {
                scope.spawn(|| node.client.post_json("/api/v2/alerts", body).expect_status(200));
            }
        });
    }

    /// Processor time of all nodes so far. Each has a grain of 10 ms.
    pub fn cpu(&self) -> Duration {
        self.nodes.iter().map(|node| node.process.cpu()).sum()
    }

    /// The sum of a metric over all nodes and the samples whose labels contain `labels`.
    pub fn metric(&mut self, name: &str, labels: &str) -> f64 {
        self.nodes.iter_mut().map(|node| node.metric(name, labels)).sum()
    }

    /// The largest resident memory of a node.
    pub fn resident_bytes(&self) -> u64 {
        self.nodes.iter().map(|node| node.process.resident_bytes()).max().unwrap_or(0)
    }

    fn wait_until_settled(&mut self) {
        let deadline = Instant::now() + SETTLING_MAX;
        for node in &mut self.nodes {
            node.name = loop {
                let status = node.client.get("/api/v2/status").expect_status(200).json();
                let cluster = &status["cluster"];
                let members = cluster["peers"].as_array().map_or(0, Vec::len);
                if let (Some("ready"), NODES, Some(name)) =
                    (cluster["status"].as_str(), members, cluster["name"].as_str())
                {
                    break name.to_owned();
                }
                assert!(Instant::now() < deadline, "the cluster does not settle: {cluster}");
                thread::sleep(BETWEEN_QUESTIONS);
            };
        }
        self.nodes.sort_by(|one, other| one.name.cmp(&other.name));
    }
}

/// A node that was killed.
pub struct Killed(Origin);

impl Origin {
    fn start(self) -> Node {
        let Origin { program, folder, own, peers } = &self;
        let mut command = Command::new(program.path());
        if *program == Program::Bellwether {
            command.arg("server");
        }
        command.arg(format!("--config.file={}", folder.path().join(CONFIG).display()));
        command.arg(format!("--storage.path={}", folder.path().join(DATA).display()));
        command.arg("--web.listen-address=127.0.0.1:0");
        command.arg(format!("--cluster.listen-address={own}"));
        command.args(peers.iter().map(|peer| format!("--cluster.peer={peer}")));
        let process = Process::start(program.name(), &mut command);
        let address = process.wait_for_line("where it listens", listening_address);
        Node { process, client: Client::new(address), name: String::new(), origin: self }
    }
}

impl Node {
    /// The sum of a metric over the samples whose labels contain `labels`.
    pub fn metric(&mut self, name: &str, labels: &str) -> f64 {
        let text = self.client.get("/metrics").expect_status(200).text();
        let values = text.lines().filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            let of_name = series.split('{').next() == Some(name);
            (of_name && series.contains(labels)).then(|| value.parse::<f64>().ok())?
        });
        values.sum()
    }

    /// Posts a silence and returns its id.
    pub fn post_silence(&mut self, silence: &str) -> String {
        let answer = self.client.post_json("/api/v2/silences", silence.as_bytes());
        let answer: Value = answer.expect_status(200).json();
        answer["silenceID"].as_str().expect("the answer names the silence").to_owned()
    }
}

/// Ports that are free for datagrams and streams. They are freed again before the nodes take
/// them, since the Go server cannot choose one and log which.
fn free_addresses() -> Vec<SocketAddr> {
    let mut held = Vec::new();
    while held.len() < NODES {
        let streams = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = streams.local_addr().expect("a bound listener has an address");
        if let Ok(datagrams) = UdpSocket::bind(address) {
            held.push((address, streams, datagrams));
        }
    }
    held.into_iter().map(|(address, ..)| address).collect()
}

const CONFIG: &str = "alertmanager.yml";
const DATA: &str = "data";
/// The Go server gives up waiting after a minute, and goes on.
const SETTLING_MAX: Duration = Duration::from_secs(90);
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(50);
